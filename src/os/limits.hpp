// What the system lets this process and its directories have.
//
//  - A limit that is not set is kUnlimited; one that the system does not tell is too.
//  - nullopt of a use: nobody counts it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "base/result.hpp"

namespace mqxx::os {

inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// Of this process, and so of whoever it starts. @see getrlimit(2)
struct ProcessLimits {
  std::uint64_t descriptors = kUnlimited;    ///< open files
  std::uint64_t file_bytes = kUnlimited;     ///< of one file
  std::uint64_t address_bytes = kUnlimited;  ///< mapped
};
ProcessLimits process_limits() noexcept;

/// Of the file system that a directory lies in.
struct Space {
  std::uint64_t bytes = 0;
  std::uint64_t bytes_left = 0;  ///< for this user
  std::uint64_t files = 0;       ///< 0: they are not counted
  std::uint64_t files_left = 0;
};
Result<Space> space(const std::string& directory) noexcept;

}  // namespace mqxx::os
