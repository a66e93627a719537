// Coroutines on the loop: they wait for queues, time and signals, are stopped by tokens, and end with the loop.
#include <algorithm>
#include <csignal>
#include <thread>

#include <mqxx/coroutine.hpp>

#include "loop/loop_test.hpp"
#include "support/child.hpp"

namespace mqxx::test {
namespace {

/// Notes that the frame in which it lies is gone.
class Tracked {
 public:
  explicit Tracked(int& living) : living_(living) { ++living_; }
  Tracked(const Tracked&) = delete;
  Tracked& operator=(const Tracked&) = delete;
  ~Tracked() { --living_; }

 private:
  int& living_;
};

TEST_P(LoopOnHome, CoroutinesReceiveWhatOthersSendAndWaitForRoom) {
  Place place = make("q", {.capacity = 2, .message_size = 64});
  Texts received;
  const auto sender = [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      std::string text = std::to_string(i);
      text.resize(64, '.');
      co_await loop_.send(place.queue(), text);
    }
  };
  const auto receiver = [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) received.push_back(text_of(co_await loop_.receive(place.queue())));
  };
  loop_.spawn(receiver());
  loop_.spawn(sender());
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  ASSERT_EQ(received.size(), 20u);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(received[i].substr(0, 2), std::to_string(i).append(i < 10 ? "." : ""));
}

TEST_P(LoopOnHome, OfSeveralThatWaitForOneQueueTheFirstIsServedFirst) {
  Place place = make();
  Texts served;
  const auto receiver = [&](std::string name) -> Task<> {
    const Message message = co_await loop_.receive(place.queue());
    served.push_back(name + text_of(message));
  };
  for (const char* name : {"a", "b", "c"}) loop_.spawn(receiver(name));
  loop_.run_for(0ms);
  place.queue().send("1");
  loop_.run_for(0ms);
  EXPECT_EQ(served, Texts{"a1"});
  place.queue().send("2");
  place.queue().send("3");
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(served, (Texts{"a1", "b2", "c3"}));
}

TEST_P(LoopOnHome, ATaskThatNeverHasToWaitStarvesNobody) {
  Place place = make();
  int rounds = 0;
  const auto greedy = [&]() -> Task<> {
    for (;;) {
      co_await loop_.send(place.queue(), "x");
      (void)co_await loop_.receive(place.queue());
      ++rounds;
    }
  };
  bool called = false;
  loop_.spawn(greedy());
  loop_.after(1ms, [&] {
    called = true;
    loop_.stop();
  });
  EXPECT_EQ(loop_.run(), LoopEnded::stopped);
  EXPECT_TRUE(called);
  EXPECT_GT(rounds, 0);
}

TEST_P(LoopOnHome, AStopTokenEndsAWaitAndTakesNothing) {
  Place place = make();
  Place full = make("full", {.capacity = 1, .message_size = 64});
  const std::string filler(64, 'f');
  while (full.queue().try_send(filler)) {
  }
  std::stop_source stop;
  Texts ended;
  const auto receiver = [&]() -> Task<> {
    const std::optional<Message> message = co_await loop_.receive(place.queue(), stop.get_token());
    ended.emplace_back(message ? "received" : "stopped receiving");
  };
  const auto sender = [&]() -> Task<> {
    const bool sent = co_await loop_.send(full.queue(), filler, stop.get_token());
    ended.emplace_back(sent ? "sent" : "stopped sending");
  };
  loop_.spawn(receiver());
  loop_.spawn(sender());
  loop_.run_for(0ms);
  EXPECT_TRUE(ended.empty());
  std::thread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  stopper.join();
  std::ranges::sort(ended);
  EXPECT_EQ(ended, (Texts{"stopped receiving", "stopped sending"}));
  place.queue().send("x");
  loop_.spawn(receiver());
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(ended.back(), "stopped receiving") << "its token was triggered before";
  EXPECT_EQ(ended.size(), 3u);
  EXPECT_EQ(place.depth(), 1u);
}

