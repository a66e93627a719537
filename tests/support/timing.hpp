// Time in tests: how patient a watchdog is, and waiting for something that another thread is about to do.
// Tests never assert "faster than": a slow machine is not a bug.
#pragma once

#include <chrono>
#include <thread>

namespace mqxx::test {

using namespace std::chrono_literals;

#if defined(__SANITIZE_THREAD__)
inline constexpr int kSlowdown = 8;
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr int kSlowdown = 4;
#else
inline constexpr int kSlowdown = 1;
#endif

/// How much work a random or a many-process test does; a sanitizer gets less of it for the same time.
constexpr int scaled(int amount) { return amount / kSlowdown > 0 ? amount / kSlowdown : 1; }

/// Waits until `condition()` holds. It never gives up: the watchdog of the test does, and says where.
template <class Condition>
void wait_until(Condition&& condition) {
  while (!condition()) std::this_thread::sleep_for(1ms);
}

/// A time after which a call that should still be blocked has had every chance to return wrongly.
inline constexpr auto kMoment = 30ms;

}  // namespace mqxx::test
