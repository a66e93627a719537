// Time in tests: how patient a watchdog is, and waiting for something that another thread is about to do.
// Tests never assert "faster than": a slow machine is not a bug.
#pragma once

#include <chrono>
#include <thread>

namespace mqxx::test {

using namespace std::chrono_literals;

// What a sanitizer costs: how much longer a test may take, and how much less a random or a many-process test does.
#if defined(__SANITIZE_THREAD__)
inline constexpr int kSlowdown = 8;
inline constexpr int kLessWork = 3;
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr int kSlowdown = 4;
inline constexpr int kLessWork = 2;
#else
inline constexpr int kSlowdown = 1;
inline constexpr int kLessWork = 1;
#endif

/// How many rounds a long test makes.
constexpr int scaled(int rounds) { return rounds / kLessWork > 0 ? rounds / kLessWork : 1; }

/// Waits until `condition()` holds. It never gives up: the watchdog of the test does, and says where.
template <class Condition>
void wait_until(Condition&& condition) {
  while (!condition()) std::this_thread::sleep_for(1ms);
}

/// A time after which a call that should still be blocked has had every chance to return wrongly.
inline constexpr auto kMoment = 30ms;

}  // namespace mqxx::test
