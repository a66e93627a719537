#include "cli/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace mqxx::cli {
namespace {

template <class Factor>
struct Unit {
  std::string_view name;
  Factor factor;
};

constexpr std::uint64_t kKibi = 1024;
constexpr std::uint64_t kMebi = kKibi * kKibi;
constexpr std::uint64_t kGibi = kKibi * kMebi;
constexpr std::uint64_t kKilo = 1000;
constexpr std::uint64_t kMega = kKilo * kKilo;
constexpr std::uint64_t kGiga = kKilo * kMega;

constexpr std::array kSizes{
    Unit<std::uint64_t>{"", 1},        Unit<std::uint64_t>{"B", 1},       Unit<std::uint64_t>{"K", kKibi},
    Unit<std::uint64_t>{"KiB", kKibi}, Unit<std::uint64_t>{"kB", kKilo},  Unit<std::uint64_t>{"KB", kKilo},
    Unit<std::uint64_t>{"M", kMebi},   Unit<std::uint64_t>{"MiB", kMebi}, Unit<std::uint64_t>{"MB", kMega},
    Unit<std::uint64_t>{"G", kGibi},   Unit<std::uint64_t>{"GiB", kGibi}, Unit<std::uint64_t>{"GB", kGiga},
};

constexpr std::array kTimes{
    Unit<double>{"", 1e9},   Unit<double>{"s", 1e9},  Unit<double>{"ms", 1e6},   Unit<double>{"us", 1e3},
    Unit<double>{"ns", 1.0}, Unit<double>{"m", 60e9}, Unit<double>{"min", 60e9}, Unit<double>{"h", 3600e9},
};

template <class Units>
auto factor_of(const Units& units, std::string_view name) -> std::optional<decltype(units[0].factor)> {
  for (const auto& unit : units) {
    if (unit.name == name) return unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  const auto factor = factor_of(kSizes, text.substr(digits));
  if (!number || !factor || *number > std::numeric_limits<std::uint64_t>::max() / *factor) return std::nullopt;
  return *number * *factor;
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  // Only these characters, since from_chars would also take a sign, "inf" and "nan".
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto factor = factor_of(kTimes, text.substr(digits));
  double number = 0;
  const char* const end = text.data() + digits;
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || rest != end || !factor) return std::nullopt;

  const double nanoseconds = std::ceil(number * *factor);
  if (nanoseconds >= static_cast<double>(std::chrono::nanoseconds::max().count())) {
    return std::chrono::nanoseconds::max();
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
}

std::optional<std::uint32_t> parse_mode(std::string_view text) {
  constexpr std::uint32_t kPermissionBits = 0777;
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, 8);
  if (error != std::errc{} || rest != end || value > kPermissionBits) return std::nullopt;
  return value;
}

}  // namespace mqxx::cli
