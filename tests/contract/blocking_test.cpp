// Waking: who sleeps is woken by what he waits for, across threads and processes, and by nothing else.
#include <csignal>
#include <thread>

#include "contract/backend_contract.hpp"
#include "support/child.hpp"

namespace mqxx::test {
namespace {

std::atomic<int> signals_handled{0};

/// A handler without SA_RESTART: every system call that sleeps in this thread ends with EINTR.
class InterruptingHandler {
 public:
  InterruptingHandler() {
    signals_handled = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { signals_handled.fetch_add(1, std::memory_order_relaxed); };
    ::sigaction(SIGUSR1, &action, &before_);
  }
  InterruptingHandler(const InterruptingHandler&) = delete;
  InterruptingHandler& operator=(const InterruptingHandler&) = delete;
  ~InterruptingHandler() { ::sigaction(SIGUSR1, &before_, nullptr); }

  /// Interrupts the thread `times` times, each while it had time to fall asleep again.
  static void interrupt(std::thread& thread, int times) {
    for (int i = 1; i <= times; ++i) {
      ::pthread_kill(thread.native_handle(), SIGUSR1);
      wait_until([&] { return signals_handled.load() == i; });
      std::this_thread::sleep_for(2ms);
    }
  }

 private:
  struct sigaction before_ = {};
};

/// The thread sanitizer runs a handler when its thread next makes a call that the sanitizer knows, and a thread that
/// waits in the kernel, by system call, makes none: it would wait again, and the handler with it.
bool handlers_are_held_back(const Home& home) {
#ifdef __SANITIZE_THREAD__
  return home.prefix == "kernel:" || home.prefix == "sysv:";
#else
  (void)home;
  return false;
#endif
}

TEST_P(BackendContract, ASendWakesABlockedReceiver) {
  Queue queue = make();
  std::thread receiver([&] { EXPECT_EQ(queue.receive().text(), "wake up"); });
  until_receivers_wait(queue);
  queue.send("wake up");
  receiver.join();
}

TEST_P(BackendContract, AReceiveWakesABlockedSender) {
  Queue queue = make(1);
  fill(queue);
  std::thread sender([&] { queue.send("waited"); });
  until_senders_wait(queue);
  EXPECT_EQ(queue.receive().text(), filler_);
  sender.join();
  EXPECT_EQ(queue.receive().text(), "waited");
}

TEST_P(BackendContract, ASendWakesABlockedReceiverInAnotherProcess) {
  Queue queue = make();
  Child receiver([&] { EXPECT_EQ(Queue::open(at()).receive().text(), "wake up"); });
  until_receivers_wait(queue);
  queue.send("wake up");
  expect_well(receiver);
}

TEST_P(BackendContract, AReceiveWakesABlockedSenderInAnotherProcess) {
  Queue queue = make(1);
  fill(queue);
  Child sender([&] { Queue::open(at()).send("waited"); });
  until_senders_wait(queue);
  EXPECT_EQ(queue.receive().text(), filler_);
  EXPECT_EQ(queue.receive().text(), "waited");
  expect_well(sender);
}

TEST_P(BackendContract, EachOfManyBlockedReceiversGetsOneMessage) {
  MQXX_NEEDS_ROOM(16, 64);
  constexpr std::size_t kReceivers = 16;
  Queue queue = make(kReceivers);
  std::atomic<std::size_t> received{0};
  std::vector<std::thread> receivers;
  for (std::size_t i = 0; i < kReceivers; ++i) {
    receivers.emplace_back([&] {
      (void)queue.receive();
      ++received;
    });
  }
  until_receivers_wait(queue, kReceivers);
  for (std::size_t i = 1; i <= kReceivers; ++i) {
    queue.send("x");
    wait_until([&] { return received == i; });
  }
  for (std::thread& receiver : receivers) receiver.join();
  EXPECT_EQ(queue.attributes().depth, 0u);
}

TEST_P(BackendContract, EachOfManyBlockedSendersGetsARoom) {
  constexpr std::size_t kSenders = 16;
  Queue queue = make(1);
  fill(queue);
  std::vector<std::thread> senders;
  for (std::size_t i = 0; i < kSenders; ++i) {
    senders.emplace_back([&] { queue.send("waited"); });
  }
  until_senders_wait(queue, kSenders);
  EXPECT_EQ(queue.receive().text(), filler_);
  for (std::size_t i = 0; i < kSenders; ++i) EXPECT_EQ(queue.receive().text(), "waited");
  for (std::thread& sender : senders) sender.join();
  EXPECT_FALSE(queue.try_receive());
}

TEST_P(BackendContract, ABatchWakesAsManyReceiversAsItHasMessages) {
  constexpr std::size_t kReceivers = 4;
  Queue queue = make(kReceivers);
  std::vector<std::thread> receivers;
  for (std::size_t i = 0; i < kReceivers; ++i) {
    receivers.emplace_back([&] { (void)queue.receive(); });
  }
  until_receivers_wait(queue, kReceivers);
  const std::vector<Outgoing> batch(kReceivers, Outgoing{"x"});
  EXPECT_EQ(queue.send_batch(batch), kReceivers);
  for (std::thread& receiver : receivers) receiver.join();
}

TEST_P(BackendContract, ABatchOfReceivesWakesAsManySendersAsItMakesRoom) {
  constexpr std::size_t kSenders = 4;
  Queue queue = make(kSenders);
  fill(queue);
  std::vector<std::thread> senders;
  for (std::size_t i = 0; i < kSenders; ++i) {
    senders.emplace_back([&] { queue.send("waited"); });
  }
  until_senders_wait(queue, kSenders);
  std::vector<std::vector<std::byte>> buffers(kSenders, buffer_for(queue));
  std::vector<Incoming> room;
  for (auto& buffer : buffers) room.push_back({.buffer = buffer});
  EXPECT_EQ(queue.receive_batch(room), kSenders);
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(drained(queue), std::vector<std::string>(kSenders, "waited"));
}

TEST_P(BackendContract, ASignalDuringABlockedReceiveIsSurvived) {
  if (handlers_are_held_back(home())) GTEST_SKIP() << "the thread sanitizer holds signals back here";
  Queue queue = make();
  InterruptingHandler handler;
  std::thread receiver([&] { EXPECT_EQ(queue.receive().text(), "after the signals"); });
  until_receivers_wait(queue);
  InterruptingHandler::interrupt(receiver, 5);
  queue.send("after the signals");
  receiver.join();
}

TEST_P(BackendContract, ASignalDuringABlockedSendIsSurvived) {
  if (handlers_are_held_back(home())) GTEST_SKIP() << "the thread sanitizer holds signals back here";
  Queue queue = make(1);
  fill(queue);
  InterruptingHandler handler;
  std::thread sender([&] { queue.send("after the signals"); });
  until_senders_wait(queue);
  InterruptingHandler::interrupt(sender, 5);
  EXPECT_EQ(queue.receive().text(), filler_);
  sender.join();
  EXPECT_EQ(queue.receive().text(), "after the signals");
}

TEST_P(BackendContract, AWaitThatAsksForItEndsWhenASignalHandlerRan) {
  Queue queue = make();
  InterruptingHandler handler;
  std::thread receiver([&] {
    std::error_code ec;
    EXPECT_FALSE(queue.receive_loan({.return_on_signal = true}, ec));
    EXPECT_EQ(ec, Errc::interrupted);
    EXPECT_EQ(ec, std::errc::interrupted);
  });
  until_receivers_wait(queue);
  InterruptingHandler::interrupt(receiver, 1);
  receiver.join();
}

TEST_P(BackendContract, SignalsDoNotShortenATimeout) {
  Queue queue = make();
  InterruptingHandler handler;
  const auto begin = std::chrono::steady_clock::now();
  std::thread receiver([&] {
    EXPECT_FALSE(queue.receive_for(100ms));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
  });
  until_receivers_wait(queue);
  InterruptingHandler::interrupt(receiver, 3);
  receiver.join();
}

TEST_P(BackendContract, AWaitWithATokenAndADeadlineEndsAtWhicheverComesFirst) {
  Queue queue = make();
  std::stop_source source;
  const std::stop_token token = source.get_token();
  Wait wait = Wait::until_time(std::chrono::system_clock::now() + 30ms);
  wait.stop = &token;
  EXPECT_FALSE(queue.receive_loan(wait));
  EXPECT_GE(std::chrono::system_clock::now().time_since_epoch().count(), wait.deadline_ns);
  wait.deadline_ns += std::chrono::nanoseconds(1h).count();
  std::jthread stopper([&] {
    std::this_thread::sleep_for(kMoment);
    source.request_stop();
  });
  EXPECT_FALSE(queue.receive_loan(wait));
}

TEST_P(BackendContract, ABlockedReceiverGetsAMessageOfAnyPriority) {
  Queue queue = make();
  for (const Priority priority : {Priority{0}, Priority{1000}, kMaxPriority}) {
    std::thread receiver([&] { EXPECT_EQ(queue.receive().priority(), priority); });
    until_receivers_wait(queue);
    queue.send("x", priority);
    receiver.join();
  }
}

// The wake-up must not get lost between "it is empty" and "I sleep": many quick turns find the gap.
TEST_P(BackendContract, TwoThreadsPassOneMessageToAndFroManyTimes) {
  Queue there = make(1, 64, "there");
  Queue back = make(1, 64, "back");
  constexpr int kTurns = 5000;
  std::jthread echo([&] {
    for (int i = 0; i < kTurns; ++i) {
      const Message message = there.receive();
      back.send(message.text());
    }
  });
  for (int i = 0; i < kTurns; ++i) {
    there.send(std::to_string(i));
    ASSERT_EQ(back.receive().text(), std::to_string(i));
  }
  echo.join();
}

TEST_P(BackendContract, AnUnlinkedQueueStillWakesItsReceivers) {
  MQXX_NEEDS(lives_on);
  Queue queue = make();
  std::thread receiver([&] { EXPECT_EQ(queue.receive().text(), "still here"); });
  until_receivers_wait(queue);
  Queue::unlink(at());
  queue.send("still here");
  receiver.join();
}

}  // namespace
}  // namespace mqxx::test
