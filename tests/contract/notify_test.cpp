// The one-shot notices of mq_notify(3): the same in shared memory as in the kernel, who is their model; and a signal
// that is asked for again and again.
#include <atomic>
#include <csignal>
#include <thread>

#include <unistd.h>

#include <mqxx/notification.hpp>

#include "contract/backend_contract.hpp"
#include "support/child.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

constexpr int kSignal = SIGUSR1;

sigset_t only(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

/// In a child with one thread, which blocks the signal and waits for it by hand.
void with_signal_blocked(const std::function<void()>& body) {
  Child child([&] {
    const sigset_t set = only(kSignal);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    body();
  });
  expect_well(child);
}

/// The watchdog ends a wait for a signal that does not come.
siginfo_t await_signal() {
  const sigset_t set = only(kSignal);
  siginfo_t info{};
  while (::sigwaitinfo(&set, &info) != kSignal) {
  }
  return info;
}
bool is_pending() {
  sigset_t pending;
  ::sigpending(&pending);
  return sigismember(&pending, kSignal) == 1;
}

TEST_P(BackendContract, NoticeBySignalComesOnceWithItsValueAndSender) {
  MQXX_NEEDS(notices);
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = make(4);
  with_signal_blocked([&] {
    notify_by_signal(queue, kSignal, 7);
    EXPECT_FALSE(is_pending());
    queue.send("1");
    EXPECT_TRUE(is_pending()) << "when the send has returned";
    const siginfo_t info = await_signal();
    EXPECT_EQ(info.si_value.sival_ptr, reinterpret_cast<void*>(7));
    EXPECT_EQ(info.si_pid, ::getpid());
    EXPECT_EQ(info.si_uid, ::getuid());
    (void)drained(queue);
    queue.send("2");
    EXPECT_FALSE(is_pending()) << "once";
  });
}

TEST_P(BackendContract, NoticeIsGivenForTheEmptyQueueOnlyAndStaysOtherwise) {
  MQXX_NEEDS(notices);
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = make(4);
  with_signal_blocked([&] {
    queue.send("there already");
    notify_by_signal(queue, kSignal);
    queue.send("not to the empty queue");
    EXPECT_FALSE(is_pending());
    EXPECT_EQ(drained(queue).size(), 2u);
    queue.send("");
    EXPECT_TRUE(is_pending()) << "a message without bytes is one";
    (void)await_signal();
    (void)drained(queue);
  });
}

TEST_P(BackendContract, NoticeIsNotGivenWhileAReceiverWaits) {
  MQXX_NEEDS(notices);
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = make(4);
  SharedArray<std::atomic<int>> received(1);
  Child receiver([&] {
    EXPECT_EQ(queue.receive().text(), "his");
    received[0] = 1;
  });
  until_receivers_wait(queue);
  with_signal_blocked([&] {
    notify_by_signal(queue, kSignal);
    queue.send("his");
    wait_until([&] { return received[0] == 1; });
    EXPECT_FALSE(is_pending());
    queue.send("told");
    (void)await_signal();
  });
  expect_well(receiver);
}

TEST_P(BackendContract, NoticeHasOnePlaceWhichIsFreeWhenItIsCancelledOrItsProcessEnds) {
  MQXX_NEEDS(notices);
  Queue queue = make(4);
  const auto is_taken = [&] { return fails_with(Errc::already_registered, [&] { notify_silently(queue); }); };
  notify_silently(queue);
  EXPECT_TRUE(is_taken()) << "also by oneself";
  EXPECT_TRUE(says(sentence_of([&] { notify_silently(queue); }), "notify_silently", queue.name(), "EBUSY"));
  Queue other = Queue::open(at());
  Child stranger([&] { EXPECT_TRUE(fails_with(Errc::already_registered, [&] { notify_silently(other); })); });
  expect_well(stranger);
  cancel_notify(queue);
  cancel_notify(queue);  // nothing to do

  SharedArray<std::atomic<int>> registered(1);
  Child killed([&] {
    notify_silently(other);
    registered[0] = 1;
    for (;;) ::pause();
  });
  wait_until([&] { return registered[0] == 1; });
  EXPECT_TRUE(is_taken());
  cancel_notify(queue);
  EXPECT_TRUE(is_taken()) << "it is another's";
  killed.kill();
  notify_silently(queue);
}

TEST_P(BackendContract, NoticeThatIsSilentTakesThePlaceUntilTheMessageComes) {
  MQXX_NEEDS(notices);
  Queue queue = make(4);
  notify_silently(queue);
  queue.send("1");
  notify_silently(queue);
  queue.close();
  Queue again = Queue::open(at());
  notify_silently(again);  // closing has ended it
}

TEST_P(BackendContract, NoticeByCallIsMadeOnceInAnotherThread) {
  MQXX_NEEDS(notices);
  Queue queue = make(4);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> called{0};
    std::thread::id caller;
    notify_by_call(queue, [&] {
      caller = std::this_thread::get_id();
      ++called;
    });
    EXPECT_TRUE(fails_with(Errc::already_registered, [&] { notify_by_call(queue, [] {}); }));
    EXPECT_EQ(called, 0);
    queue.send("1");
    wait_until([&] { return called == 1; });
    EXPECT_NE(caller, std::this_thread::get_id());
    EXPECT_EQ(drained(queue).size(), 1u);
  }
}

