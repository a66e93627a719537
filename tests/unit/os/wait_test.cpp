// One test for each duty of os/wait.hpp.
#include "os/wait.hpp"

#include <new>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "support/child.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {
namespace {

using std::chrono::milliseconds;
constexpr std::int64_t kLong = 60'000'000'000;
constexpr std::int64_t kShort = 5'000'000;

class WaitOn : public testing::Test {
 protected:
  WaitOn()
      : word_(*new (mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                  std::atomic<std::uint32_t>(0)) {}
  ~WaitOn() override { munmap(&word_, 4096); }

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  std::atomic<std::uint32_t>& word_;
};

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
