// CRC-32 as zlib, gzip and PNG have it: polynomial 0xedb88320, all bits set before and turned over after.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mqxx::cli {

namespace detail {

inline constexpr auto kCrcTable = [] {
  constexpr std::uint32_t kPolynomial = 0xedb88320;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? value >> 1U ^ kPolynomial : value >> 1U;
    table[byte] = value;
  }
  return table;
}();

}  // namespace detail

/// @param before  the checksum of what stands in front of the bytes, or 0
[[nodiscard]] constexpr std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0) {
  std::uint32_t value = ~before;
  for (const char character : bytes) {
    value = detail::kCrcTable[(value ^ static_cast<unsigned char>(character)) & 0xffU] ^ value >> 8U;
  }
  return ~value;
}

static_assert(crc32("123456789") == 0xcbf43926, "the check value of this checksum");

}  // namespace mqxx::cli
