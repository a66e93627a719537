// Slices: a long wait in the system, interrupted now and then to look up. A sender may have died between queueing its
// message and ringing the doorbell, and a poller may be the only one who is left to find that.
#pragma once

#include <algorithm>
#include <cstdint>

#include <time.h>

#include "os/wait.hpp"

namespace mqxx::posix {

inline constexpr std::int64_t kSecondNs = 1'000'000'000;

/// Whether the kernel would take it.
inline bool valid(const timespec* timeout) noexcept {
  return timeout == nullptr || (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 && timeout->tv_nsec < kSecondNs);
}

inline timespec timespec_of(std::int64_t ns) noexcept { return {ns / kSecondNs, ns % kSecondNs}; }

class Slices {
 public:
  static constexpr std::int64_t kSliceNs = 800'000'000;  // as those who sleep in the engine

  /// nullptr: for ever. REQUIRES: valid(timeout)
  explicit Slices(const timespec* timeout) noexcept {
    if (timeout == nullptr) return;
    const std::int64_t seconds = std::min<std::int64_t>(timeout->tv_sec, kMostNs / kSecondNs);
    until_ = os::now_ns() + seconds * kSecondNs + timeout->tv_nsec;
  }

  /// Calls wait_for(timespec) and, in between, look(), until one of them answers anything but 0 (nothing yet) or all
  /// the time is over. @return the last answer
  template <class WaitFor, class Look>
  int wait(WaitFor wait_for, Look look) {
    for (;;) {
      const std::int64_t left = this->left();
      int answer = wait_for(timespec_of(std::min(left, kSliceNs)));
      if (answer == 0 && left > kSliceNs) answer = look();
      if (answer != 0 || left <= kSliceNs) return answer;
    }
  }

  [[nodiscard]] std::int64_t left() const noexcept { return std::max<std::int64_t>(until_ - os::now_ns(), 0); }

 private:
  static constexpr std::int64_t kMostNs = INT64_MAX / 2;

  std::int64_t until_ = INT64_MAX;
};

}  // namespace mqxx::posix
