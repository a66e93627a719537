// Seed: where the random numbers of a test begin. It is printed, so that every failure can be run again.
#pragma once

#include <cstdint>
#include <random>

namespace mqxx::test {

/// MQXX_SEED where it is set, else `fixed`.
[[nodiscard]] std::uint64_t fixed_seed(std::uint64_t fixed);

/// MQXX_SEED where it is set, else a new one on every run.
[[nodiscard]] std::uint64_t fresh_seed();

/// A generator of random numbers; prints the seed and the way to run the test again.
class Random {
 public:
  struct Quiet {};
  static constexpr Quiet kQuiet{};

  explicit Random(std::uint64_t seed);
  /// For the second and later ones of a test, whose seeds follow from the printed one.
  Random(std::uint64_t seed, Quiet) : engine_(seed) {}

  /// 0 .. bound - 1. REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(engine_);
  }
  /// True in one of `n` cases.
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace mqxx::test
