// Waiting on a System V queue, which knows neither timeouts nor tokens: the thread that waits sleeps in a system call
// of its own, and something ends that.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include <mqxx/wait.hpp>

#include "base/result.hpp"
#include "os/interrupter.hpp"
#include "os/wait.hpp"

namespace mqxx::backend {

inline bool may_be_stopped(const Wait& wait) noexcept { return wait.stop != nullptr && wait.stop->stop_possible(); }

/// The system's own wait is enough.
inline bool waits_in_system(const Wait& wait) noexcept {
  return wait.until == Wait::Until::forever && !may_be_stopped(wait) && wait.may_sleep == nullptr;
}

/// Why the wait is over before it has begun; success while it is not.
inline Result<void> may_wait(const Wait& wait) noexcept {
  if (wait.until == Wait::Until::now) return Errc::would_block;
  if (may_be_stopped(wait) && wait.stop->stop_requested()) return Errc::stopped;
  if (os::passed(wait)) return Errc::timed_out;
  if (wait.may_sleep != nullptr && !wait.may_sleep(wait.asker)) return Errc::would_block;
  return {};
}

/// `call` makes the system call that sleeps. REQUIRES: it was tried before without sleeping.
template <class Call>
Result<void> sleep_in(const Wait& wait, Call call) noexcept {
  if (waits_in_system(wait)) {
    for (;;) {
      const Result<void> done = call();
      if (!done.is(Errc::interrupted) || wait.return_on_signal) return done;
    }
  }
  Result<void> allowed = may_wait(wait);
  if (!allowed) return allowed;
  os::Interrupter interrupter(wait);
  if (!interrupter.ready()) return interrupter.ready();
  for (;;) {
    const Result<void> done = call();
    if (!done.is(Errc::interrupted)) return done;
    const bool ours = interrupter.struck();
    if (may_be_stopped(wait) && wait.stop->stop_requested()) return Errc::stopped;
    if (os::passed(wait)) return Errc::timed_out;
    if (wait.return_on_signal && !ours) return done;
  }
}

/// Looks again and again, for what the system has no wait for at all: first soon, then every few milliseconds. `look`
/// answers whether it is there.
template <class Look>
Result<void> look_until(const Wait& wait, Look look) noexcept {
  constexpr std::int64_t kFirst = 50'000;
  constexpr std::int64_t kMost = 5'000'000;
  std::atomic<std::uint32_t> word{0};
  for (std::int64_t pause = kFirst;; pause = std::min(pause * 2, kMost)) {
    const Result<bool> there = look();
    if (!there) return there.failure();
    if (*there) return {};
    const Result<void> allowed = may_wait(wait);
    if (!allowed) return allowed;
    Wait asleep = wait;
    asleep.stop = nullptr;  // looked at above, after every pause
    if (os::wait_on(word, 0, asleep, pause) == os::Woken::interrupted && wait.return_on_signal)
      return Errc::interrupted;
  }
}

}  // namespace mqxx::backend
