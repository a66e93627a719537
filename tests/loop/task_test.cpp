// Task: lazy, move-only, what it answers and what it throws; no stack is used up by those that finish at once.
#include <memory>
#include <string>

#include <mqxx/coroutine.hpp>

#include "loop/loop_test.hpp"

namespace mqxx::test {
namespace {

Task<int> number(int value) { co_return value; }
Task<std::unique_ptr<int>> owned(int value) { co_return std::make_unique<int>(value); }
Task<> failing() {
  throw std::runtime_error("failed");
  co_return;
}

TEST_F(LoopTest, ATaskBeginsWhenItIsAwaitedAndAnswersAValue) {
  bool begun = false;
  const auto lazy = [&]() -> Task<std::string> {
    begun = true;
    co_return "done";
  };
  const auto all = [&]() -> Task<> {
    Task<std::string> task = lazy();
    EXPECT_FALSE(begun);
    EXPECT_EQ(co_await std::move(task), "done");
    EXPECT_TRUE(begun);
    EXPECT_EQ(*co_await owned(7), 7);
    const int sum = co_await number(1) + co_await number(2);
    EXPECT_EQ(sum, 3);
  };
  loop_.spawn(all());
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_TRUE(begun);
}

TEST_F(LoopTest, AnExceptionTravelsToWhoAwaits) {
  Texts caught;
  const auto all = [&]() -> Task<> {
    try {
      co_await failing();
    } catch (const std::runtime_error& error) {
      caught.emplace_back(error.what());
    }
  };
  loop_.spawn(all());
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(caught, Texts{"failed"});
}

TEST_F(LoopTest, ATaskThatNobodyAwaitsNeverBegins) {
  bool begun = false;
  const auto lazy = [&]() -> Task<> {
    begun = true;
    co_return;
  };
  {
    Task<> dropped = lazy();
    Task<> moved = std::move(dropped);
    dropped = lazy();
  }
  EXPECT_FALSE(begun);
}

TEST_F(LoopTest, ALoopOverTasksThatFinishAtOnceTakesNoStack) {
  const int rounds = scaled(200'000);
  int sum = 0;
  const auto all = [&]() -> Task<> {
    for (int i = 0; i < rounds; ++i) sum += co_await number(1);
  };
  loop_.spawn(all());
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(sum, rounds);
}

Task<int> nested(EventLoop& loop, int depth) {
  if (depth == 0) {
    co_await loop.sleep(0s);
    co_return 0;
  }
  co_return 1 + co_await nested(loop, depth - 1);
}

TEST_F(LoopTest, TasksMayAwaitTasksAndSleepInTheDepth) {
  constexpr int kDepth = 200;
  int answered = 0;
  const auto all = [&]() -> Task<> { answered = co_await nested(loop_, kDepth); };
  loop_.spawn(all());
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(answered, kDepth);
}

}  // namespace
}  // namespace mqxx::test
