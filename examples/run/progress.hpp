// Progress: one line about a round that goes on. On a terminal it is rewritten in place, elsewhere a line comes rarely.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace run {

class Progress {
 public:
  Progress(std::string title, std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Takes an unfinished line away.
  ~Progress();

  void show(std::uint64_t done, std::size_t depth, std::size_t capacity);

 private:
  using Clock = std::chrono::steady_clock;

  std::string title_;
  std::uint64_t total_;
  bool terminal_;
  std::uint64_t last_done_ = 0;
  Clock::time_point last_time_ = Clock::now();
};

}  // namespace run