TEST_P(LoopOnHome, AStopInTheMomentOfAMessageLosesNone) {
  Place place = make();
  const int rounds = scaled(200);
  int received = 0;
  for (int i = 0; i < rounds; ++i) {
    std::stop_source stop;
    bool got = false;
    const auto receiver = [&]() -> Task<> {
      got = (co_await loop_.receive(place.queue(), stop.get_token())).has_value();
    };
    loop_.spawn(receiver());
    loop_.run_for(0ms);
    std::thread stopper([&] { stop.request_stop(); });
    place.queue().send("x");
    EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
    stopper.join();
    received += got ? 1 : 0;
    EXPECT_EQ(place.queue().try_receive().has_value(), !got) << "in the hand of the one or in the queue";
  }
  RecordProperty("received", received);
}

TEST_F(LoopTest, SleepsEndInTheirOrderAndNeverEarlyAndMayBeStopped) {
  Texts ended;
  std::stop_source stop;
  const auto begun = std::chrono::steady_clock::now();
  const auto sleeper = [&](std::chrono::milliseconds time) -> Task<> {
    co_await loop_.sleep(time);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, time);
    ended.push_back(std::to_string(time.count()));
  };
  const auto stopped = [&]() -> Task<> {
    EXPECT_FALSE(co_await loop_.sleep(1h, stop.get_token()));
    EXPECT_FALSE(co_await loop_.sleep(1h, stop.get_token())) << "at once";
    ended.emplace_back("stopped");
  };
  loop_.spawn(sleeper(4ms));
  loop_.spawn(sleeper(2ms));
  loop_.spawn(stopped());
  loop_.after(3ms, [&] { stop.request_stop(); });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(ended.front(), "2");
  EXPECT_EQ(ended.size(), 3u);
}

TEST_F(LoopTest, ASignalIsAwaitedAndTheMaskIsAsBeforeAfterwards) {
  std::stop_source stop;
  int signalled = 0;
  const auto waiter = [&]() -> Task<> {
    const SignalInfo info = co_await loop_.signal(SIGUSR1);
    EXPECT_EQ(info.signal, SIGUSR1);
    ++signalled;
  };
  const auto stopped = [&]() -> Task<> { EXPECT_FALSE(co_await loop_.signal(SIGUSR2, stop.get_token())); };
  loop_.spawn(waiter());
  loop_.spawn(waiter());
  loop_.spawn(stopped());
  loop_.run_for(0ms);
  ::raise(SIGUSR1);
  loop_.post([&] { stop.request_stop(); });
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(signalled, 2) << "both were told of it";
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  EXPECT_EQ(::sigismember(&now, SIGUSR1) + ::sigismember(&now, SIGUSR2), 0);
}

TEST_P(LoopOnHome, CancellingATaskDestroysItWhereItWaits) {
  Place place = make();
  int living = 0;
  const auto inner = [&]() -> Task<Message> {
    const Tracked tracked(living);
    co_return co_await loop_.receive(place.queue());
  };
  const auto outer = [&]() -> Task<> {
    const Tracked tracked(living);
    (void)co_await inner();
  };
  Watch waiting = loop_.spawn(outer());
  Watch unbegun = loop_.spawn(outer());
  unbegun.cancel();
  loop_.run_for(0ms);
  EXPECT_EQ(living, 2);
  EXPECT_TRUE(waiting.is_active());
  waiting.cancel();
  EXPECT_EQ(living, 0);
  place.queue().send("x");
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(place.depth(), 1u) << "nobody waits any more";
}

TEST_F(LoopTest, ATaskMayCancelItselfAndOthersThatWouldBeNext) {
  int living = 0;
  Watch first;
  Watch second;
  bool reached = false;
  const auto mutual = [&](Watch& other) -> Task<> {
    const Tracked tracked(living);
    co_await loop_.sleep(1ms);
    other.cancel();
    first.cancel();
    EXPECT_EQ(living, 2) << "while a task runs none is destroyed";
    co_await loop_.sleep(1ms);
    reached = true;
  };
  first = loop_.spawn(mutual(second));
  second = loop_.spawn(mutual(first));
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(living, 0);
  EXPECT_FALSE(reached);
}

