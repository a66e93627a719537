// Address: where a queue lives and what it is called there, taken apart and checked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mqxx {

enum class Home { shm, kernel, sysv };

/// In front of the names of a home.
inline constexpr std::string_view kKernelPrefix = "kernel:";
inline constexpr std::string_view kSysvPrefix = "sysv:";

/// Bytes of a name after its slash: NAME_MAX of Linux, and so of mq_open(3).
inline constexpr std::size_t kMaxNameSize = 255;

struct Address {
  Home home = Home::shm;
  std::string name;  ///< shm, kernel: with its slash; sysv: the one text of its key, base/sysv_key.hpp
};

/// The text that names it again.
std::string text_of(const Address& address);

/// "/name", "name" (gets its slash), "kernel:/name", "sysv:KEY".
/// Fails with invalid_name (empty, "/", another slash, "." and "..", NUL; no key) or name_too_long.
Result<Address> parse_address(std::string_view text);

}  // namespace mqxx
