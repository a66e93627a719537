// Who wants to be told: the doorbell says at every moment what the queue is while somebody polls, and one registered
// process hears of the first message. W1 and W2 (shm/watch.cpp) are checked after every call.
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/doorbell.hpp"
#include "os/process.hpp"
#include "shm/check.hpp"
#include "shm/permissions.hpp"
#include "shm/queue.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/seed.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"
#include "unit/port.hpp"

namespace mqxx::shm {
namespace {

using os::Bell;

std::unique_ptr<Queue> attached() { return std::move(*Queue::join(std::move(*attach("/q")))); }

Result<void> send(Queue& queue, std::size_t size = 8, Priority priority = 0) {
  const std::vector<std::byte> bytes(size);
  return queue.send(bytes, priority, Wait::none());
}

Result<void> receive(Queue& queue) {
  std::vector<std::byte> buffer(queue.geometry().message_size);
  Received received;
  return queue.receive(buffer, Wait::none(), received);
}

std::size_t send_batch(Queue& queue, std::size_t count, std::size_t size = 8) {
  const std::vector<std::byte> bytes(size);
  std::vector<Outgoing> batch(count, Outgoing{Payload(std::span<const std::byte>(bytes)), 0});
  const Result<std::size_t> sent = queue.send_batch(batch, Wait::none());
  return sent ? *sent : 0;
}

std::size_t receive_batch(Queue& queue, std::size_t count) {
  const std::size_t size = queue.geometry().message_size;
  std::vector<std::byte> buffer(count * size);
  std::vector<Incoming> room(count);
  for (std::size_t i = 0; i < count; ++i) room[i].buffer = std::span(buffer).subspan(i * size, size);
  const Result<std::size_t> got = queue.receive_batch(room, Wait::none());
  return got ? *got : 0;
}

std::string broken(Queue& queue) {
  std::string text;
  const auto findings = check(queue);
  for (const Broken& finding : *findings) text += std::string(finding.invariant) + ": " + finding.text + '\n';
  return text;
}

/// A child that has done what `body` says and waits; killed with this.
test::Child child_that(const std::function<void(Queue&)>& body) {
  int ready[2];
  EXPECT_EQ(pipe(ready), 0);
  test::Child child([&] {
    const auto own = attached();
    body(*own);
    EXPECT_EQ(write(ready[1], "x", 1), 1);
    for (;;) pause();
  });
  char byte = 0;
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);
  return child;
}

class WatchTest : public testing::Test {
 protected:
  /// Of a new queue, with a descriptor of the doorbell that is nobody's.
  void make(std::uint64_t capacity, std::uint64_t message_size) {
    (void)remove("/q");
    queue_ = std::move(*Queue::join(std::move(*publish({"/q", capacity, message_size, 0600}))));
    bell_ = std::move(*os::open_doorbell(queue_->segment().place().bell(), os::Blocking::no, geteuid()));
  }

  [[nodiscard]] Bell bell() const { return os::bell_state(bell_.get()); }
  [[nodiscard]] const Watch& watch() const { return queue_->segment().header().watch; }
  [[nodiscard]] std::uint32_t watched() const { return queue_->segment().header().common.watched.get(); }

  test::Watchdog watchdog_{std::chrono::seconds(50)};
  test::PrivateDirectory directory_;
  std::unique_ptr<Queue> queue_;
  UniqueFd bell_;
};

// ---- The doorbell

/// By whom the calls are made while the queue is polled: by the poller itself, or through another handle.
class BellWhilePolled : public WatchTest, public testing::WithParamInterface<bool> {
 protected:
  void make_polled(std::uint64_t capacity, std::uint64_t message_size) {
    make(capacity, message_size);
    poller_ = attached();
    ASSERT_TRUE((GetParam() ? *queue_ : *poller_).begin_poll(Edges::no));
    ASSERT_EQ(bell(), Bell::empty);
  }
  void expect(Bell expected, const char* after) {
    EXPECT_EQ(bell(), expected) << after;
    EXPECT_EQ(broken(*queue_), "") << after;
  }

