// Options of mqxx-run.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace run {

struct Options {
  std::string file;
  std::uint32_t producers = 2;
  std::uint32_t consumers = 2;
  std::size_t capacity = 10;  ///< what the kernel grants every user
  std::uint32_t priorities = 8;
  std::uint64_t repeat = 0;  ///< 0: as often as it takes for a measurable load
  std::uint32_t rounds = 3;
  std::chrono::seconds patience{10};
  bool kernel = true;
};

/// nullopt when the program is to end at once, with `status`.
[[nodiscard]] std::optional<Options> parse_options(int argc, char** argv, int& status);

}  // namespace run
