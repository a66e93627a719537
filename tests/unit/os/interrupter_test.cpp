// Interrupter: one test for each duty of os/interrupter.hpp. The call that it ends here is poll(2) on nothing, which no
// handler's flags let go on.
#include "os/interrupter.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stop_token>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>

#include "support/child.hpp"
#include "support/emulated.hpp"
#include "support/seed.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using std::chrono::system_clock;

class InterrupterTest : public testing::Test {
 protected:
  void SetUp() override {
    if (test::kEmulated) GTEST_SKIP() << "the emulator has no timer that strikes one thread";
  }
  /// @return the errno, or 0 when it slept for all of its time
  static int sleep(std::chrono::milliseconds most = 1h) {
    return ::poll(nullptr, 0, static_cast<int>(most.count())) == 0 ? 0 : errno;
  }
  static Wait in(std::chrono::nanoseconds time) { return Wait::until_time(steady_clock::now() + time); }

  test::Watchdog watchdog_{30s};
};

TEST_F(InterrupterTest, EndsASleepAtASteadyTimeAndNotBefore) {
  const auto deadline = steady_clock::now() + 20ms;
  Interrupter interrupter(Wait::until_time(deadline));
  ASSERT_TRUE(interrupter.ready());
  EXPECT_EQ(sleep(), EINTR);
  EXPECT_GE(steady_clock::now(), deadline);
  EXPECT_TRUE(interrupter.struck());
}

TEST_F(InterrupterTest, EndsASleepAtASystemTimeAndNotBefore) {
  const auto deadline = system_clock::now() + 20ms;
  Interrupter interrupter(Wait::until_time(deadline));
  EXPECT_EQ(sleep(), EINTR);
  EXPECT_GE(system_clock::now(), deadline);
}

TEST_F(InterrupterTest, EndsEverySleepThatBeginsAfterItsTime) {
  for (const std::int64_t past : {std::int64_t{1}, std::int64_t{0}, std::int64_t{-1000}}) {
    Interrupter interrupter({.until = Wait::Until::steady, .deadline_ns = past});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(sleep(), EINTR);
  }
}

TEST_F(InterrupterTest, EndsNothingWithoutATime) {
  Interrupter interrupter(Wait::forever());
  EXPECT_EQ(sleep(5ms), 0);
  EXPECT_FALSE(interrupter.struck());
}

TEST_F(InterrupterTest, ATokenEndsASleepAndEveryOneAfterIt) {
  std::stop_source source;
  const std::stop_token token = source.get_token();
  Interrupter interrupter(Wait::forever(token));
  std::jthread stopper([&] {
    std::this_thread::sleep_for(5ms);
    source.request_stop();
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sleep(), EINTR);
  EXPECT_TRUE(token.stop_requested());
}

TEST_F(InterrupterTest, ATokenThatWasTriggeredBeforeEndsTheFirstSleep) {
  std::stop_source source;
  source.request_stop();
  const std::stop_token token = source.get_token();
  Interrupter interrupter(Wait::forever(token));
  EXPECT_EQ(sleep(), EINTR);
}

TEST_F(InterrupterTest, ATokenIsFasterThanATime) {
  std::stop_source source;
  const std::stop_token token = source.get_token();
  for (Wait wait : {in(1h), Wait::until_time(system_clock::now() + 1h)}) {
    wait.stop = &token;
    Interrupter interrupter(wait);
    source.request_stop();
    EXPECT_EQ(sleep(), EINTR);
  }
}

TEST_F(InterrupterTest, AnotherThreadsTimeEndsNothingHere) {
  std::atomic<bool> over{false};
  std::jthread other([&] {
    Interrupter interrupter(in(0ms));
    while (!over) sleep(1ms);
  });
  EXPECT_EQ(sleep(20ms), 0);
  over = true;
}

TEST_F(InterrupterTest, ThreadsHaveTheirTimesSideBySide) {
  std::vector<std::jthread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int turn = 0; turn < 20; ++turn) {
        const auto deadline = steady_clock::now() + std::chrono::microseconds(100 * i);
        Interrupter interrupter(Wait::until_time(deadline));
        EXPECT_EQ(sleep(), EINTR);
        EXPECT_GE(steady_clock::now(), deadline);
      }
    });
  }
}