  std::unique_ptr<Queue> poller_;
};

TEST_P(BellWhilePolled, IsRightAfterSendsAndReceives) {
  make_polled(2, 64);
  ASSERT_TRUE(send(*queue_));
  expect(Bell::some, "one of two");
  ASSERT_TRUE(send(*queue_, 8, 5));
  expect(Bell::full, "filled");
  EXPECT_TRUE(send(*queue_).is(Errc::would_block));
  expect(Bell::full, "a send that failed");
  ASSERT_TRUE(receive(*queue_));
  expect(Bell::some, "a receive");
  ASSERT_TRUE(receive(*queue_));
  expect(Bell::empty, "emptied");
  EXPECT_TRUE(receive(*queue_).is(Errc::would_block));
  expect(Bell::empty, "a receive that failed");
}

TEST_P(BellWhilePolled, IsRightForAQueueOfOne) {
  make_polled(1, 8);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(send(*queue_));
    expect(Bell::full, "sent");
    ASSERT_TRUE(receive(*queue_));
    expect(Bell::empty, "received");
  }
}

TEST_P(BellWhilePolled, IsRightAfterBatches) {
  make_polled(4, 64);
  ASSERT_EQ(send_batch(*queue_, 3), 3U);
  expect(Bell::some, "three of four");
  ASSERT_EQ(send_batch(*queue_, 3), 1U);
  expect(Bell::full, "filled by a part of a batch");
  ASSERT_EQ(send_batch(*queue_, 3), 0U);
  expect(Bell::full, "a batch that did not fit");
  ASSERT_EQ(receive_batch(*queue_, 2), 2U);
  expect(Bell::some, "two left");
  ASSERT_EQ(receive_batch(*queue_, 9), 2U);
  expect(Bell::empty, "emptied by a part of a batch");
}

TEST_P(BellWhilePolled, IsRightWhileSlotsAreOnLoanToSenders) {
  make_polled(2, 64);
  const Result<Loan> first = queue_->loan(8, Wait::none());
  ASSERT_TRUE(first);
  expect(Bell::empty, "a loan is no message");
  const Result<Loan> second = queue_->loan(8, Wait::none());
  ASSERT_TRUE(second);
  expect(Bell::empty, "all on loan: nothing to read, and nothing fits");
  ASSERT_TRUE(queue_->send_loan(first->slot, 8, 1));
  expect(Bell::full, "a message, and no slot");
  ASSERT_TRUE(queue_->drop_loan(second->slot));
  expect(Bell::some, "the slot is free again");
  EXPECT_TRUE(queue_->drop_loan(second->slot).is(Errc::closed));
  expect(Bell::some, "dropped twice");
}

TEST_P(BellWhilePolled, IsRightWhileMessagesAreOnLoanToReceivers) {
  make_polled(2, 64);
  ASSERT_EQ(send_batch(*queue_, 2), 2U);
  Result<Loan> loan = queue_->receive_loan(Wait::none());
  ASSERT_TRUE(loan);
  expect(Bell::full, "one waits, and the slot of the other is not free yet");
  ASSERT_TRUE(queue_->release_loan(loan->slot));
  expect(Bell::some, "released");
  loan = queue_->receive_loan(Wait::none());
  ASSERT_TRUE(loan);
  expect(Bell::empty, "taken, the last");
  ASSERT_TRUE(queue_->put_back_loan(loan->slot));
  expect(Bell::some, "put back");
  EXPECT_TRUE(queue_->put_back_loan(loan->slot).is(Errc::closed));
  expect(Bell::some, "put back twice");
}

