// Bytes: an input of the fuzzer, taken apart from the front. What is missing at its end is zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

namespace mqxx::fuzz {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }

  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
    return value;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(number(1)); }
  /// 0 .. bound - 1, from as few bytes as that needs. REQUIRES: 0 < bound <= 65536.
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(number(bound > 256 ? 2 : 1)) % bound; }

  std::string text(std::size_t size) {
    const auto some = take(size);
    return {some.begin(), some.end()};
  }
  /// Up to the next `end`, which is taken and not part of it.
  std::string text_until(std::uint8_t end) {
    const auto at = std::find(left_.begin(), left_.end(), end);
    std::string some = text(static_cast<std::size_t>(at - left_.begin()));
    (void)take(1);
    return some;
  }
  std::string rest() { return text(left_.size()); }

 private:
  std::span<const std::uint8_t> take(std::size_t size) {
    const auto some = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(some.size());
    return some;
  }

  std::span<const std::uint8_t> left_;
};

/// What must hold for every input. The fuzzer takes the abort for a finding.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: this does not hold: %s\n", what);
  std::abort();
}

}  // namespace mqxx::fuzz
