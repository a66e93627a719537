// One test for each duty of os/wait.hpp, as far as the ports have them alike; the rest is in linux/ and generic/.
#include "os/wait.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include "support/child.hpp"
#include "unit/os/wait_fixture.hpp"

namespace mqxx::os {
namespace {

TEST_F(WaitOn, OtherValueReturnsAtOnce) { EXPECT_EQ(wait_on(word_, 1, Wait::forever(), kLong), Woken::changed); }

TEST_F(WaitOn, WakeReachesASleeperInAnotherProcess) {
  test::Child sleeper([this] { EXPECT_EQ(wait_on(word_, 0, Wait::forever(), kLong), Woken::woken); });
  while (wake(word_, 1) == 0) std::this_thread::yield();
  expect_well(sleeper);
}

TEST_F(WaitOn, WakeTellsHowMany) { EXPECT_EQ(wake(word_, kWakeAll), 0); }

TEST_F(WaitOn, DeadlineIsNotEarly) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(wait_on(word_, 0, Wait::for_duration(milliseconds(20)), kLong), Woken::timed_out);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
}

TEST_F(WaitOn, DeadlineOfTheSystemClockIsNotEarly) {
  const auto deadline = std::chrono::system_clock::now() + milliseconds(20);
  EXPECT_EQ(wait_on(word_, 0, Wait::until_time(deadline), kLong), Woken::timed_out);
  EXPECT_GE(std::chrono::system_clock::now(), deadline);
}

TEST_F(WaitOn, DeadlineInThePastReturnsAtOnce) {
  EXPECT_EQ(wait_on(word_, 0, Wait::until_time(std::chrono::steady_clock::time_point()), kLong), Woken::timed_out);
}

TEST_F(WaitOn, LooksUpBeforeALateDeadline) {
  EXPECT_EQ(wait_on(word_, 0, Wait::forever(), kShort), Woken::look_up);
  EXPECT_EQ(wait_on(word_, 0, Wait::for_duration(std::chrono::hours(1)), kShort), Woken::look_up);
}

TEST_F(WaitOn, SignalHandlerInterrupts) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR2, &action, nullptr);
  std::atomic<bool> done{false};
  const pthread_t self = pthread_self();
  std::thread signaller([&] {
    while (!done.load()) {
      pthread_kill(self, SIGUSR2);
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  EXPECT_EQ(wait_on(word_, 0, Wait::forever(), kLong), Woken::interrupted);
  done.store(true);
  signaller.join();
}

TEST_F(WaitOn, HandlerWithoutRestartEndsAWaitThatReturnsOnSignals) {
  Wait wait = Wait::forever();
  wait.return_on_signal = true;
  const Signaller signaller(0);
  EXPECT_EQ(wait_on(word_, 0, wait, kLong), Woken::interrupted);
  EXPECT_GT(g_handled.load(), 0);
}

// The address sanitizer takes the frames that a cancelled thread has left for frames that it is in.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kFollowsUnwinding = false;
#else
constexpr bool kFollowsUnwinding = true;
#endif

/// A thread that waits on the word, and tells how its wait ended.
struct Waiter {
  explicit Waiter(std::atomic<std::uint32_t>& on, bool cancellation_point) : word(on) {
    wait.cancellation_point = cancellation_point;
    pthread_create(&thread, nullptr, run, this);
  }

  static void* run(void* argument) {
    auto& self = *static_cast<Waiter*>(argument);
    struct Leaving {
      Waiter& waiter;
      ~Leaving() { waiter.destroyed.store(true); }
    };
    const Leaving leaving{self};
    Woken woken{};
    do {
      woken = wait_on(self.word, 0, self.wait, kLong);
    } while (woken == Woken::look_up);
    self.woken.store(woken);
    self.returned.store(true);
    return nullptr;
  }

  /// @return whether it was cancelled
  bool join() {
    void* result = nullptr;
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
  }

  std::atomic<std::uint32_t>& word;
  Wait wait = Wait::forever();
  pthread_t thread{};
  std::atomic<bool> returned{false};
  std::atomic<bool> destroyed{false};
  std::atomic<Woken> woken{Woken::look_up};
};

TEST_F(WaitOn, CancelledThreadLeavesACancellationPointByUnwinding) {
  if (!kFollowsUnwinding) GTEST_SKIP() << "not under the address sanitizer";
  for (const auto pause : {milliseconds(0), milliseconds(20)}) {  // most often before it sleeps, and asleep
    Waiter waiter(word_, true);
    std::this_thread::sleep_for(pause);
    pthread_cancel(waiter.thread);
    EXPECT_TRUE(waiter.join());
    EXPECT_TRUE(waiter.destroyed.load()) << "its destructors run";
    EXPECT_FALSE(waiter.returned.load());
  }
}

TEST_F(WaitOn, CancelledThreadStaysInAWaitThatIsNoCancellationPoint) {
  Waiter waiter(word_, false);
  std::this_thread::sleep_for(milliseconds(20));
  pthread_cancel(waiter.thread);
  while (wake(word_, 1) == 0) std::this_thread::yield();  // so it sleeps on
  (void)waiter.join();
  EXPECT_TRUE(waiter.returned.load());
  EXPECT_EQ(waiter.woken.load(), Woken::woken);
}

TEST_F(WaitOn, CancellationPointThatIsNotCancelledIsWokenLikeAnyOther) {
  Waiter waiter(word_, true);
  while (wake(word_, 1) == 0) std::this_thread::yield();
  EXPECT_FALSE(waiter.join());
  EXPECT_EQ(waiter.woken.load(), Woken::woken);
}

TEST_F(WaitOn, PassedFollowsTheClockOfTheWait) {
  EXPECT_TRUE(passed(Wait::none()));
  EXPECT_FALSE(passed(Wait::forever()));
  EXPECT_FALSE(passed(Wait::for_duration(std::chrono::hours(1))));
  EXPECT_TRUE(passed(Wait::until_time(std::chrono::system_clock::now() - milliseconds(1))));
  EXPECT_FALSE(passed(Wait::until_time(std::chrono::system_clock::now() + std::chrono::hours(1))));
}

TEST(Wait, DurationTooLongForTheClockWaitsForEver) {
  EXPECT_EQ(Wait::for_duration(std::chrono::hours::max()).until, Wait::Until::forever);
  EXPECT_EQ(Wait::for_duration(std::chrono::seconds(-1)).until, Wait::Until::now);
}

}  // namespace
}  // namespace mqxx::os