TEST_P(BellWhilePolled, IsRightForLargeMessages) {
  make_polled(2, 20'000);
  ASSERT_TRUE(send(*queue_, 20'000));
  expect(Bell::some, "sent");
  ASSERT_EQ(send_batch(*queue_, 2, 10'000), 1U);
  expect(Bell::full, "filled by a batch");
  ASSERT_TRUE(receive(*queue_));
  expect(Bell::some, "received");
  ASSERT_EQ(receive_batch(*queue_, 2), 1U);
  expect(Bell::empty, "emptied by a batch");
}

TEST_P(BellWhilePolled, IsRightAfterAnyCallsInAnyOrder) {
  test::Random random(test::fresh_seed());
  make_polled(20, 5000);  // more slots than the ring has room for
  std::vector<std::uint32_t> writing;
  std::vector<std::uint32_t> reading;
  std::size_t queued = 0;
  const auto any = [&](std::vector<std::uint32_t>& from) {
    const std::size_t at = random.below(from.size());
    std::swap(from[at], from.back());
    const std::uint32_t slot = from.back();
    from.pop_back();
    return slot;
  };
  for (int i = 0; i < test::scaled(6000); ++i) {
    const std::size_t size = random.one_in(4) ? 5000 : 8;
    switch (random.below(9)) {
      case 0:
      case 1: queued += send(*queue_, size, static_cast<Priority>(random.below(3))) ? 1 : 0; break;
      case 2:
      case 3: queued -= receive(*queue_) ? 1 : 0; break;
      case 4: queued += send_batch(*queue_, random.below(25), size); break;
      case 5: queued -= receive_batch(*queue_, random.below(25)); break;
      case 6:
        if (const Result<Loan> loan = queue_->loan(size, Wait::none())) writing.push_back(loan->slot);
        break;
      case 7:
        if (const Result<Loan> loan = queue_->receive_loan(Wait::none())) {
          reading.push_back(loan->slot);
          --queued;
        }
        break;
      default:
        if (!writing.empty() && random.one_in(2)) {
          ASSERT_TRUE(queue_->drop_loan(any(writing)));
        } else if (!writing.empty()) {
          ASSERT_TRUE(queue_->send_loan(any(writing), 8, 0));
          ++queued;
        } else if (!reading.empty() && random.one_in(2)) {
          ASSERT_TRUE(queue_->release_loan(any(reading)));
        } else if (!reading.empty()) {
          ASSERT_TRUE(queue_->put_back_loan(any(reading)));
          ++queued;
        }
    }
    const bool room = queued + writing.size() + reading.size() < 20;
    const Bell expected = queued == 0 ? Bell::empty : room ? Bell::some : Bell::full;
    ASSERT_EQ(bell(), expected) << "after call " << i;
    const Readiness ready = queue_->readiness();
    ASSERT_EQ(ready.readable, queued != 0) << "after call " << i;
    ASSERT_EQ(ready.writable, room) << "after call " << i;
  }
  EXPECT_EQ(broken(*queue_), "");
}

INSTANTIATE_TEST_SUITE_P(Shm, BellWhilePolled, testing::Bool(),
                         [](const auto& param) { return param.param ? "ThePollerCalls" : "AnotherCalls"; });

TEST_F(WatchTest, NobodyTouchesTheBellWhileNobodyPolls) {
  make(3, 64);
  const auto written = [this] {
    struct stat status {};
    EXPECT_EQ(stat(queue_->segment().place().bell().c_str(), &status), 0);
    return status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  };
  const auto use = [this] {
    ASSERT_EQ(send_batch(*queue_, 9), 2U);
    ASSERT_TRUE(receive(*queue_));
    const Result<Loan> loan = queue_->receive_loan(Wait::none());
    ASSERT_TRUE(loan && queue_->put_back_loan(loan->slot));
    ASSERT_TRUE(receive(*queue_));
  };
  const auto expect_silence = [&](const char* when) {
    const Bell before = bell();
    const auto last = written();
    const std::uint32_t calls = watch().calls.get();
    std::this_thread::sleep_for(test::kMoment);  // longer than the clock of the file system is coarse
    use();
    EXPECT_EQ(bell(), before) << when;
    EXPECT_EQ(written(), last) << when;
    EXPECT_EQ(watch().calls.get(), calls) << when;
  };
  ASSERT_TRUE(send(*queue_));  // stays, so that the registration below stays
  expect_silence("nobody ever polled");
  ASSERT_TRUE(queue_->begin_poll(Edges::yes));
  queue_->end_poll(Edges::yes);
  expect_silence("nobody polls any more");
  ASSERT_TRUE(queue_->register_notice({Notice::silent, 0, 0}));
  expect_silence("a registration needs no doorbell");
  EXPECT_TRUE(queue_->notice_is_ours());
}

TEST_F(WatchTest, MessageThatComesWhileTheBellIsRightAlreadyDoesNotRing) {
  make(8, 64);
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  ASSERT_TRUE(send(*queue_));
  const auto written = [this] { return *os::facts(queue_->bell()); };
  const std::int64_t last = written().changed_ns;
  std::this_thread::sleep_for(test::kMoment);  // longer than the clock of the file system is coarse
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(send(*queue_));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(receive(*queue_));
  EXPECT_EQ(written().changed_ns, last);
}

TEST_F(WatchTest, FirstPollerFindsTheBellRightWhateverHappenedBefore) {
  make(2, 64);
  ASSERT_TRUE(send(*queue_));
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  EXPECT_EQ(bell(), Bell::some);
  queue_->end_poll(Edges::no);
  ASSERT_TRUE(send(*queue_));
  EXPECT_EQ(bell(), Bell::some) << "nobody polls";
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  EXPECT_EQ(bell(), Bell::full);
  queue_->end_poll(Edges::no);

  // Everybody closes the bell, which forgets; what the header says of it is then wrong.
  bell_.reset();
  queue_ = nullptr;
  queue_ = attached();
  bell_ = std::move(*os::open_doorbell(queue_->segment().place().bell(), os::Blocking::no, geteuid()));
  EXPECT_EQ(bell(), Bell::empty);
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  EXPECT_EQ(bell(), Bell::full);
}

TEST_F(WatchTest, PollerAfterOneThatDiedFindsTheBellRight) {
  make(4, 64);
  bell_.reset();
  test::Child poller = child_that([](Queue& queue) {
    EXPECT_TRUE(queue.begin_poll(Edges::no));
    EXPECT_TRUE(send(queue));
  });
  poller.kill();  // with the last descriptor of the bell, which forgets; its poll is counted still
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  EXPECT_EQ(os::bell_state(queue_->bell()), Bell::some);
  EXPECT_EQ(broken(*queue_), "");
}

TEST_F(WatchTest, PollsAreCountedAndNoMoreEndThanBegan) {
  make(2, 64);
  const auto other = attached();
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  ASSERT_TRUE(queue_->begin_poll(Edges::yes));
  ASSERT_TRUE(other->begin_poll(Edges::no));
  EXPECT_EQ(watch().pollers.get(), 3U);
  EXPECT_EQ(watch().edges.get(), 1U);
  EXPECT_EQ(watched(), 3U);
  EXPECT_EQ(broken(*queue_), "");
  for (int i = 0; i < 3; ++i) other->end_poll(Edges::yes);
  EXPECT_EQ(watch().pollers.get(), 2U) << "the others' polls are not its to end";
  EXPECT_EQ(watch().edges.get(), 1U);
  queue_->end_poll(Edges::yes);
  EXPECT_EQ(watch().edges.get(), 0U);
  queue_->end_poll(Edges::no);
  EXPECT_EQ(watched(), 0U);
  EXPECT_EQ(broken(*queue_), "");
}

TEST_F(WatchTest, HandleThatGoesTakesItsPollsAlong) {
  make(2, 64);
  {
    const auto other = attached();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(other->begin_poll(Edges::yes));
    ASSERT_EQ(watched(), 3U);
  }
  EXPECT_EQ(watched(), 0U);
  EXPECT_EQ(watch().edges.get(), 0U);
  EXPECT_EQ(broken(*queue_), "");
}

TEST_F(WatchTest, PollerWantsToHearOfEveryMessageWhenItWaitsForEdges) {
  make(8, 64);
  const UniqueFd poller(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(epoll_ctl(poller.get(), EPOLL_CTL_ADD, bell_.get(), &event), 0);
  ASSERT_TRUE(queue_->begin_poll(Edges::yes));
  const auto told = [&] {
    while (epoll_wait(poller.get(), &event, 1, 0) == 1) {
      if ((event.events & EPOLLIN) != 0) return true;
    }
    return false;
  };
  EXPECT_FALSE(told());
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(send(*queue_));
    EXPECT_EQ(told(), i == 0 || test::kTellsEdges) << "message " << i;
    EXPECT_FALSE(told()) << "message " << i << " is told of once";
  }
  queue_->end_poll(Edges::yes);
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  EXPECT_FALSE(told());
  ASSERT_TRUE(send(*queue_));
  EXPECT_FALSE(told()) << "it says already that there are some";
}

TEST_F(WatchTest, PollerThatDiedIsForgottenAfterAWhile) {
  make(1, 64);
  test::Child poller = child_that([](Queue& queue) { EXPECT_TRUE(queue.begin_poll(Edges::yes)); });
  EXPECT_EQ(watched(), 1U);
  poller.kill();
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(send(*queue_));
    ASSERT_TRUE(receive(*queue_));
  }
  EXPECT_EQ(watched(), 0U);
  EXPECT_EQ(watch().edges.get(), 0U);
  EXPECT_EQ(broken(*queue_), "");
}

TEST_F(WatchTest, PollerThatLivesIsNotForgottenWithOneThatDied) {
  make(1, 64);
  const auto other = attached();
  ASSERT_TRUE(other->begin_poll(Edges::no));
  child_that([](Queue& queue) { EXPECT_TRUE(queue.begin_poll(Edges::no)); }).kill();
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(send(*queue_));
    ASSERT_EQ(bell(), Bell::full);
    ASSERT_TRUE(receive(*queue_));
    ASSERT_EQ(bell(), Bell::empty);
  }
  EXPECT_EQ(watched(), 1U);
}

TEST_F(WatchTest, ChildOfAForkPollsInItsOwnName) {
  make(2, 64);
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  test::Child child([this] {
    ASSERT_TRUE(queue_->begin_poll(Edges::no));
    EXPECT_EQ(watched(), 2U);
    queue_->end_poll(Edges::no);
    queue_->end_poll(Edges::no);
    EXPECT_EQ(watched(), 1U) << "what its parent began is not its to end";
  });
  expect_well(child);
  ASSERT_TRUE(send(*queue_));
  EXPECT_EQ(bell(), Bell::some);
  EXPECT_EQ(broken(*queue_), "");
}

// ---- The registration

constexpr Registration kHelped{Notice::thread, 0, 0};

bool owed(const Told& told) { return told.state == Told::State::owed; }

void block(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

/// In a process with one thread, which has SIGUSR1 blocked: takes the signal off. @return false when there is none
bool take_signal(siginfo_t& info, int seconds) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  const timespec limit{seconds, 0};
  return sigtimedwait(&set, &info, &limit) == SIGUSR1;
}

TEST_F(WatchTest, RegistrationHasANumberAndIsOneAtATime) {
  make(2, 64);
  const auto other = attached();
  const Result<std::uint32_t> first = queue_->register_notice(kHelped);
  ASSERT_TRUE(first);
  EXPECT_EQ(watched(), 1U);
  EXPECT_TRUE(queue_->register_notice(kHelped).is(Errc::already_exists));
  EXPECT_TRUE(other->register_notice(kHelped).is(Errc::already_exists));
  EXPECT_TRUE(queue_->notice_is_ours());
  EXPECT_FALSE(other->notice_is_ours());
  EXPECT_FALSE(other->cancel_notice()) << "it is not its own";
  EXPECT_TRUE(queue_->cancel_notice());
  EXPECT_FALSE(queue_->cancel_notice());
  EXPECT_EQ(watched(), 0U);
  const Result<std::uint32_t> second = other->register_notice(kHelped);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, *first);
  EXPECT_EQ(broken(*queue_), "");
}

TEST_F(WatchTest, RegistrationEndsWithItsHandle) {
  make(2, 64);
  {
    const auto other = attached();
    ASSERT_TRUE(other->register_notice(kHelped));
  }
  EXPECT_EQ(watched(), 0U);
  EXPECT_TRUE(queue_->register_notice(kHelped));
}

TEST_F(WatchTest, RegistrationOfADeadProcessIsNobodys) {
  make(2, 64);
  child_that([](Queue& queue) { EXPECT_TRUE(queue.register_notice(kHelped)); }).kill();
  EXPECT_EQ(watched(), 1U);
  EXPECT_TRUE(queue_->register_notice(kHelped));
  EXPECT_EQ(watched(), 1U);
  EXPECT_TRUE(queue_->notice_is_ours());
}

TEST_F(WatchTest, RegistrationOfADeadProcessDoesNotPassToTheNextOfItsNumber) {
  make(2, 64);
  child_that([](Queue& queue) { EXPECT_TRUE(queue.register_notice(kHelped)); }).kill();
  const std::uint32_t number = watch().user.get();
  const auto other = attached();
  EXPECT_FALSE(other->notice_is_ours());
  EXPECT_FALSE(other->cancel_notice());
  ASSERT_TRUE(other->register_notice(kHelped));
  EXPECT_EQ(watch().user.get(), number) << "or this test proves nothing";
}

TEST_F(WatchTest, ChildOfAForkDoesNotHaveItsParentsRegistration) {
  make(2, 64);
  ASSERT_TRUE(queue_->register_notice(kHelped));
  test::Child child([this] {
    EXPECT_FALSE(queue_->notice_is_ours());
    EXPECT_FALSE(queue_->cancel_notice());
    EXPECT_TRUE(queue_->register_notice(kHelped).is(Errc::already_exists));
  });
  expect_well(child);
  EXPECT_TRUE(queue_->notice_is_ours());
}

TEST_F(WatchTest, FirstMessageIsToldWithItsSenderAndTheRegistrationIsOver) {
  make(4, 64);
  const std::uint32_t number = *queue_->register_notice(kHelped);
  test::Child sender([] {
    const auto own = attached();
    EXPECT_TRUE(send(*own));
    EXPECT_TRUE(send(*own));
  });
  const std::int32_t pid = sender.pid();
  expect_well(sender);
  const Told told = queue_->await_notice(number);
  EXPECT_TRUE(owed(told));
  EXPECT_EQ(told.pid, pid);
  EXPECT_EQ(told.uid, os::user_id());
  EXPECT_FALSE(queue_->notice_is_ours());
  EXPECT_EQ(watched(), 0U);
}

TEST_F(WatchTest, MessageToAQueueThatIsNotEmptyIsNotTold) {
  make(4, 64);
  ASSERT_TRUE(send(*queue_));
  ASSERT_TRUE(queue_->register_notice(kHelped));
  ASSERT_TRUE(send(*queue_));
  ASSERT_EQ(send_batch(*queue_, 1), 1U);
  ASSERT_EQ(receive_batch(*queue_, 2), 2U);
  EXPECT_TRUE(queue_->notice_is_ours());
  ASSERT_TRUE(receive(*queue_));
  EXPECT_TRUE(queue_->notice_is_ours());
  ASSERT_TRUE(send(*queue_));
  EXPECT_FALSE(queue_->notice_is_ours());
}

TEST_F(WatchTest, EveryWayOfSendingIsTold) {
  make(4, 20'000);
  const auto tell = [this](const char* way, const std::function<void()>& call) {
    const std::uint32_t number = *queue_->register_notice(kHelped);
    call();
    EXPECT_FALSE(queue_->notice_is_ours()) << way;
    if (!queue_->notice_is_ours()) {
      EXPECT_TRUE(owed(queue_->await_notice(number))) << way;
    }
    (void)queue_->cancel_notice();
    while (receive(*queue_)) {
    }
  };
  tell("small", [&] { EXPECT_TRUE(send(*queue_)); });
  tell("large", [&] { EXPECT_TRUE(send(*queue_, 20'000)); });
  tell("batch", [&] { EXPECT_EQ(send_batch(*queue_, 2), 2U); });
  tell("loan", [&] {
    const Result<Loan> loan = queue_->loan(8, Wait::none());
    ASSERT_TRUE(loan);
    EXPECT_TRUE(queue_->notice_is_ours()) << "a loan is no message";
    EXPECT_TRUE(queue_->send_loan(loan->slot, 8, 0));
  });
}

TEST_F(WatchTest, MessageForAReceiverThatSleepsIsNotTold) {
  make(4, 64);
  const auto sleeping_receiver = [this] {
    test::Child receiver([] {
      const auto own = attached();
      std::vector<std::byte> buffer(64);
      Received received;
      EXPECT_TRUE(own->receive(buffer, Wait::forever(), received));
    });
    test::wait_until([this] { return queue_->statistics().waiting_receivers == 1; });
    return receiver;
  };
  ASSERT_TRUE(queue_->register_notice(kHelped));
  test::Child first = sleeping_receiver();
  ASSERT_TRUE(send(*queue_));
  EXPECT_TRUE(queue_->notice_is_ours());
  expect_well(first);

  test::Child second = sleeping_receiver();
  ASSERT_EQ(send_batch(*queue_, 2), 2U);
  EXPECT_FALSE(queue_->notice_is_ours()) << "one of the two is for nobody who waits";
  expect_well(second);
}

TEST_F(WatchTest, SilentRegistrationEndsWithoutANotice) {
  make(4, 64);
  const std::uint32_t number = *queue_->register_notice({Notice::silent, 0, 0});
  EXPECT_TRUE(queue_->register_notice(kHelped).is(Errc::already_exists));
  ASSERT_TRUE(send(*queue_));
  EXPECT_FALSE(queue_->notice_is_ours());
  EXPECT_FALSE(owed(queue_->await_notice(number)));
}

TEST_F(WatchTest, SignalComesOnceAndAsFromTheSender) {
  make(4, 64);
  test::Child registered([] {
    block(SIGUSR1);
    const auto own = attached();
    const std::uint32_t number = *own->register_notice({Notice::signal, SIGUSR1, 0x123456789});
    test::Child sender([] {
      const auto theirs = attached();
      EXPECT_TRUE(send(*theirs));
      EXPECT_TRUE(receive(*theirs));
      EXPECT_TRUE(send(*theirs));
    });
    const std::int32_t pid = sender.pid();
    expect_well(sender);
    siginfo_t info{};
    if (!test::kRaisesAsOthers) {
      EXPECT_FALSE(take_signal(info, 0));
      EXPECT_TRUE(owed(own->await_notice(number))) << "it is for the helper of the registered process to raise";
      return;
    }
    ASSERT_TRUE(take_signal(info, 30));
    EXPECT_EQ(info.si_code, SI_MESGQ);
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_EQ(info.si_uid, os::user_id());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(info.si_value.sival_ptr), 0x123456789U);
    EXPECT_FALSE(take_signal(info, 0));
    EXPECT_FALSE(owed(own->await_notice(number))) << "the sender raised it";
  });
  expect_well(registered);
}

TEST_F(WatchTest, SignalToItselfIsPendingWhenTheSendReturnsAndItsHandlerMayCall) {
  make(4, 64);
  test::Child registered([] {
    static Queue* g_queue = nullptr;
    static std::atomic<int> g_answers{0};
    const auto own = attached();
    g_queue = own.get();
    struct sigaction action {};
    action.sa_handler = [](int) {
      std::array<std::byte, 64> buffer{};  // no memory is asked for in a handler
      Received received;
      g_answers += g_queue->receive(buffer, Wait::none(), received) ? 1 : 0;
      g_answers += g_queue->register_notice({Notice::signal, SIGUSR1, 0}) ? 10 : 0;
    };
    sigaction(SIGUSR1, &action, nullptr);
    ASSERT_TRUE(own->register_notice({Notice::signal, SIGUSR1, 0}));
    ASSERT_TRUE(send(*own));
    EXPECT_EQ(g_answers.load(), 11) << "received, and registered again, before the send returned";
    ASSERT_TRUE(send(*own));
    EXPECT_EQ(g_answers.load(), 22);
    EXPECT_EQ(broken(*own), "");
  });
  expect_well(registered);
}

TEST_F(WatchTest, HelperOfAStrangerRaisesTheSignalThatTheSenderMayNot) {
  if (!test::is_root()) GTEST_SKIP() << "needs two users";
  directory_.share_with_everybody();
  make(4, 64);
  ASSERT_TRUE(change_mode(queue_->segment(), 0666));
  const std::uint32_t number = *queue_->register_notice({Notice::signal, SIGUSR1, 0});  // of root
  test::Child sender([] {
    test::become_ordinary_user();
    const auto own = attached();
    EXPECT_TRUE(send(*own));
  });
  const std::int32_t pid = sender.pid();
  expect_well(sender);
  const Told told = queue_->await_notice(number);
  EXPECT_TRUE(owed(told)) << "the helper has to raise it";
  EXPECT_EQ(told.pid, pid);
  EXPECT_NE(told.uid, os::user_id());
}

TEST_F(WatchTest, SignalIsTheOneThatWasAskedForWhateverTheQueueSays) {
  make(4, 64);
  test::Child registered([] {
    block(SIGUSR1);
    const auto own = attached();
    ASSERT_TRUE(own->register_notice({Notice::signal, SIGUSR1, 5}));
    Watch& bytes = own->segment().header().watch;
    bytes.signal.set(SIGKILL);
    bytes.value.set(6);
    ASSERT_TRUE(send(*own));
    siginfo_t info{};
    ASSERT_TRUE(take_signal(info, 30));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(info.si_value.sival_ptr), 5U);
  });
  expect_well(registered);
}

TEST_F(WatchTest, NoSignalIsRaisedOnTheWordOfBytesThatOthersMayWrite) {
  make(4, 64);
  ASSERT_TRUE(change_mode(queue_->segment(), 0622));
  const std::uint32_t number = *queue_->register_notice({Notice::signal, SIGUSR1, 0});
  test::Child bystander([] {
    for (;;) pause();
  });
  queue_->segment().header().watch.pid.set(bystander.pid());
  queue_->segment().header().watch.signal.set(SIGKILL);
  test::Child sender([] {
    const auto own = attached();
    EXPECT_TRUE(send(*own));
  });
  expect_well(sender);
  EXPECT_TRUE(os::process_exists(bystander.pid()));
  EXPECT_EQ(waitpid(bystander.pid(), nullptr, WNOHANG), 0) << "it must not have been killed";
  EXPECT_TRUE(owed(queue_->await_notice(number))) << "its helper raises what it asked for";
}

TEST_F(WatchTest, MessageAfterTheRegisteredProcessDiedIsToldToNobody) {
  make(4, 64);
  child_that([](Queue& queue) { EXPECT_TRUE(queue.register_notice({Notice::signal, SIGUSR1, 0})); }).kill();
  EXPECT_EQ(watched(), 1U);
  ASSERT_TRUE(send(*queue_));
  EXPECT_EQ(watched(), 0U);
  EXPECT_EQ(broken(*queue_), "");
}

/// A process that never asked for a signal, and is told of none.
TEST_F(WatchTest, RegistrationThatNobodyMadeRaisesNoSignalInAProcessOfTheSenders) {
  make(4, 64);
  ASSERT_TRUE(change_mode(queue_->segment(), 0666));  // others may write to it, and so write registrations
  test::Child bystander([] {
    for (;;) pause();
  });
  const auto forger = attached();
  for (const std::int32_t target : {bystander.pid(), getpid()}) {
    ASSERT_TRUE(forger->register_notice({Notice::signal, SIGKILL, 0}));
    forger->segment().header().watch.pid.set(target);
    ASSERT_TRUE(send(*queue_));
    ASSERT_TRUE(receive(*queue_));
  }
  int status = 0;
  EXPECT_EQ(waitpid(bystander.pid(), &status, WNOHANG), 0) << "it lives";
}

TEST_F(WatchTest, SignalThatOthersWroteOverTheOwnIsNotRaised) {
  make(4, 64);
  sigset_t set;
  sigset_t before;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  ASSERT_TRUE(queue_->register_notice({Notice::signal, SIGRTMIN, 7}));
  queue_->segment().header().watch.signal.set(SIGKILL);
  queue_->segment().header().watch.value.set(0x41414141);
  ASSERT_TRUE(send(*queue_));
  const timespec limit{10, 0};
  siginfo_t info{};
  EXPECT_EQ(sigtimedwait(&set, &info, &limit), SIGRTMIN);
  EXPECT_EQ(info.si_value.sival_int, 7) << "as it was registered";
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(WatchTest, HelperWaitsUntilTheRegistrationIsOverHoweverItEnds) {
  make(4, 64);
  const auto helped = [this](const std::function<void()>& end) {
    const std::uint32_t number = *queue_->register_notice(kHelped);
    std::atomic<bool> over{false};
    Told told;
    std::thread helper([&] {
      told = queue_->await_notice(number);
      over.store(true);
    });
    std::this_thread::sleep_for(test::kMoment);
    EXPECT_FALSE(over.load());
    end();
    helper.join();
    return owed(told);
  };
  EXPECT_TRUE(helped([this] { EXPECT_TRUE(send(*queue_)); }));
  ASSERT_TRUE(receive(*queue_));
  EXPECT_FALSE(helped([this] { EXPECT_TRUE(queue_->cancel_notice()); }));
}

TEST_F(WatchTest, HelperThatComesLateIsToldOfItsOwnRegistration) {
  make(4, 64);
  std::array<std::uint32_t, 3> numbers{};
  for (std::uint32_t& number : numbers) {
    number = *queue_->register_notice(kHelped);
    ASSERT_TRUE(send(*queue_));
    ASSERT_TRUE(receive(*queue_));
  }
  const std::uint32_t cancelled = *queue_->register_notice(kHelped);
  ASSERT_TRUE(queue_->cancel_notice());
  for (const std::uint32_t number : numbers) {
    const Told told = queue_->await_notice(number);
    EXPECT_TRUE(owed(told));
    EXPECT_EQ(told.pid, os::process_id());
  }
  EXPECT_FALSE(owed(queue_->await_notice(cancelled)));
}

TEST_F(WatchTest, PollersAndARegistrationAreWatchedTogether) {
  make(4, 64);
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  ASSERT_TRUE(queue_->register_notice(kHelped));
  EXPECT_EQ(watched(), 2U);
  ASSERT_TRUE(send(*queue_));
  EXPECT_EQ(watched(), 1U) << "told, and polled still";
  EXPECT_EQ(bell(), Bell::some);
  queue_->end_poll(Edges::no);
  EXPECT_EQ(watched(), 0U);
  EXPECT_EQ(broken(*queue_), "");
}

}  // namespace
}  // namespace mqxx::shm
