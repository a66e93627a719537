// on_message: called whenever there are messages, none missed, in one process and in several; how it ends, and what an
// exception does.
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <mqxx/notification.hpp>

#include "contract/backend_contract.hpp"
#include "support/child.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

/// Under the thread sanitizer a child of a process with threads, as a watchdog is one, cannot have any.
/// What a subscription has been told, for a test to wait for.
class Told {
 public:
  void add(int count = 1) {
    const std::scoped_lock lock(mutex_);
    count_ += count;
    changed_.notify_all();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }
  int count() {
    const std::scoped_lock lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

/// A callback that takes all there is.
std::function<void(Queue&)> taking_all(Told& taken) {
  return [&taken](Queue& queue) { taken.add(static_cast<int>(drained(queue).size())); };
}

#define MQXX_NEEDS_SUBSCRIPTIONS()              \
  if (fails_with(Errc::unsupported, [this] {    \
        Queue probe = make(1, 64, "probe");     \
        (void)on_message(probe, [](Queue&) {}); \
      }))                                       \
  GTEST_SKIP() << "nothing here tells edges: docs/porting.md"

TEST_P(BackendContract, SubscriberIsCalledForWhatIsThereAndForWhatComes) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(4);
  queue.send("1");
  queue.send("2");
  Told taken;
  Subscription subscription = on_message(queue, taking_all(taken));
  EXPECT_TRUE(subscription.is_active());
  taken.wait_for(2);
  for (int i = 3; i < 30; ++i) {
    queue.send("next");
    taken.wait_for(i);
  }
  subscription.cancel();
  EXPECT_FALSE(subscription.is_active());
  queue.send("nobody is told");
  std::this_thread::sleep_for(kMoment);
  EXPECT_EQ(taken.count(), 29);
}

TEST_P(BackendContract, SubscriberThatTakesOneAtATimeIsCalledUntilNoneIsLeft) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(10);
  send_numbers(queue, 5);
  Told taken;
  std::string order;
  const Subscription subscription = on_message(queue, [&](Queue& own) {
    if (const std::optional<Message> message = own.try_receive()) {
      order += text_of(*message);
      taken.add();
    }
  });
  taken.wait_for(5);
  queue.send("5");
  taken.wait_for(6);
  EXPECT_EQ(order, "012345");
}

TEST_P(BackendContract, SubscriberThatTakesNothingIsCalledWithTheNextMessageAndNotBusily) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(10);
  Told called;
  const Subscription subscription = on_message(queue, [&](Queue&) { called.add(); });
  for (int i = 1; i <= 5; ++i) {
    const int before = called.count();
    queue.send("left");
    called.wait_for(before + 1);
  }
  std::this_thread::sleep_for(kMoment);
  const int settled = called.count();
  std::this_thread::sleep_for(2 * kMoment);
  EXPECT_EQ(called.count(), settled) << "nothing has changed";
  EXPECT_EQ(drained(queue).size(), 5u);
}

TEST_P(BackendContract, SubscriberMissesNothingOfAStream) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  const int count = kSlowdown > 1 ? 5'000 : home().name == "Shm" ? 100'000 : 20'000;
  Queue queue = make(10, 16);
  Told taken;
  const Subscription subscription = on_message(queue, taking_all(taken));
  Child sender([&] {
    for (int i = 0; i < count; ++i) queue.send("x");
  });
  taken.wait_for(count);
  expect_well(sender);
  EXPECT_EQ(taken.count(), count);
}

// One message, which nobody takes until all have been told.
TEST_P(BackendContract, SubscribersInSeveralProcessesAreAllTold) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  constexpr int kProcesses = 3;
  Queue queue = make(1);
  SharedArray<std::atomic<int>> told(kProcesses + 1);
  std::vector<Child> processes;
  for (std::size_t i = 0; i < kProcesses; ++i) {
    processes.emplace_back([&, i] {
      Queue own = Queue::open(at());
      const Subscription subscription = on_message(own, [&](Queue&) { ++told[i]; });
      ++told[kProcesses];
      wait_until([&] { return told[kProcesses] == -1; });
    });
  }
  wait_until([&] { return told[kProcesses] == kProcesses; });
  queue.send(filler_);
  wait_until([&] { return told[0] > 0 && told[1] > 0 && told[2] > 0; });
  EXPECT_EQ(queue.receive().text(), filler_);
  told[kProcesses] = -1;
  for (Child& process : processes) expect_well(process);
}

TEST_P(BackendContract, SubscribersOfOneHandleAndOfAnotherAreAllTold) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(4);
  Queue other = Queue::open(at());
  Told first;
  Told second;
  Told third;
  const Subscription one = on_message(queue, [&](Queue&) { first.add(); });
  const Subscription two = on_message(queue, [&](Queue&) { second.add(); });
  const Subscription three = on_message(other, [&](Queue&) { third.add(); });
  queue.send("left");
  first.wait_for(1);
  second.wait_for(1);
  third.wait_for(1);
  Told late;
  const Subscription four = on_message(queue, [&](Queue&) { late.add(); });
  late.wait_for(1);
  (void)queue.receive();
}

TEST_P(BackendContract, SubscriberMayCancelItselfAndOthersAndSubscribeMore) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(4);
  Queue other = make(4, 64, "other");
  Told called;
  Told more;
  Subscription third;
  Subscription second = on_message(other, [&](Queue&) { called.add(100); });
  Subscription first;
  std::mutex assigning;  // the message that calls back is sent later, but who looks at memory alone cannot know
  std::unique_lock assigned(assigning);
  first = on_message(queue, [&](Queue& own) {
    const std::scoped_lock lock(assigning);
    (void)own.receive();
    second.cancel();
    third = on_message(other, taking_all(more));
    first.cancel();
    EXPECT_FALSE(first.is_active());
    called.add();
  });
  assigned.unlock();
  queue.send("go");
  called.wait_for(1);
  queue.send("not told");
  other.send("to the third");
  more.wait_for(1);
  EXPECT_EQ(called.count(), 1);
}

