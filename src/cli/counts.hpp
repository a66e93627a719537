// Counts: options that are whole numbers within bounds.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "cli/cli11.hpp"

namespace mqxx::cli {

/// As a count of messages: no end.
inline constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();

struct Bounds {
  std::uint64_t least = 0;
  std::uint64_t most = kEverything;
};

/// @param names  as CLI11 wants them: "-j,--jobs"; the last stands in messages
CLI::Option* add_count(CLI::App& app, const std::string& names, const std::string& description, const Bounds& bounds,
                       std::uint64_t& value);

}  // namespace mqxx::cli
