#include "cli/format/base64.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mqxx::cli {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kBytes = 3;   // of a group
constexpr std::size_t kDigits = 4;  // that stand for it
constexpr unsigned kBits = 6;       // of a digit
constexpr std::uint8_t kNone = 0xff;

constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

/// One group of `count` bytes, 1 .. 3, as four digits.
void append_group(std::string_view bytes, std::size_t count, std::string& out) {
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < kBytes; ++i) {
    group = group << 8U | (i < count ? static_cast<unsigned char>(bytes[i]) : 0U);
  }
  for (std::size_t i = 0; i < kDigits; ++i) {
    const std::uint32_t digit = group >> (kBits * (kDigits - 1 - i)) & 0x3fU;
    out += i <= count ? kAlphabet[digit] : '=';
  }
}

/// The bytes of four digits, of which the last may be padding.
bool decode_group(std::string_view digits, std::size_t padding, std::string& out) {
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < kDigits; ++i) {
    const bool padded = i >= kDigits - padding;
    const std::uint8_t value = padded ? 0 : kValues[static_cast<unsigned char>(digits[i])];
    if (value == kNone) return false;
    group = group << kBits | value;
  }
  const std::size_t count = kBytes - padding;
  for (std::size_t i = 0; i < count; ++i) out += static_cast<char>(group >> (8U * (kBytes - 1 - i)));
  const std::uint32_t left_over = group & ((1U << (8U * padding)) - 1);  // bits that belong to no byte
  return left_over == 0;
}

}  // namespace

void append_base64(std::string_view bytes, std::string& out) {
  for (std::size_t at = 0; at < bytes.size(); at += kBytes) {
    const std::string_view group = bytes.substr(at, kBytes);
    append_group(group, group.size(), out);
  }
}

bool decode_base64(std::string_view text, std::string& out) {
  if (text.size() % kDigits != 0) return false;
  for (std::size_t at = 0; at < text.size(); at += kDigits) {
    const std::string_view digits = text.substr(at, kDigits);
    const bool last = at + kDigits == text.size();
    const std::size_t padding = !last || digits[3] != '=' ? 0 : digits[2] != '=' ? 1 : 2;
    if (!decode_group(digits, padding, out)) return false;
  }
  return true;
}

}  // namespace mqxx::cli
