// Payloads that tell where they come from: every byte depends on the tag, so that a torn or mixed-up message shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <mqxx/message.hpp>

namespace mqxx::test {

/// The bytes of pattern `tag`, any number of them.
inline void fill_pattern(std::span<std::byte> bytes, std::uint64_t tag) {
  // One multiplication a word: 64-MiB messages are filled in this way too.
  std::uint64_t word = tag * 0x9E3779B97F4A7C15u + 0x632BE59BD9B4E019u;
  std::size_t at = 0;
  for (; at + sizeof word <= bytes.size(); at += sizeof word) {
    std::memcpy(bytes.data() + at, &word, sizeof word);
    word = word * 0x5851F42D4C957F2Du + 0x14057B7EF767814Fu;
  }
  std::memcpy(bytes.data() + at, &word, bytes.size() - at);
}

inline std::vector<std::byte> pattern(std::size_t size, std::uint64_t tag) {
  std::vector<std::byte> bytes(size);
  if (size > 0) fill_pattern(bytes, tag);
  return bytes;
}

inline bool is_pattern(std::span<const std::byte> bytes, std::uint64_t tag) {
  if (bytes.empty()) return true;
  const std::vector<std::byte> expected = pattern(bytes.size(), tag);
  return std::memcmp(bytes.data(), expected.data(), bytes.size()) == 0;
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string text_of(const Message& message) { return std::string(message.text()); }

}  // namespace mqxx::test
