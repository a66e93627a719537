#include "base/sysv_key.hpp"

#include <charconv>
#include <limits>
#include <optional>

namespace mqxx {
namespace {

constexpr std::string_view kPrivate = "private";
constexpr std::string_view kIdentifier = "id=";
constexpr std::string_view kHexadecimal = "0x";
constexpr std::uint32_t kMostIdentifier = std::numeric_limits<std::int32_t>::max();
constexpr std::uint32_t kMostProject = 255;

std::optional<std::uint32_t> digits(std::string_view text, int base) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

// A leading zero means octal to some and nothing to others, so it means nothing here.
std::optional<std::uint32_t> number(std::string_view text) {
  constexpr int kTen = 10;
  constexpr int kSixteen = 16;
  if (text.starts_with("0x") || text.starts_with("0X")) return digits(text.substr(kHexadecimal.size()), kSixteen);
  if (text.size() > 1 && text.starts_with('0')) return std::nullopt;
  return digits(text, kTen);
}

std::optional<std::uint32_t> project(std::string_view text) {
  if (text.size() == 1) return static_cast<unsigned char>(text.front());
  const std::optional<std::uint32_t> value = number(text);
  return value && *value >= 1 && *value <= kMostProject ? value : std::nullopt;
}

std::string hexadecimal(std::uint32_t value, int width) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kHexadecimal);
  for (int digit = width - 1; digit >= 0; --digit) text += kDigits[value >> (4 * digit) & 0xfU];
  return text;
}

}  // namespace

Result<SysvKey> parse_sysv_key(std::string_view text) {
  if (text == kPrivate) return SysvKey{SysvKey::Kind::fresh, 0, {}};
  if (text.find('\0') != text.npos) return Errc::invalid_name;
  if (text.find('/') != text.npos) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos || colon == 0 || text.find('/', colon) != text.npos) return Errc::invalid_name;
    const std::optional<std::uint32_t> found = project(text.substr(colon + 1));
    if (!found) return Errc::invalid_name;
    return SysvKey{SysvKey::Kind::file, *found, std::string(text.substr(0, colon))};
  }
  if (text.starts_with(kIdentifier)) {
    const std::optional<std::uint32_t> found = number(text.substr(kIdentifier.size()));
    if (!found || *found > kMostIdentifier) return Errc::invalid_name;
    return SysvKey{SysvKey::Kind::identifier, *found, {}};
  }
  const std::optional<std::uint32_t> found = number(text);
  if (!found || *found == 0) return Errc::invalid_name;
  return SysvKey{SysvKey::Kind::key, *found, {}};
}

std::string text_of(const SysvKey& key) {
  constexpr int kKeyDigits = 8;
  constexpr int kProjectDigits = 2;
  switch (key.kind) {
    case SysvKey::Kind::key: break;
    case SysvKey::Kind::fresh: return std::string(kPrivate);
    case SysvKey::Kind::identifier: return std::string(kIdentifier) + std::to_string(key.number);
    case SysvKey::Kind::file: {
      const bool printable = key.number > ' ' && key.number <= '~';
      return key.path + ':' +
             (printable ? std::string(1, static_cast<char>(key.number)) : hexadecimal(key.number, kProjectDigits));
    }
  }
  return hexadecimal(key.number, kKeyDigits);
}

}  // namespace mqxx