TEST_P(LoopOnHome, TheEndOfTheLoopDestroysWhatWaits) {
  Place place = make();
  Place full = make("full", {.capacity = 1, .message_size = 64});
  const std::string filler(64, 'f');
  while (full.queue().try_send(filler)) {
  }
  int living = 0;
  {
    EventLoop loop;
    std::stop_source stop;
    const auto receiver = [&]() -> Task<> {
      const Tracked tracked(living);
      (void)co_await loop.receive(place.queue(), stop.get_token());
    };
    const auto sender = [&]() -> Task<> {
      const Tracked tracked(living);
      co_await loop.send(full.queue(), filler);
    };
    const auto sleeper = [&]() -> Task<> {
      const Tracked tracked(living);
      co_await loop.sleep(1h);
    };
    const auto waiter = [&]() -> Task<> {
      const Tracked tracked(living);
      (void)co_await loop.signal(SIGUSR1);
    };
    loop.spawn(receiver());
    loop.spawn(sender());
    loop.spawn(sleeper());
    loop.spawn(waiter());
    loop.run_for(0ms);
    EXPECT_EQ(living, 4);
    loop.spawn(sleeper());  // not begun
  }
  EXPECT_EQ(living, 0);
}

TEST_F(LoopTest, AnExceptionThatLeavesATaskLeavesRunAndTheOthersGoOn) {
  int finished = 0;
  const auto failing = [&](std::chrono::milliseconds when) -> Task<> {
    co_await loop_.sleep(when);
    throw std::runtime_error("after " + std::to_string(when.count()));
  };
  const auto well = [&]() -> Task<> {
    co_await loop_.sleep(3ms);
    ++finished;
  };
  Watch watch = loop_.spawn(failing(1ms));
  loop_.spawn(failing(2ms));
  loop_.spawn(well());
  EXPECT_EQ(thrown_by_run(loop_), "after 1");
  EXPECT_FALSE(watch.is_active());
  EXPECT_EQ(thrown_by_run(loop_), "after 2");
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(finished, 1);
}

TEST_F(LoopTest, AFailingQueueThrowsWhereItIsAwaited) {
  Place removed(In::sysv, "q", kUsual);
  Queue closed;
  int caught = 0;
  const auto receiver = [&](Queue& queue, Errc expected) -> Task<> {
    try {
      (void)co_await loop_.receive(queue);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), expected);
      ++caught;
    }
  };
  loop_.spawn(receiver(removed.queue(), Errc::queue_removed));
  loop_.spawn(receiver(removed.queue(), Errc::queue_removed));
  loop_.spawn(receiver(closed, Errc::closed));
  loop_.run_for(0ms);
  EXPECT_EQ(caught, 1);
  removed.queue().unlink();
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(caught, 3);
}

TEST_P(LoopOnHome, ACoroutineInAnotherProcessAnswersEachQuestion) {
  if (!may_poll_in_a_child(GetParam())) GTEST_SKIP() << "a forked child may start no threads here";
  Place questions = make("questions");
  Place answers = make("answers");
  const int rounds = scaled(500);
  Child server([&] {
    EventLoop loop;
    Queue from = Queue::open(questions.name());
    Queue to = Queue::open(answers.name());
    const auto serve = [&]() -> Task<> {
      for (int i = 0; i < rounds; ++i) {
        const Message question = co_await loop.receive(from);
        co_await loop.send(to, text_of(question) + "!", question.priority());
      }
    };
    loop.spawn(serve());
    EXPECT_EQ(loop.run(), LoopEnded::nothing_left);
  });
  int answered = 0;
  const auto ask = [&]() -> Task<> {
    for (int i = 0; i < rounds; ++i) {
      co_await loop_.send(questions.queue(), std::to_string(i), 5);
      const Message answer = co_await loop_.receive(answers.queue());
      EXPECT_EQ(answer.text(), std::to_string(i) + "!");
      EXPECT_EQ(answer.priority(), 5u);
      ++answered;
    }
  };
  loop_.spawn(ask());
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  expect_well(server);
  EXPECT_EQ(answered, rounds);
}

}  // namespace
}  // namespace mqxx::test
