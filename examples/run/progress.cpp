#include "progress.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace run {
namespace {

constexpr std::chrono::milliseconds kTerminalPause{100};
constexpr std::chrono::milliseconds kPlainPause{1000};

}  // namespace

Progress::Progress(std::string title, std::uint64_t total)
    : title_(std::move(title)), total_(total), terminal_(::isatty(STDOUT_FILENO) == 1) {}

Progress::~Progress() {
  if (!terminal_) return;
  std::fputs("\r\033[K", stdout);
  std::fflush(stdout);
}

void Progress::show(std::uint64_t done, std::size_t depth, std::size_t capacity) {
  const auto now = Clock::now();
  if (now - last_time_ < (terminal_ ? kTerminalPause : kPlainPause)) return;
  const std::chrono::duration<double> passed = now - last_time_;
  const double rate = static_cast<double>(done - last_done_) / passed.count();
  const double share = 100.0 * static_cast<double>(done) / static_cast<double>(total_);
  fmt::print("{}{}  {:3.0f} %  {:.2f} M messages/s  depth {} of {}{}", terminal_ ? "\r" : "", title_, share, rate / 1e6,
             depth, capacity, terminal_ ? "\033[K" : "\n");
  std::fflush(stdout);
  last_done_ = done;
  last_time_ = now;
}

}  // namespace run