TEST_P(BackendContract, SubscriptionThatIsCancelledFromOutsideWaitsForItsCallbackAndNoOther) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(4);
  Queue other = make(4, 64, "other");
  std::atomic<bool> inside{false};
  std::atomic<bool> left{false};
  Subscription idle = on_message(other, [](Queue&) {});
  Subscription subscription = on_message(queue, [&](Queue& own) {
    inside = true;
    std::this_thread::sleep_for(kMoment);
    (void)own.try_receive();
    left = true;
  });
  queue.send("go");
  wait_until([&] { return inside.load(); });
  idle.cancel();
  subscription.cancel();
  EXPECT_TRUE(left);
}

TEST_P(BackendContract, SubscriptionsComeAndGoWhileMessagesDo) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(4, 16);
  std::atomic<bool> done{false};
  std::atomic<int> received{0};
  int sent = 0;
  std::thread sender([&] {
    while (!done) sent += queue.try_send("x") ? 1 : 0;
  });
  std::vector<std::thread> subscribers;
  for (int i = 0; i < 3; ++i) {
    subscribers.emplace_back([&] {
      for (int round = 0; round < scaled(60); ++round) {
        std::atomic<bool> gone{false};
        Subscription subscription = on_message(queue, [&](Queue& own) {
          EXPECT_FALSE(gone);
          received += static_cast<int>(drained(own).size());
        });
        if (round % 3 == 0) std::this_thread::yield();
        subscription.cancel();
        gone = true;
      }
    });
  }
  for (std::thread& subscriber : subscribers) subscriber.join();
  done = true;
  sender.join();
  received += static_cast<int>(drained(queue).size());
  EXPECT_EQ(received, sent);
}

TEST_P(BackendContract, SubscriberThatThrowsEndsAndItsErrorIsTold) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(4);
  Told told;
  Told others;
  std::string what;
  const Subscription survivor = on_message(queue, [&](Queue&) { others.add(); });
  Subscription subscription = on_message(
      queue, [](Queue&) { throw std::runtime_error("not today"); },
      [&](const std::exception_ptr& error) {
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& thrown) {
          what = thrown.what();
        }
        told.add();
      });
  queue.send("go");
  told.wait_for(1);
  wait_until([&] { return !subscription.is_active(); });
  EXPECT_EQ(what, "not today");
  const int before = others.count();
  queue.send("on");
  others.wait_for(before + 1);
  EXPECT_EQ(told.count(), 1);
}

TEST_P(BackendContract, SubscriberThatThrowsAndTellsNobodyEndsTheProgram) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = make(4);
  Child child([&] {
    std::signal(SIGABRT, [](int) { ::_exit(3); });
    const Subscription subscription = on_message(queue, [](Queue&) { throw std::runtime_error("not today"); });
    queue.send("go");
    for (;;) ::pause();
  });
  EXPECT_EQ(child.join().exit_status, 3);
}

TEST_P(BackendContract, SubscriberOfAQueueThatIsRemovedIsToldWhyItEnds) {
  if (can().lives_on) return;
  Queue queue = make(4);
  Told told;
  std::error_code code;
  const Subscription subscription = on_message(
      queue, [](Queue&) {},
      [&](const std::exception_ptr& error) {
        try {
          std::rethrow_exception(error);
        } catch (const Error& thrown) {
          code = thrown.code();
          EXPECT_TRUE(says(thrown.what(), "on_message", "EIDRM"));
        }
        told.add();
      });
  queue.unlink();
  told.wait_for(1);
  EXPECT_EQ(code, Errc::queue_removed);
}

TEST_P(BackendContract, SubscriptionKeepsTheQueueOpenAndIsNoRegistration) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  Queue queue = make(4);
  Queue sender = Queue::open(at());
  Told taken;
  Subscription subscription = on_message(queue, taking_all(taken));
  queue.close();
  sender.send("x");
  taken.wait_for(1);
  if (home().can.notices) {
    notify_silently(sender);
    sender.send("y");
    taken.wait_for(2);
    notify_silently(sender);  // the place was free, and is again
  }
}

TEST_P(BackendContract, SubscribingIsRefusedToWhoMayNotReceive) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  (void)make(4);
  Queue writer = Queue::open(at(), {.access = Access::write_only});
  EXPECT_TRUE(fails_with(Errc::not_readable, [&] { (void)on_message(writer, [](Queue&) {}); }));
  Queue none;
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)on_message(none, [](Queue&) {}); }));
  Queue reader = Queue::open(at(), {.access = Access::read_only});
  EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { (void)on_message(reader, nullptr); })) << "no callback";
}

TEST_P(BackendContract, SubscriptionIsNothingInTheChildOfAForkWhichMayHaveItsOwn) {
  MQXX_NEEDS_SUBSCRIPTIONS();
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = make(4);
  Queue other = make(4, 64, "other");
  Told taken;
  Subscription subscription = on_message(queue, taking_all(taken));
  Child child([&] {
    EXPECT_FALSE(subscription.is_active());
    subscription.cancel();
    Told own;
    const Subscription mine = on_message(other, taking_all(own));
    other.send("x");
    own.wait_for(1);
  });
  expect_well(child);
  queue.send("x");
  taken.wait_for(1);
}

}  // namespace
}  // namespace mqxx::test
