// Sleeping on a word of shared memory until somebody changes it and wakes.
//
// wait_on(word, expected, wait, look_up_ns): sleep while word == expected.
//  - returns changed at once when they differ, and woken after a wake; may return woken for no reason: callers loop
//  - returns look_up when look_up_ns, or a clock tick less, have passed and the deadline of `wait` has not: callers
//    look for themselves whether a dead process has left something to do, and come back
//  - returns timed_out only after the deadline of `wait`, by its own clock, also when that clock is stepped
//  - returns interrupted when a signal handler ran; with return_on_signal only if it was installed without SA_RESTART,
//    as far as the system can tell
//  - is a cancellation point when `wait` says so, and only then may leave by unwinding
// wake(word, most): wakes up to `most` sleepers of every process, the longest waiting of equal priority first; returns
// how many.
#pragma once

#include <atomic>
#include <cstdint>

#include <mqxx/wait.hpp>

namespace mqxx::os {

enum class Woken : std::uint8_t { changed, woken, look_up, timed_out, interrupted };

Woken wait_on(std::atomic<std::uint32_t>& word, std::uint32_t expected, const Wait& wait, std::int64_t look_up_ns);
int wake(std::atomic<std::uint32_t>& word, int most) noexcept;
inline constexpr int kWakeAll = 0x7fffffff;

/// Whether the deadline of `wait` has passed; `now` has always passed, `forever` never.
bool passed(const Wait& wait) noexcept;

/// Monotonic, for spinning.
std::int64_t now_ns() noexcept;
/// Wall clock since 1970, a few milliseconds coarse and much cheaper.
std::int64_t coarse_wall_ns() noexcept;
/// The same clock's whole seconds, cheaper again.
std::int64_t coarse_wall_s() noexcept;

}  // namespace mqxx::os
