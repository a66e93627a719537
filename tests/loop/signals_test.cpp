// Signals: told with their sender, a storm of them, and masks that are as they were afterwards.
#include <csignal>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include "loop/loop_test.hpp"
#include "support/child.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

bool is_blocked(int signal) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return ::sigismember(&now, signal) == 1;
}

void send_value(pid_t process, int signal, int number) {
  sigval value{};
  value.sival_int = number;
  // Full: the system keeps so many and no more (RLIMIT_SIGPENDING).
  while (::sigqueue(process, signal, value) != 0) std::this_thread::sleep_for(1ms);
}

TEST_F(LoopTest, ASignalIsToldToAllWhoWatchItWithItsSender) {
  int others = 0;
  Watch one;
  Watch two = loop_.on_signal({SIGUSR1, SIGUSR2, SIGUSR1}, [&](const SignalInfo&) { ++others; });
  one = loop_.on_signal(SIGUSR1, [&](const SignalInfo& info) {
    EXPECT_EQ(info.signal, SIGUSR1);
    EXPECT_EQ(info.pid, ::getpid());
    EXPECT_EQ(info.uid, ::getuid());
    EXPECT_EQ(info.value, 42);
    one.cancel();
  });
  send_value(::getpid(), SIGUSR1, 42);
  ::raise(SIGUSR2);
  loop_.run_for(0ms);
  EXPECT_FALSE(one.is_active());
  EXPECT_EQ(others, 2);
}

TEST_F(LoopTest, TheLastWatchOfASignalUnblocksItAndWhatWasPendingIsDiscarded) {
  Watch one = loop_.on_signal(SIGUSR1, [](const SignalInfo&) {});
  Watch two = loop_.on_signal({SIGUSR1, SIGUSR2}, [](const SignalInfo&) {});
  EXPECT_TRUE(is_blocked(SIGUSR1));
  two.cancel();
  EXPECT_FALSE(is_blocked(SIGUSR2));
  EXPECT_TRUE(is_blocked(SIGUSR1));
  ::raise(SIGUSR1);  // it would end the process if it met its default action
  one.cancel();
  EXPECT_FALSE(is_blocked(SIGUSR1));
  loop_.run_for(0ms);
}

TEST_F(LoopTest, ALoopThatEndsLeavesTheMaskAsItWas) {
  {
    EventLoop other;
    other.on_signal({SIGUSR1, SIGTERM}, [](const SignalInfo&) {});
    EXPECT_TRUE(is_blocked(SIGTERM));
  }
  EXPECT_FALSE(is_blocked(SIGTERM));
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST_F(LoopTest, WhatIsNoSignalIsRefusedAndNothingOfTheListIsWatched) {
  const auto watch = [&] { loop_.on_signal({SIGUSR1, SIGKILL, -1}, [](const SignalInfo&) {}); };
  EXPECT_TRUE(fails_with(Errc::invalid_argument, watch));
  EXPECT_TRUE(says(sentence_of(watch), "watch", "signal", "-1 9", "EINVAL"));
  EXPECT_FALSE(is_blocked(SIGUSR1));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { loop_.on_signal({}, [](const SignalInfo&) {}); }));
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
}

TEST_F(LoopTest, AnExceptionLosesNoSignal) {
  int told = 0;
  const auto callback = [&](const SignalInfo&) {
    if (++told == 1) throw std::runtime_error("first");
  };
  Watch one = loop_.on_signal(SIGUSR1, callback);
  Watch two = loop_.on_signal(SIGUSR1, callback);
  Watch three = loop_.on_signal(SIGUSR2, callback);
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  EXPECT_EQ(thrown_by_run(loop_), "first");
  loop_.run_for(0ms);
  EXPECT_EQ(told, 3);
}

TEST_F(LoopTest, AStormOfSignalsFromSeveralProcessesArrivesWhole) {
  constexpr int kSenders = 3;
  const int each = scaled(2000);
  const int signal = SIGRTMIN + 3;
  const pid_t here = ::getpid();
  std::vector<int> next(kSenders);
  std::vector<pid_t> senders(kSenders);
  int left = kSenders * each;
  int ticks = 0;
  Watch timer = loop_.every(1ms, [&] { ++ticks; });
  Watch watch;
  watch = loop_.on_signal(signal, [&](const SignalInfo& info) {
    const auto sender = static_cast<std::size_t>(info.value % kSenders);
    EXPECT_EQ(info.value / kSenders, next[sender]++) << "in order, none missing";
    EXPECT_EQ(info.pid, senders[sender]);
    if (--left > 0) return;
    watch.cancel();
    timer.cancel();
  });
  std::vector<Child> children;
  for (int sender = 0; sender < kSenders; ++sender) {
    children.emplace_back([&, sender] {
      for (int i = 0; i < each; ++i) send_value(here, signal, i * kSenders + sender);
    });
    senders[static_cast<std::size_t>(sender)] = children.back().pid();
  }
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  for (Child& child : children) expect_well(child);
  EXPECT_EQ(left, 0);
}

}  // namespace
}  // namespace mqxx::test
