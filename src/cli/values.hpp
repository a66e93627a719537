// Values: numbers, sizes, times and modes as people write them on a command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mqxx::cli {

/// Digits only, so that a sign or a unit is noticed. nullopt when it is anything else or does not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

/// Bytes: "8192", "64K" and "64KiB" (1024 each), "64kB" (1000); likewise M and G.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// "250ms", "2s", "1.5m", "1h", "10us", "500ns"; a number alone is seconds.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// Permission bits in octal: "600", "0640".
[[nodiscard]] std::optional<std::uint32_t> parse_mode(std::string_view text);

}  // namespace mqxx::cli
