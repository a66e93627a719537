#include "support/seed.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

namespace mqxx::test {
namespace {

bool seed_from_environment(std::uint64_t& seed) {
  const char* text = std::getenv("MQXX_SEED");
  if (text == nullptr) return false;
  seed = std::stoull(text, nullptr, 0);
  return true;
}

}  // namespace

std::uint64_t fixed_seed(std::uint64_t fixed) {
  std::uint64_t seed = fixed;
  seed_from_environment(seed);
  return seed;
}

std::uint64_t fresh_seed() {
  std::uint64_t seed = 0;
  if (!seed_from_environment(seed)) {
    std::random_device device;
    seed = (std::uint64_t{device()} << 32) | device();
  }
  return seed;
}

Random::Random(std::uint64_t seed) : engine_(seed) {
  std::cout << "seed " << seed << "; again with MQXX_SEED=" << seed << std::endl;
  testing::Test::RecordProperty("seed", std::to_string(seed));
}

}  // namespace mqxx::test
