// A program that polls the descriptor of mqxx::Queue sleeps in the system, and not in our code: what processes leave
// that die is found by the thread that the library has for it. After a death at each step of a send, with messages on
// loan, when the file is cut, and while another process is stopped inside a lock.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <mqxx/queue.hpp>

#include "base/step.hpp"
#include "shm/queue.hpp"
#include "support/child.hpp"
#include "support/failures.hpp"
#include "support/private_directory.hpp"
#include "support/step_death.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {
namespace {

class NativePoll : public testing::Test {
 protected:
  static Queue make() { return Queue::open_or_create("/q", {.capacity = 1, .message_size = 64}); }

  /// As a loop does that has nothing but the descriptor. The watchdog ends it where nobody rings.
  static void await(const Queue& queue, short events) {
    pollfd one{queue.native_handle(), events, 0};
    EXPECT_EQ(::poll(&one, 1, -1), 1);
  }
  static bool polls(const Queue& queue, short events) {
    pollfd one{queue.native_handle(), events, 0};
    return ::poll(&one, 1, 0) == 1;
  }

  /// `act` in another process, which does not survive it.
  static void die(const std::function<void(Queue&)>& act, std::string_view name = "/q") {
    Child child([&] {
      Queue own = Queue::open(name);
      act(own);
      ::kill(::getpid(), SIGKILL);
    });
    EXPECT_EQ(child.join().signal, SIGKILL);
  }

  /// @return whether it died there
  static bool send_and_die_at(int countdown) {
    Child child([&] {
      Queue own = Queue::open("/q");
      g_countdown = countdown;
      step_hook = die_at_step;
      own.send("message");
      step_hook = nullptr;
    });
    return child.join().signal == SIGKILL;
  }

  PrivateDirectory directory_;
  Watchdog watchdog_{std::chrono::seconds(60)};
};

TEST_F(NativePoll, FindsAMessageWhoseSenderDiedBeforeItTold) {
  int found = 0;
  bool killed = true;
  for (int countdown = 0; killed; ++countdown) {
    Queue queue = make();
    const auto observer = std::move(*shm::Queue::join(std::move(*shm::attach("/q"))));
    ASSERT_FALSE(polls(queue, POLLIN));
    killed = send_and_die_at(countdown);
    // Looked at without a lock: to take one would be the look that only the library's own thread is to take.
    wait_until([&] { return !observer->in_doubt(); });
    const bool there = !queue.peek().empty();
    EXPECT_EQ(polls(queue, POLLIN), there) << "step " << countdown;
    EXPECT_EQ(polls(queue, POLLOUT), !there) << "step " << countdown;
    if (there && killed) ++found;
    queue.unlink();
  }
  EXPECT_GE(found, 2) << "no sender died after it queued its message";
}

TEST_F(NativePoll, FindsTheMessageThatTheDeadHadOnLoan) {
  Queue queue = make();
  queue.send("on loan");
  await(queue, POLLIN);
  die([&](Queue& own) {
    const ReceiveLoan loan = own.receive_loan();
    EXPECT_FALSE(polls(queue, POLLIN));
    ::kill(::getpid(), SIGKILL);
  });
  await(queue, POLLIN);
  EXPECT_EQ(queue.receive().text(), "on loan");
}

// While nothing waits and nothing fits the doorbell says empty (docs/homes.md); the room is there when it is looked
// for.
TEST_F(NativePoll, FindsTheRoomThatTheDeadWereWriting) {
  Queue queue = Queue::create("/q", {.capacity = 2, .message_size = 64});
  queue.send("1");
  const int descriptor = queue.native_handle();
  die([&](Queue& own) {
    const SendLoan loan = own.loan(1);
    EXPECT_FALSE(polls(queue, POLLOUT));
    ::kill(::getpid(), SIGKILL);
  });
  pollfd one{descriptor, POLLOUT, 0};
  EXPECT_EQ(::poll(&one, 1, -1), 1);
  EXPECT_TRUE(queue.try_send("2"));
}

TEST_F(NativePoll, ForEdgesFindsIt) {
  Queue queue = make();
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(::epoll_ctl(poller, EPOLL_CTL_ADD, queue.native_handle(), &event), 0);
  queue.send("on loan");
  ASSERT_EQ(::epoll_wait(poller, &event, 1, -1), 1);
  die([&](Queue& own) {
    const ReceiveLoan loan = own.receive_loan();
    ::kill(::getpid(), SIGKILL);
  });
  EXPECT_EQ(::epoll_wait(poller, &event, 1, -1), 1);
  EXPECT_EQ(queue.receive().text(), "on loan");
  ::close(poller);
}

TEST_F(NativePoll, OfAFileThatWasCutSaysReadableAndReceivingSaysWhy) {
  Queue cut = make();
  Queue whole = Queue::create("/whole", {.capacity = 1, .message_size = 4});
  (void)whole.native_handle();
  ASSERT_FALSE(polls(cut, POLLIN));
  const std::filesystem::path file = directory_.path() / "mqxx.q";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  await(cut, POLLIN);
  EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { (void)cut.try_receive(); }));
  EXPECT_TRUE(polls(cut, POLLIN)) << "from then on";
  EXPECT_FALSE(polls(whole, POLLIN));
}

// The thread looks after the queues in some order: one before and one behind the one that holds it up.
TEST_F(NativePoll, FindsItInOtherQueuesWhileAProcessIsStoppedInsideALock) {
  const OpenOptions two{.capacity = 2, .message_size = 64};
  Queue first = Queue::create("/first", two);
  Queue held = Queue::create("/held", two);
  Queue last = Queue::create("/last", two);
  for (const Queue* queue : {&first, &held, &last}) (void)queue->native_handle();
  held.send("1");
  Child stopped([] {
    Queue own = Queue::open("/held");
    ReceiveLoan loan = own.receive_loan();  // something to look for
    g_stop_at = Step::slot_taken;
    step_hook = stop_at_step;
    own.send("2");
    loan.put_back();
  });
  ASSERT_TRUE(stopped.await_stop());
  for (Queue* queue : {&first, &last}) {
    queue->send("on loan");
    die(
        [](Queue& own) {
          const ReceiveLoan loan = own.receive_loan();
          ::kill(::getpid(), SIGKILL);
        },
        queue->name());
    await(*queue, POLLIN);
    EXPECT_EQ(queue->receive().text(), "on loan");
  }
  stopped.go_on();
  expect_well(stopped);
  EXPECT_EQ(held.receive().text(), "1");
  EXPECT_EQ(held.receive().text(), "2");
}

// What looks after the queues ends with the last of them, and begins anew with the next.
TEST_F(NativePoll, FindsItAgainAfterTheLastPolledQueueWasClosed) {
  const auto threads = [] {
    using Entries = std::filesystem::directory_iterator;
    return std::distance(Entries("/proc/self/task"), Entries());
  };
  const auto before = threads();
  for (int round = 0; round < 2; ++round) {
    Queue queue = make();
    Queue other = Queue::open("/q");
    (void)other.native_handle();
    (void)queue.native_handle();
    EXPECT_EQ(threads(), before + 1);
    other.close();
    queue.send("on loan");
    die([](Queue& own) {
      const ReceiveLoan loan = own.receive_loan();
      ::kill(::getpid(), SIGKILL);
    });
    await(queue, POLLIN);
    EXPECT_EQ(queue.receive().text(), "on loan");
    queue.close();
    wait_until([&] { return threads() == before; });  // joined; the system may count it a moment longer
  }
}

}  // namespace
}  // namespace mqxx::test
