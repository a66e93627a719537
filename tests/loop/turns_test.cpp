// How a loop runs and ends, what an exception leaves over, and what it refuses.
#include <csignal>
#include <memory>
#include <utility>

#include "loop/loop_test.hpp"
#include "support/child.hpp"

namespace mqxx::test {
namespace {

TEST_F(LoopTest, RunEndsAtOnceWhenNothingIsLeftToWaitFor) {
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  bool called = false;
  loop_.after(1ms, [&] { called = true; });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_TRUE(called);
}

TEST_F(LoopTest, KeepRunningIsSomethingToWaitForUntilItIsCancelled) {
  Watch kept = loop_.keep_running();
  EXPECT_EQ(loop_.run_for(2ms), LoopEnded::timed_out);
  loop_.post([kept]() mutable { kept.cancel(); });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_FALSE(kept.is_active());
}

TEST_F(LoopTest, StopEndsTheRunAfterTheTurnInProgress) {
  Watch kept = loop_.keep_running();
  bool second = false;
  loop_.post([&] { loop_.stop(); });
  loop_.post([&] { second = true; });
  EXPECT_EQ(loop_.run(), LoopEnded::stopped);
  EXPECT_TRUE(second);
  EXPECT_EQ(loop_.run_for(0ms), LoopEnded::timed_out) << "it ends one run and not the next";
}

TEST_F(LoopTest, StopBeforeTheRunEndsItAtOnce) {
  Watch kept = loop_.keep_running();
  loop_.stop();
  EXPECT_EQ(loop_.run(), LoopEnded::stopped);
}

EventLoop* g_loop = nullptr;

TEST_F(LoopTest, StopWorksInASignalHandler) {
  Watch kept = loop_.keep_running();
  g_loop = &loop_;
  struct sigaction before {};
  struct sigaction action {};
  action.sa_handler = [](int) { g_loop->stop(); };
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, &before);
  loop_.after(1ms, [] { ::raise(SIGUSR1); });
  EXPECT_EQ(loop_.run(), LoopEnded::stopped);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(LoopTest, RunForMakesOneTurnAndNeverEndsEarly) {
  Watch kept = loop_.keep_running();
  bool called = false;
  loop_.post([&] { called = true; });
  EXPECT_EQ(loop_.run_for(-1ms), LoopEnded::timed_out);
  EXPECT_TRUE(called);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(loop_.run_for(5ms), LoopEnded::timed_out);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 5ms);
  loop_.after(0ms, [&] { kept.cancel(); });
  EXPECT_EQ(loop_.run_for(EventLoop::Duration::max()), LoopEnded::nothing_left) << "a time too long for the clock";
}

TEST_F(LoopTest, AnExceptionLeavesRunAndTheRestOfTheTurnIsDoneInTheNext) {
  int done = 0;
  loop_.after(0ms, [] { throw std::runtime_error("first"); });
  loop_.after(0ms, [&] { ++done; });
  loop_.post([] { throw std::runtime_error("second"); });
  loop_.post([&] { ++done; });
  EXPECT_EQ(thrown_by_run(loop_), "first");
  EXPECT_EQ(thrown_by_run(loop_), "second");
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(done, 2);
}

TEST_F(LoopTest, CannotBeRunFromItsOwnCallback) {
  loop_.post([&] {
    EXPECT_TRUE(fails_with(Errc::would_deadlock, [&] { loop_.run(); }));
    EXPECT_TRUE(says(sentence_of([&] { loop_.run(); }), "run", "event loop", "callback", "EDEADLK"));
  });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
}

TEST_F(LoopTest, WatchesMayOutliveTheLoopAndBeNone) {
  Watch none;
  EXPECT_FALSE(none.is_active());
  none.cancel();
  Watch watch;
  {
    EventLoop other;
    watch = other.after(1h, [] {});
    const Watch copy = watch;
    EXPECT_TRUE(copy.is_active());
  }
  EXPECT_FALSE(watch.is_active());
  watch.cancel();
}

TEST_F(LoopTest, WhatACallbackCapturedIsDestroyedWhenItEndsAndNotWhileItRuns) {
  auto kept = std::make_shared<int>(1);
  Watch idle = loop_.after(1h, [kept] { FAIL(); });
  EXPECT_EQ(kept.use_count(), 2);
  idle.cancel();
  EXPECT_EQ(kept.use_count(), 1);
  Watch running;
  running = loop_.every(1ms, [&running, copy = kept] {
    running.cancel();
    EXPECT_EQ(*copy, 1);
    EXPECT_EQ(copy.use_count(), 2);
  });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(kept.use_count(), 1);
}

// A destructor that watches and cancels while the loop cleans up.
struct Busy {
  Busy(EventLoop* its_loop, Watch its_other) : loop(its_loop), other(std::move(its_other)) {}
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() {
    other.cancel();
    loop->after(1h, [] {}).cancel();
    loop->post([] {});
  }

  EventLoop* loop;
  Watch other;
};

TEST_F(LoopTest, DestructorsOfCallbacksMayUseTheLoop) {
  for (const bool cancelled : {true, false}) {
    auto loop = std::make_unique<EventLoop>();
    const Watch other = loop->after(1h, [] {});
    Watch watch = loop->after(1h, [busy = std::make_shared<Busy>(loop.get(), other)] { FAIL() << busy->loop; });
    if (cancelled) {
      watch.cancel();
      EXPECT_FALSE(other.is_active());
    }
  }
}

TEST_F(LoopTest, AChildOfForkIsRefusedAndLeavesItsParentsLoopAlone) {
  Place place(In::kernel, "q", kUsual);
  int seen = 0;
  Watch watch = loop_.on_message(place.queue(), [&](const Message&) { ++seen; });
  Watch signals = loop_.on_signal(SIGUSR1, [&](const SignalInfo&) { ++seen; });
  Watch timer = loop_.after(1h, [] {});
  Child child([&] {
    EXPECT_TRUE(fails_with(Errc::unsupported, [&] { loop_.run(); }));
    EXPECT_TRUE(fails_with(Errc::unsupported, [&] { loop_.after(1ms, [] {}); }));
    EXPECT_TRUE(fails_with(Errc::unsupported, [&] { loop_.on_readable(place.queue(), [](Queue&) {}); }));
    EXPECT_TRUE(says(sentence_of([&] { loop_.run(); }), "run", "event loop", "parent", "ENOTSUP"));
    watch.cancel();
    signals.cancel();
    EventLoop own;
    own.on_message(place.queue(), [&](const Message&) { own.stop(); });
    EXPECT_EQ(own.run(), LoopEnded::stopped);
  });
  place.queue().send("to the child");
  expect_well(child);
  timer.cancel();
  place.queue().send("x");
  ::raise(SIGUSR1);
  loop_.run_for(0ms);
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace mqxx::test
