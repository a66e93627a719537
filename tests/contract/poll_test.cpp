// The descriptor to poll: what readiness means, level and edge triggered, for one process and for many, after fork.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "contract/backend_contract.hpp"
#include "support/child.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

/// POLLIN, POLLOUT, both or neither.
int polled(int descriptor) {
  pollfd one{descriptor, POLLIN | POLLOUT, 0};
  EXPECT_GE(::poll(&one, 1, 0), 0);
  return one.revents;
}

/// As long as it takes: what other processes do may show late.
void await(int descriptor, short events) {
  pollfd one{descriptor, events, 0};
  EXPECT_EQ(::poll(&one, 1, -1), 1);
  EXPECT_EQ(one.revents & ~events, 0);
}
void await_state(int descriptor, int events) {
  wait_until([&] { return polled(descriptor) == events; });
}

/// All homes but the kernel's have a thread for those who poll.
bool may_poll_in_a_child(const Home& home) { return kThreadsInChildren || home.name == "Kernel"; }

/// Told of edges of one queue.
class EdgePoller {
 public:
  explicit EdgePoller(const Queue& queue, std::uint32_t events) {
    epoll_event event{};
    event.events = events | EPOLLET;
    EXPECT_EQ(::epoll_ctl(instance_, EPOLL_CTL_ADD, queue.native_handle(), &event), 0);
  }
  EdgePoller(const EdgePoller&) = delete;
  EdgePoller& operator=(const EdgePoller&) = delete;
  ~EdgePoller() { ::close(instance_); }

  void await() const {
    epoll_event event{};
    EXPECT_EQ(::epoll_wait(instance_, &event, 1, -1), 1);
  }
  [[nodiscard]] bool told() const {
    epoll_event event{};
    return ::epoll_wait(instance_, &event, 1, 0) == 1;
  }

 private:
  int instance_ = ::epoll_create1(EPOLL_CLOEXEC);
};

// ---- One process

TEST_P(BackendContract, PollSaysReadableWhileThereIsAMessageAndWritableWhileThereIsRoom) {
  Queue queue = make(1);
  const int descriptor = queue.native_handle();
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(polled(descriptor), POLLOUT);
    queue.send(filler_);
    ASSERT_EQ(polled(descriptor), POLLIN) << "full";
    ASSERT_EQ(polled(descriptor), POLLIN) << "until it is taken";
    (void)queue.receive();
  }
}

TEST_P(BackendContract, PollSaysBothBetweenEmptyAndFull) {
  MQXX_NEEDS(exact_sizes);
  Queue queue = make(3);
  const int descriptor = queue.native_handle();
  queue.send(filler_);
  EXPECT_EQ(polled(descriptor), POLLIN | POLLOUT);
  queue.send(filler_);
  EXPECT_EQ(polled(descriptor), POLLIN | POLLOUT);
  queue.send(filler_);
  EXPECT_EQ(polled(descriptor), POLLIN);
  (void)queue.receive();
  EXPECT_EQ(polled(descriptor), POLLIN | POLLOUT);
  EXPECT_EQ(drained(queue).size(), 2u);
  EXPECT_EQ(polled(descriptor), POLLOUT);
}

TEST_P(BackendContract, PollSaysWhatIsThereFromTheFirstTimeThatItIsAskedFor) {
  Queue queue = make(1);
  queue.send(filler_);
  EXPECT_EQ(polled(queue.native_handle()), POLLIN);
}

TEST_P(BackendContract, PollFollowsBatchesAndLoans) {
  Queue queue = make(1);
  const int descriptor = queue.native_handle();
  const std::vector<Outgoing> batch{{Payload(filler_)}};
  EXPECT_EQ(queue.send_batch(batch), 1u);
  EXPECT_EQ(polled(descriptor), POLLIN);
  ReceiveLoan taken = queue.receive_loan();
  EXPECT_EQ(polled(descriptor) & POLLIN, 0) << "on loan it is nobody else's";
  taken.put_back();
  EXPECT_EQ(polled(descriptor), POLLIN);
  std::vector<std::byte> buffer = buffer_for(queue);
  Incoming room{buffer};
  EXPECT_EQ(queue.receive_batch({&room, 1}), 1u);
  EXPECT_EQ(polled(descriptor), POLLOUT);
  SendLoan given = queue.loan(filler_.size());
  given.send();
  EXPECT_EQ(polled(descriptor), POLLIN);
}

