// Functions that other threads hand to the loop.
#include <atomic>
#include <thread>

#include "loop/loop_test.hpp"

namespace mqxx::test {
namespace {

TEST_F(LoopTest, PostedFunctionsRunInTheOrderOfTheCallsAndThoseTheyPostInTheNextTurn) {
  Texts called;
  loop_.post([&] {
    called.emplace_back("first");
    loop_.post([&] { called.emplace_back("from inside"); });
  });
  loop_.post([&] { called.emplace_back("second"); });
  loop_.run_for(0ms);
  EXPECT_EQ(called, (Texts{"first", "second"}));
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(called.back(), "from inside");
}

TEST_F(LoopTest, PostsOfEightThreadsAllArriveInTheLoopsThreadAndInOrder) {
  constexpr int kThreads = 8;
  const int each = scaled(5000);
  Watch kept = loop_.keep_running();
  std::vector<int> next(kThreads);  // not atomic: TSan looks whether the loop's thread is the only one
  int arrived = 0;
  const std::thread::id here = std::this_thread::get_id();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < each; ++i) {
        loop_.post([&, thread, i] {
          ASSERT_EQ(std::this_thread::get_id(), here);
          EXPECT_EQ(next[static_cast<std::size_t>(thread)]++, i);
          if (++arrived == kThreads * each) kept.cancel();
        });
      }
    });
  }
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(arrived, kThreads * each);
}

TEST_F(LoopTest, StopFromAnotherThreadIsNeverMissed) {
  const int rounds = scaled(300);
  Watch kept = loop_.keep_running();
  std::atomic<int> asked{0};
  std::thread stopper([&] {
    for (int i = 1; i <= rounds; ++i) {
      wait_until([&] { return asked == i; });
      loop_.stop();
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    loop_.post([&, i] { asked = i; });
    EXPECT_EQ(loop_.run(), LoopEnded::stopped);
  }
  stopper.join();
}

TEST_F(LoopTest, WhatWasPostedAndNeverRunIsDestroyedWithTheLoop) {
  auto kept = std::make_shared<int>(0);
  {
    EventLoop other;
    other.post([kept] { FAIL(); });
    EXPECT_EQ(kept.use_count(), 2);
  }
  EXPECT_EQ(kept.use_count(), 1);
}

}  // namespace
}  // namespace mqxx::test