TEST_F(InterrupterTest, NothingOfItArrivesAfterItsEnd) {
  test::Random random(test::fresh_seed());
  for (int i = 0; i < 2000; ++i) {
    {
      const Interrupter interrupter(in(std::chrono::nanoseconds(random.below(60'000))));
      const auto leave = steady_clock::now() + std::chrono::nanoseconds(random.below(60'000));
      while (steady_clock::now() < leave) {
      }
    }
    ASSERT_EQ(sleep(0ms), 0);
    sigset_t pending;
    sigpending(&pending);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) ASSERT_EQ(sigismember(&pending, signal), 0) << signal;
  }
}

TEST_F(InterrupterTest, AThreadThatBlocksAllSignalsIsServedAndBlocksThemAfterwards) {
  std::jthread thread([] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    {
      Interrupter interrupter(in(1ms));
      EXPECT_EQ(sleep(), EINTR);
      EXPECT_EQ(sleep(), EINTR);
    }
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) EXPECT_EQ(sigismember(&after, signal), 1) << signal;
  });
}

std::atomic<int> handled{0};
void count_handled(int /*signal*/) { ++handled; }

/// A handler of the program's for the time of a test.
class Handler {
 public:
  explicit Handler(int signal) : signal_(signal) {
    struct sigaction action = {};
    action.sa_handler = count_handled;
    ::sigaction(signal_, &action, &before_);
    handled = 0;
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() { ::sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_ = {};
};

TEST_F(InterrupterTest, ASignalThatTheProgramTakesForItselfIsGivenUp) {
  for (const int signal : {SIGRTMAX, SIGRTMAX - 1}) {
    const Handler handler(signal);
    Interrupter interrupter(in(1ms));
    EXPECT_EQ(sleep(), EINTR);
    EXPECT_EQ(handled, 0) << signal;
  }
}

TEST_F(InterrupterTest, ASignalOfTheProgramsIsNotCalledItsOwn) {
  const Handler handler(SIGUSR1);
  Interrupter interrupter(in(1h));
  const pthread_t self = ::pthread_self();
  std::jthread other([&] {
    std::this_thread::sleep_for(5ms);
    ::pthread_kill(self, SIGUSR1);
  });
  EXPECT_EQ(sleep(), EINTR);
  EXPECT_EQ(handled, 1);
  EXPECT_FALSE(interrupter.struck());
}

TEST_F(InterrupterTest, ASecondOneInTheThreadIsADeadlockAndEndsNothing) {
  Interrupter interrupter(in(1h));
  {
    const Interrupter second(in(0ms));
    EXPECT_TRUE(second.ready().is(Errc::would_deadlock));
    EXPECT_EQ(sleep(3ms), 0);
  }
  EXPECT_EQ(sleep(3ms), 0);
  EXPECT_TRUE(interrupter.ready());
}

TEST_F(InterrupterTest, AChildOfForkHasItsOwn) {
  { const Interrupter first(in(1h)); }  // this thread has its timer now
  test::Child child([] {
    for (int i = 0; i < 3; ++i) {
      const auto deadline = steady_clock::now() + 2ms;
      Interrupter interrupter(Wait::until_time(deadline));
      EXPECT_TRUE(interrupter.ready());
      EXPECT_EQ(sleep(), EINTR);
      EXPECT_GE(steady_clock::now(), deadline);
    }
  });
  test::expect_well(child);
}

TEST_F(InterrupterTest, WithoutTheMeansItSaysSo) {
  test::Child child([] {
    // Every signal of the program's: none is left for us.
    struct sigaction action = {};
    action.sa_handler = count_handled;
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) ::sigaction(signal, &action, nullptr);
    const Interrupter interrupter(in(0ms));
    EXPECT_TRUE(interrupter.ready().is(Errc::no_memory));
    EXPECT_EQ(sleep(3ms), 0);
  });
  test::expect_well(child);
}

}  // namespace
}  // namespace mqxx::os
