// Words: numbers of 4 and 8 bytes, little-endian, as they stand in files and frames of mq.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mqxx::cli {

inline constexpr unsigned kBitsOfByte = 8;

/// Writes the bytes of the number to `to`. REQUIRES: room for all of them.
template <class Number>
constexpr void put_word(Number number, char* to) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) to[i] = static_cast<char>(number >> (kBitsOfByte * i));
}

/// The number that stands at `at`. REQUIRES: all of its bytes are there.
template <class Number>
[[nodiscard]] constexpr Number word_at(std::string_view bytes, std::size_t at) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    number |= static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(bytes[at + i])) << (kBitsOfByte * i));
  }
  return number;
}

}  // namespace mqxx::cli