TEST_P(BackendContract, PollAMessageWithoutBytesIsAMessage) {
  Queue queue = make(4);
  const int descriptor = queue.native_handle();
  queue.send("");
  EXPECT_NE(polled(descriptor) & POLLIN, 0);
  EXPECT_EQ(queue.receive().size(), 0u);
  EXPECT_EQ(polled(descriptor), POLLOUT);
}

TEST_P(BackendContract, PollIsTheSameForAQueueThatDoesNotWait) {
  Queue queue = make(1);
  const int descriptor = queue.native_handle();
  queue.set_nonblocking(true);
  EXPECT_EQ(polled(descriptor), POLLOUT);
  queue.send(filler_);
  EXPECT_EQ(polled(descriptor), POLLIN);
  (void)queue.receive();
  queue.set_nonblocking(false);
  EXPECT_EQ(polled(descriptor), POLLOUT);
  Queue other = Queue::open(at(), {.nonblocking = true});
  other.send(filler_);
  await(other.native_handle(), POLLIN);
  await(descriptor, POLLIN);
}

TEST_P(BackendContract, PollIsOneDescriptorForAllHandlesOfADescriptionAndEndsWithThem) {
  Queue queue = make();
  Queue duplicate = queue.duplicate();
  const int descriptor = queue.native_handle();
  EXPECT_EQ(queue.native_handle(), descriptor);
  EXPECT_EQ(duplicate.native_handle(), descriptor);
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), FD_CLOEXEC);
  queue.close();
  duplicate.send("x");
  EXPECT_NE(polled(descriptor) & POLLIN, 0);
  duplicate.close();
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

TEST_P(BackendContract, PollManyThreadsThatAskForItAtOnceGetTheSameDescriptor) {
  for (int round = 0; round < 10; ++round) {
    Queue queue = Queue::open_or_create(at(), {.capacity = 1, .message_size = 64});
    std::atomic<int> first{-1};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        int none = -1;
        const int descriptor = queue.native_handle();
        if (!first.compare_exchange_strong(none, descriptor)) {
          EXPECT_EQ(descriptor, first);
        }
      });
    }
    threads.clear();
    queue.send("x");
    EXPECT_NE(polled(first) & POLLIN, 0);
    (void)queue.receive();
  }
}

TEST_P(BackendContract, PollGoesOnWhenTheNameIsRemoved) {
  MQXX_NEEDS(lives_on);
  Queue queue = make(1);
  const int descriptor = queue.native_handle();
  queue.unlink();
  queue.send(filler_);
  EXPECT_EQ(polled(descriptor), POLLIN);
  (void)queue.receive();
  EXPECT_EQ(polled(descriptor), POLLOUT);
}

TEST_P(BackendContract, PollCanBeginWhenTheNameIsGone) {
  MQXX_NEEDS(lives_on);
  Queue queue = make(1);
  queue.send(filler_);
  queue.unlink();
  EXPECT_EQ(polled(queue.native_handle()), POLLIN);
  (void)queue.receive();
  EXPECT_EQ(polled(queue.native_handle()), POLLOUT);
}

// ---- Edges

TEST_P(BackendContract, PollForEdgesWhoDrainsIsToldOfWhatComesNextAndNotOfWhatHeTook) {
  Queue queue = make(4);
  const EdgePoller poller(queue, EPOLLIN);
  EXPECT_FALSE(poller.told());
  for (int round = 0; round < 50; ++round) {
    queue.send("1");
    queue.send("2");
    ASSERT_TRUE(poller.told());
    ASSERT_FALSE(poller.told()) << "once";
    ASSERT_EQ(drained(queue).size(), 2u);
    ASSERT_FALSE(poller.told());
  }
}

TEST_P(BackendContract, PollForEdgesWhoFillsTheQueueIsToldOfRoom) {
  Queue queue = make(1);
  const EdgePoller poller(queue, EPOLLOUT);
  EXPECT_TRUE(poller.told()) << "there is room";
  for (int round = 0; round < 50; ++round) {
    queue.send(filler_);
    ASSERT_FALSE(queue.try_send(filler_));
    ASSERT_FALSE(poller.told());
    (void)queue.receive();
    ASSERT_TRUE(poller.told());
  }
}

