#include "os/wait.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mqxx::os {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t read_clock(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

}  // namespace

std::int64_t now_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }
std::int64_t coarse_wall_ns() noexcept { return read_clock(CLOCK_REALTIME_COARSE); }
std::int64_t coarse_wall_s() noexcept { return time(nullptr); }

bool passed(const Wait& wait) noexcept {
  switch (wait.until) {
    case Wait::Until::now: return true;
    case Wait::Until::forever: return false;
    case Wait::Until::steady: return read_clock(CLOCK_MONOTONIC) >= wait.deadline_ns;
    case Wait::Until::system: return read_clock(CLOCK_REALTIME) >= wait.deadline_ns;
  }
  return true;
}

namespace {

// Of the two system calls only the newer one goes on by itself after a handler that was installed with SA_RESTART.
long futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, const timespec& deadline, bool wall,
                const Wait& wait) {
  static constinit std::atomic<bool> refused{false};
  if (wait.return_on_signal && !refused.load(std::memory_order_relaxed)) {
    futex_waitv one{};
    one.uaddr = reinterpret_cast<std::uintptr_t>(&word);
    one.val = expected;
    one.flags = FUTEX_32;
    const long result = syscall(SYS_futex_waitv, &one, 1, 0, &deadline, wall ? CLOCK_REALTIME : CLOCK_MONOTONIC);
    if (result >= 0 || (errno != ENOSYS && errno != EPERM)) return result;
    refused.store(true, std::memory_order_relaxed);  // by an older kernel, or a sandbox that does not know it
  }
  const int operation = FUTEX_WAIT_BITSET | (wall ? FUTEX_CLOCK_REALTIME : 0);
  return syscall(SYS_futex, &word, operation, expected, &deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
}

// The thread may be cancelled at any instruction of this function, so none of it may be inside a scope that has
// something to destroy: the unwinder knows such scopes by their calls and ends the program anywhere else.
[[gnu::noinline]] long futex_wait_cancellable(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                                              const timespec& deadline, bool wall, const Wait& wait) {
  int before = PTHREAD_CANCEL_DEFERRED;
  int disabled = PTHREAD_CANCEL_DISABLE;
  if (wait.enables_cancellation) pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &disabled);
  // As the C library's own cancellation points do, and around nothing but a system call.
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);  // NOLINT(concurrency-thread-canceltype-asynchronous)
  const long result = futex_wait(word, expected, deadline, wall, wait);
  const int error = errno;
  pthread_setcanceltype(before, nullptr);
  if (wait.enables_cancellation) pthread_setcancelstate(disabled, nullptr);
  errno = error;
  return result;
}

// Through a pointer that the compiler cannot follow: it would find that nothing in there throws, and callers must be
// ready for the unwinding.
long (*volatile g_futex_wait_cancellable)(std::atomic<std::uint32_t>&, std::uint32_t, const timespec&, bool,
                                          const Wait&) = futex_wait_cancellable;

}  // namespace

Woken wait_on(std::atomic<std::uint32_t>& word, std::uint32_t expected, const Wait& wait, std::int64_t look_up_ns) {
  // The kernel takes one absolute time on one clock. A look-up that comes before a wall-clock deadline is timed on the
  // wall clock as well: a step of that clock makes it early or late, and the caller's loop puts both right.
  const bool wall = wait.until == Wait::Until::system;
  // Where there is only the look-up, to the tick will do, at a quarter of the price.
  const clockid_t steady = wait.until == Wait::Until::steady ? CLOCK_MONOTONIC : CLOCK_MONOTONIC_COARSE;
  const std::int64_t now = read_clock(wall ? CLOCK_REALTIME : steady);
  std::int64_t until = now + look_up_ns;
  if (wait.until == Wait::Until::system || wait.until == Wait::Until::steady) {
    if (wait.deadline_ns <= now) return Woken::timed_out;
    until = std::min(until, wait.deadline_ns);
  }
  const timespec deadline{static_cast<time_t>(until / kSecond), static_cast<long>(until % kSecond)};
  const long woken = wait.cancellation_point ? g_futex_wait_cancellable(word, expected, deadline, wall, wait)
                                             : futex_wait(word, expected, deadline, wall, wait);
  if (woken >= 0) return Woken::woken;
  switch (errno) {
    case EAGAIN: return Woken::changed;
    case EINTR: return Woken::interrupted;
    case ETIMEDOUT: return passed(wait) ? Woken::timed_out : Woken::look_up;
    default: return Woken::look_up;  // ENOMEM and the like: the caller's loop goes on
  }
}

int wake(std::atomic<std::uint32_t>& word, int most) noexcept {
  const int error = errno;  // a call that succeeds leaves errno alone
  const long woken = syscall(SYS_futex, &word, FUTEX_WAKE, most, nullptr, nullptr, 0);
  errno = error;
  return woken < 0 ? 0 : static_cast<int>(woken);
}

}  // namespace mqxx::os
