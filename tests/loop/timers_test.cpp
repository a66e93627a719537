// Timers: never early, in order, without drift, and thousands of them.
#include <algorithm>
#include <thread>

#include "loop/loop_test.hpp"
#include "support/seed.hpp"

namespace mqxx::test {
namespace {

using Clock = std::chrono::steady_clock;

TEST_F(LoopTest, TimersAreCalledInTheOrderOfTheirTimesAndNeverEarly) {
  Texts called;
  const auto begun = Clock::now();
  loop_.after(4ms, [&] {
    called.emplace_back("later");
    EXPECT_GE(Clock::now() - begun, 4ms);
  });
  loop_.after(2ms, [&] { called.emplace_back("sooner"); });
  loop_.at(begun + 3ms, [&] { called.emplace_back("between"); });
  loop_.at(begun - 1s, [&] { called.emplace_back("overdue"); });
  loop_.after(0ms, [&] { called.emplace_back("now"); });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(called, (Texts{"overdue", "now", "sooner", "between", "later"}));
}

TEST_F(LoopTest, AOneShotTimerIsNotActiveInItsCallback) {
  Watch timer;
  timer = loop_.after(0ms, [&] {
    EXPECT_FALSE(timer.is_active());
    timer.cancel();
  });
  EXPECT_TRUE(timer.is_active());
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
}

TEST_F(LoopTest, ALatePeriodicTimerSaysHowManyPeriodsPassedAndDoesNotDrift) {
  constexpr auto kPeriod = 2ms;
  std::uint64_t periods = 0;
  int calls = 0;
  const auto begun = Clock::now();
  Watch timer;
  timer = loop_.every(kPeriod, [&](std::uint64_t passed) {
    EXPECT_GE(passed, 1u);
    periods += passed;
    // The n-th is due n periods from the beginning, whenever those before it ran.
    const auto now = Clock::now();
    EXPECT_GE(now - begun, kPeriod * periods);
    if (++calls == 1) {
      std::this_thread::sleep_for(5 * kPeriod);
    } else if (calls == 2) {
      EXPECT_GE(passed, 5u) << "it was so late";
    } else if (calls == 5) {
      timer.cancel();
    }
  });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_GE(periods, 9u);
}

TEST_F(LoopTest, ACallbackThatAsksForTheNextAtOnceStarvesNobody) {
  int again = 0;
  std::function<void()> more = [&] {
    ++again;
    loop_.at(Clock::time_point(), more);
  };
  loop_.after(0ms, more);
  bool posted = false;
  loop_.post([&] { posted = true; });
  loop_.run_for(0ms);
  EXPECT_EQ(again, 1);
  EXPECT_TRUE(posted);
  loop_.run_for(0ms);
  EXPECT_EQ(again, 2);
}

TEST_F(LoopTest, TimersCancelThemselvesAndEachOther) {
  int called = 0;
  Watch first;
  Watch second;
  const auto cancel_both = [&] {
    ++called;
    first.cancel();
    second.cancel();
  };
  first = loop_.every(1ms, cancel_both);
  second = loop_.every(1ms, cancel_both);
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(called, 1);
}

TEST_F(LoopTest, ThousandsOfTimersComeInOrderAndThoseThatWereCancelledDoNot) {
  constexpr std::size_t kTimers = 5000;
  Random random(fresh_seed());
  std::vector<Clock::time_point> due(kTimers);
  std::vector<Watch> timers(kTimers);
  std::vector<std::size_t> called;
  const auto begun = Clock::now();
  for (std::size_t i = 0; i < kTimers; ++i) {
    due[i] = begun + std::chrono::microseconds(random.below(30'000));
    timers[i] = loop_.at(due[i], [&, i] {
      EXPECT_GE(Clock::now(), due[i]);
      called.push_back(i);
      timers[i ^ 1].cancel();  // of each pair the first comes and the other never does
    });
  }
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(called.size(), kTimers / 2);
  std::vector<bool> seen(kTimers / 2);
  for (const std::size_t i : called) {
    EXPECT_FALSE(seen[i / 2]) << i;
    seen[i / 2] = true;
  }
}

TEST_F(LoopTest, APeriodThatIsNotPositiveIsRefused) {
  for (const EventLoop::Duration period : {0ns, -1ns}) {
    EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { loop_.every(period, [] {}); }));
  }
  EXPECT_TRUE(says(sentence_of([&] { loop_.every(-1ns, [] {}); }), "watch", "timer", "-1 ns", "EINVAL"));
}

TEST_F(LoopTest, ATimerTooFarAwayForTheClockNeverComes) {
  Watch timer = loop_.after(EventLoop::Duration::max(), [] { FAIL(); });
  EXPECT_EQ(loop_.run_for(1ms), LoopEnded::timed_out);
  EXPECT_TRUE(timer.is_active());
}

}  // namespace
}  // namespace mqxx::test