// Another process takes as well, so that most times nothing is left for the receive that follows; and then not any
// more, so that who misses an edge hangs.
TEST_P(BackendContract, PollForEdgesNothingIsMissedWhileOthersSendAndReceive) {
  const int count = scaled(3000);
  Queue queue = make(4, 16);
  SharedArray<std::atomic<int>> taken(1);
  const EdgePoller poller(queue, EPOLLIN);
  Child sender([&] {
    for (int i = 0; i < count; ++i) queue.send("x");
  });
  Child taker([&] {
    while (taken[0] < count / 2) taken[0] += queue.receive_for(1ms) ? 1 : 0;
  });
  while (taken[0] < count) {
    poller.await();
    taken[0] += static_cast<int>(drained(queue).size());
  }
  expect_well(sender);
  expect_well(taker);
  EXPECT_EQ(taken[0], count);
}

// ---- Several processes

TEST_P(BackendContract, PollShowsWhatAnotherProcessDoes) {
  Queue queue = make(1);
  Queue turns = Queue::create(at("turns"), {.capacity = 1, .message_size = 4});
  Child child([&] {
    for (int i = 0; i < 20; ++i) {
      (void)turns.receive();
      queue.send(filler_);
      (void)turns.receive();
      (void)queue.receive();
    }
  });
  const int descriptor = queue.native_handle();
  for (int i = 0; i < 20; ++i) {
    await_state(descriptor, POLLOUT);
    turns.send("go");
    await_state(descriptor, POLLIN);
    turns.send("go");
  }
  expect_well(child);
}

TEST_P(BackendContract, PollReceiversThatCompeteGetEachMessageOnceAndNobodyHangs) {
  if (!may_poll_in_a_child(home())) GTEST_SKIP() << "a forked child may start no threads here";
  constexpr int kReceivers = 3;
  const int count = scaled(1500);
  Queue queue = make(4, 16);
  SharedArray<std::atomic<int>> times(static_cast<std::size_t>(count));
  std::vector<Child> receivers;
  for (int i = 0; i < kReceivers; ++i) {
    receivers.emplace_back([&] {
      Queue own = Queue::open(at());
      const int descriptor = own.native_handle();
      for (;;) {
        await(descriptor, POLLIN);
        const std::optional<Message> message = own.try_receive();
        if (message && message->text() == "end") return;
        if (message) ++times[std::stoul(text_of(*message))];
      }
    });
  }
  send_numbers(queue, static_cast<std::size_t>(count));
  for (int i = 0; i < kReceivers; ++i) queue.send("end");
  for (Child& receiver : receivers) expect_well(receiver);
  for (int i = 0; i < count; ++i) ASSERT_EQ(times[static_cast<std::size_t>(i)], 1) << i;
}

TEST_P(BackendContract, PollAChildOfForkPollsWhenItAsksAnewAndTheParentGoesOn) {
  if (!may_poll_in_a_child(home())) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = make(1);
  const int descriptor = queue.native_handle();
  Child child([&] {
    const int own = queue.native_handle();
    EXPECT_EQ(polled(own), POLLOUT);
    queue.send(filler_);
    EXPECT_EQ(polled(own), POLLIN);
    EXPECT_EQ(queue.native_handle(), own);
    (void)queue.receive();
    EXPECT_EQ(polled(own), POLLOUT);
    queue.close();
  });
  expect_well(child);
  Child closer([&] { queue.close(); });
  expect_well(closer);
  queue.send(filler_);
  EXPECT_EQ(polled(descriptor), POLLIN);
  Child taker([&] { (void)queue.receive(); });
  expect_well(taker);
  await_state(descriptor, POLLOUT);
}

TEST_P(BackendContract, PollAChildOfForkPollsOnWhenItsParentHasDied) {
  if (!may_poll_in_a_child(home())) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = make(1);
  Queue back = Queue::create(at("back"), {.capacity = 1, .message_size = 8});
  Child parent([&] {
    (void)queue.native_handle();
    if (::fork() == 0) {
      constexpr int kPatience = 60;
      ::alarm(kPatience);  // nobody's child when its parent is dead
      const int own = queue.native_handle();
      back.send("ready");
      await(own, POLLIN);
      back.send("seen");
      ::_exit(0);
    }
    (void)::pause();
  });
  EXPECT_EQ(back.receive().text(), "ready");
  parent.kill();
  queue.send(filler_);
  EXPECT_EQ(back.receive().text(), "seen");
}

}  // namespace
}  // namespace mqxx::test