TEST_P(BackendContract, NoticeByCallThatIsCancelledIsNotMade) {
  MQXX_NEEDS(notices);
  Queue queue = make(4);
  std::atomic<int> called{0};
  notify_by_call(queue, [&] { ++called; });
  cancel_notify(queue);
  queue.send("1");
  (void)queue.receive();
  notify_by_call(queue, [&] { ++called; });
  queue.close();
  Queue again = Queue::open(at());
  again.send("2");
  std::this_thread::sleep_for(kMoment);
  EXPECT_EQ(called, 0);
}

// Each message finds the queue empty, so there is one call for each.
TEST_P(BackendContract, NoticeByCallMayRegisterAgain) {
  MQXX_NEEDS(notices);
  Queue queue = make(4, 16);
  Queue sender = Queue::open(at());
  std::atomic<int> taken{0};
  std::function<void()> call = [&] {
    notify_by_call(queue, call);
    taken += static_cast<int>(drained(queue).size());
  };
  notify_by_call(queue, call);
  for (int i = 1; i <= scaled(100); ++i) {
    sender.send("x");
    wait_until([&] { return taken == i; });
  }
  cancel_notify(queue);
}

// Where others may write to the queue the process raises its signal itself, by a thread that waits for the notice.
TEST_P(BackendContract, NoticeBySignalComesAlsoFromAQueueThatOthersMayUse) {
  MQXX_NEEDS(notices);
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = Queue::create(at(), {.capacity = 4, .message_size = 64, .mode = 0666});
  with_signal_blocked([&] {
    for (int round = 0; round < 10; ++round) {
      notify_by_signal(queue, kSignal, 9);
      Child sender([&] { queue.send("1"); });
      EXPECT_EQ(await_signal().si_value.sival_ptr, reinterpret_cast<void*>(9));
      expect_well(sender);
      (void)drained(queue);
    }
    notify_by_signal(queue, kSignal);
    cancel_notify(queue);
    queue.send("2");
    (void)drained(queue);
    EXPECT_FALSE(is_pending());
  });
}

// A storm of signals: each message that comes to the empty queue raises one.
TEST_P(BackendContract, SignalSubscriptionMissesNothingOfAStream) {
  MQXX_NEEDS(notices);
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  const int count = scaled(20'000);
  Queue queue = make(10, 16);
  Child sender([&] {
    for (int i = 0; i < count; ++i) queue.send("x");
  });
  with_signal_blocked([&] {
    SignalSubscription subscription(queue, kSignal);
    int taken = 0;
    for (const Message& message : subscription.messages()) taken += message.size() == 1 ? 1 : 0;
    while (taken < count) {
      (void)await_signal();
      for (const Message& message : subscription.messages()) taken += message.size() == 1 ? 1 : 0;
    }
    EXPECT_EQ(taken, count);
  });
  expect_well(sender);
  notify_silently(queue);
}

TEST_P(BackendContract, NoticeBySignalNeedsASignal) {
  MQXX_NEEDS(notices);
  Queue queue = make(4);
  for (const int none : {0, -1, SIGRTMAX + 1}) {
    EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { notify_by_signal(queue, none); }));
    EXPECT_TRUE(says(sentence_of([&] { notify_by_signal(queue, none); }), "notify_by_signal", std::to_string(none)));
  }
  Queue closed;
  EXPECT_TRUE(fails_with(Errc::closed, [&] { notify_silently(closed); }));
}

TEST_P(BackendContract, NoticeOfAParentIsNoneOfItsChild) {
  MQXX_NEEDS(notices);
  Queue queue = make(4);
  notify_silently(queue);
  Child child([&] {
    cancel_notify(queue);
    EXPECT_TRUE(fails_with(Errc::already_registered, [&] { notify_silently(queue); }));
  });
  expect_well(child);
  EXPECT_TRUE(fails_with(Errc::already_registered, [&] { notify_silently(queue); }));
}

}  // namespace
}  // namespace mqxx::test
