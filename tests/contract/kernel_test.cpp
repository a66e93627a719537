// What only queues of the kernel have: descriptors that come and go, limits that explain themselves, and peers that
// speak mq_* to the same queue.
#include <array>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/emulated.hpp"
#include "support/private_ipc.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

class KernelHome : public QueueTest {
 protected:
  void SetUp() override {
    std::error_code ec;
    const Queue none = Queue::open(address_, {}, ec);
    if (ec == std::errc::function_not_supported) GTEST_SKIP() << "this system has no POSIX message queues";
  }
  ~KernelHome() override {
    std::error_code ignored;
    Queue::unlink(address_, ignored);
  }

  static bool is_readable(int descriptor) {
    pollfd polled{descriptor, POLLIN, 0};
    return ::poll(&polled, 1, 0) == 1;
  }
  /// The descriptor, as C programs have it.
  [[nodiscard]] mqd_t raw(int flags = O_RDWR) const { return ::mq_open(name_.c_str(), flags); }

  // Unique, since this user may have no IPC namespace to himself.
  std::string name_ = "/mqxx-test-" + std::to_string(::getpid());
  std::string address_ = "kernel:" + name_;
};

// ---- The same queue as of mq_* ---------------------------------------------------------------------------------

TEST_F(KernelHome, IsTheOneThatMqOpenOpens) {
  Queue queue = Queue::create(address_, {.capacity = 3, .message_size = 16});
  const mqd_t other = raw();
  ASSERT_GE(other, 0);
  mq_attr attributes{};
  ASSERT_EQ(::mq_getattr(other, &attributes), 0);
  EXPECT_EQ(attributes.mq_maxmsg, 3);
  EXPECT_EQ(attributes.mq_msgsize, 16);
  ASSERT_EQ(::mq_send(other, "from C", 6, 12), 0);
  const Message message = queue.receive();
  EXPECT_EQ(message.text(), "from C");
  EXPECT_EQ(message.priority(), 12u);
  queue.send("to C", 3);
  std::array<char, 16> buffer{};
  unsigned priority = 0;
  EXPECT_EQ(::mq_receive(other, buffer.data(), buffer.size(), &priority), 4);
  EXPECT_EQ(priority, 3u);
  ::mq_close(other);
}

TEST_F(KernelHome, ADescriptionHasOneNonblockingWhoeverSetsIt) {
  Queue queue = Queue::create(address_);
  const int descriptor = queue.native_handle();
  ASSERT_EQ(::fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
  EXPECT_TRUE(queue.is_nonblocking());
  EXPECT_TRUE(fails_with(Errc::would_block, [&] { (void)queue.receive(); }));
  std::error_code ec;
  EXPECT_FALSE(queue.receive_for(1h, ec)) << "no wait at all";
  queue.set_nonblocking(false);
  EXPECT_EQ(::fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
}

// ---- Descriptors -----------------------------------------------------------------------------------------------

TEST_F(KernelHome, TheNativeHandlePollsAsTheQueueIs) {
  Queue queue = Queue::create(address_, {.capacity = 1});
  EXPECT_FALSE(is_readable(queue.native_handle()));
  queue.send("x");
  EXPECT_TRUE(is_readable(queue.native_handle()));
  (void)queue.receive();
  EXPECT_FALSE(is_readable(queue.native_handle()));
}

TEST_F(KernelHome, ADescriptorFromElsewhereIsAdoptedWithNameAndAccess) {
  const Queue owner = Queue::create(address_, {.capacity = 2, .message_size = 32});
  const mqd_t descriptor = raw(O_RDONLY);
  Queue adopted = Queue::from_fd(descriptor);
  EXPECT_EQ(adopted.native_handle(), descriptor);
  EXPECT_EQ(adopted.name(), address_);
  EXPECT_EQ(adopted.access(), Access::read_only);
  EXPECT_EQ(adopted.attributes().message_size, 32u);
  adopted.close();
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1) << "the Queue owned it";
}

TEST_F(KernelHome, AnAdoptedQueueWhoseNameIsGoneKeepsItAndCannotBeUnlinked) {
  Queue owner = Queue::create(address_);
  owner.unlink();
  std::error_code ec;
  Queue adopted = Queue::from_fd(owner.release(), ec);
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_EQ(adopted.name(), address_);
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { adopted.unlink(); }));
  const Queue replacement = Queue::create(address_);
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { adopted.unlink(); }));
}

TEST_F(KernelHome, WhatIsNoQueueIsRefusedAndStaysTheCallers) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  EXPECT_TRUE(fails_with(Errc::not_a_queue, [&] { (void)Queue::from_fd(ends[0]); }));
  EXPECT_EQ(::close(ends[0]), 0);
  EXPECT_EQ(::close(ends[1]), 0);
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)Queue::from_fd(ends[0]); }));
  std::error_code ec;
  EXPECT_FALSE(Queue::from_fd(-1, ec).is_open());
  EXPECT_EQ(ec, Errc::closed);
}

TEST_F(KernelHome, ReleaseGivesTheDescriptorUpAndClosesTheHandle) {
  Queue queue = Queue::create(address_);
  queue.send("x");
  const int before = queue.native_handle();
  const int descriptor = queue.release();
  EXPECT_EQ(descriptor, before);
  EXPECT_FALSE(queue.is_open());
  EXPECT_TRUE(is_readable(descriptor));
  EXPECT_EQ(::close(descriptor), 0);
}

TEST_F(KernelHome, ReleaseBesideADuplicateGivesAnotherDescriptorOfTheSameDescription) {
  Queue queue = Queue::create(address_);
  Queue duplicate = queue.duplicate();
  queue.set_close_on_exec(false);
  const int descriptor = queue.release();
  EXPECT_NE(descriptor, duplicate.native_handle());
  duplicate.set_nonblocking(true);
  EXPECT_NE(::fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), 0) << "close-on-exec as it was";
  ::close(descriptor);
  duplicate.send("still open");
}

TEST_F(KernelHome, CloseOnExecIsOnAtFirstAndCanBeSet) {
  Queue queue = Queue::create(address_);
  EXPECT_TRUE(queue.close_on_exec());
  queue.set_close_on_exec(false);
  EXPECT_FALSE(queue.close_on_exec());
  EXPECT_EQ(::fcntl(queue.native_handle(), F_GETFD), 0);
  std::error_code ec = stale_code();
  queue.set_close_on_exec(true, ec);
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_TRUE(queue.close_on_exec(ec));
}

TEST_F(KernelHome, TheDescriptorOfAQueueInSharedMemoryIsNotTheQueueAndCannotBeGivenAway) {
  Queue queue = Queue::create("/q");
  EXPECT_GE(queue.native_handle(), 0);
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.release(); }));
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.close_on_exec(); }));
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { queue.set_close_on_exec(true); }));
  EXPECT_TRUE(queue.is_open());
  queue.close();
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)queue.native_handle(); }));
}

// ---- Waiting ---------------------------------------------------------------------------------------------------

TEST_F(KernelHome, WaitersWithATokenAndWithoutShareTheMessages) {
  constexpr int kMessages = 2000;
  Queue queue = Queue::create(address_, {.capacity = 4, .message_size = 16});
  std::stop_source source;
  std::atomic<int> received{0};
  std::vector<std::jthread> receivers;
  for (int i = 0; i < 2; ++i) {
    receivers.emplace_back([&] {
      while (queue.receive(source.get_token())) ++received;
    });
    receivers.emplace_back([&] {
      while (!queue.receive().empty()) ++received;
    });
    receivers.emplace_back([&] {
      while (!source.stop_requested()) received += queue.receive_for(1ms).has_value() ? 1 : 0;
    });
  }
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(queue.send_for("x", 1h));
  wait_until([&] { return received == kMessages; });
  source.request_stop();
  receivers.at(0).join();
  receivers.at(2).join();
  receivers.at(3).join();
  receivers.at(5).join();
  for (int i = 0; i < 2; ++i) queue.send("");  // the end, for those that only wait
}

// ---- Loans -----------------------------------------------------------------------------------------------------

TEST_F(KernelHome, AReaderMayPutBackWhereTheModeLetsItSend) {
  Queue queue = Queue::create(address_);
  queue.send("again", 9);
  Queue reader = Queue::open(address_, {.access = Access::read_only});
  reader.receive_loan().put_back();
  const Message message = queue.receive();
  EXPECT_EQ(message.text(), "again");
  EXPECT_EQ(message.priority(), 9u);
}

TEST_F(KernelHome, PutBackWaitsForRoomEvenWhereTheDescriptionDoesNot) {
  Queue queue = Queue::create(address_, {.capacity = 1, .nonblocking = true});
  queue.send("first");
  ReceiveLoan loan = queue.receive_loan();
  queue.send("second");
  std::jthread returner([&] { loan.put_back(); });
  std::this_thread::sleep_for(kMoment);
  Queue waiting = Queue::open(address_);
  EXPECT_EQ(waiting.receive().text(), "second");
  EXPECT_EQ(waiting.receive().text(), "first");
}

TEST_F(KernelHome, ALoanSentToAFullQueueThatDoesNotWaitStaysAsItWas) {
  Queue queue = Queue::create(address_, {.capacity = 1, .nonblocking = true});
  SendLoan loan = queue.loan(1);
  queue.send("x");
  EXPECT_TRUE(fails_with(Errc::would_block, [&] { loan.send(); }));
  ASSERT_TRUE(loan);
  (void)queue.receive();
  loan.send(4);
  EXPECT_EQ(queue.receive().priority(), 4u);
}

// ---- Looking ---------------------------------------------------------------------------------------------------

TEST_F(KernelHome, DescribeOfAQueueThatMayOnlyBeWrittenTellsAllButTheBytes) {
  Child child([&] {
    become_ordinary_user();
    const std::string address = address_ + "-own";
    Queue queue = Queue::create(address, {.capacity = 2, .message_size = 8, .mode = 0200});
    queue.send("123");
    const QueueInfo info = describe(address);
    EXPECT_EQ(info.mode, 0200u);
    EXPECT_EQ(info.attributes.depth, 1u);
    EXPECT_EQ(info.queued_bytes, 0u);
    queue.unlink();
  });
  expect_well(child);
}

TEST_F(KernelHome, AQueueThatMayNotBeOpenedIsDeniedToEveryCallThatTakesItsName) {
  if (!is_root()) GTEST_SKIP() << "only root can be two users";
  const Queue queue = Queue::create(address_, {.mode = 0});
  Child child([&] {
    become_ordinary_user();
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { (void)describe(address_); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { (void)Queue::open(address_); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { Queue::unlink(address_); }));
    EXPECT_TRUE(says(sentence_of([&] { (void)Queue::open(address_); }), "open", address_, "mode", "EACCES"));
  });
  expect_well(child);
}

/// Namespaces are left and file systems mounted in children, which take both with them.
class KernelNamespaces : public KernelHome {
 protected:
  void SetUp() override {
    KernelHome::SetUp();
    if (!enter_private_ipc()) GTEST_SKIP() << "this user may not make namespaces";
    directory_.share_with_everybody();
  }

  /// As an administrator does, for this process and its children alone.
  void mount_queues() const {
    const std::string place = directory_.path().string() + "/mqueue";
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    std::filesystem::create_directory(place);
    ASSERT_EQ(::mount("none", place.c_str(), "mqueue", 0, nullptr), 0);
  }
  [[nodiscard]] QueueInfo entry() const {
    for (QueueInfo& info : list("kernel:")) {
      if (info.name == address_) return std::move(info);
    }
    throw std::runtime_error(address_ + " is not in the list");
  }
};

TEST_F(KernelNamespaces, AnOrdinaryUserListsThroughAMountAndSeesWhyAQueueCannotBeRead) {
  const Queue queue = Queue::create(address_, {.mode = 0});
  Child child([&] {
    mount_queues();
    become_ordinary_user();
    const QueueInfo info = entry();
    EXPECT_EQ(info.error, Errc::permission_denied);
    EXPECT_EQ(info.uid, 0u);
    EXPECT_EQ(info.mode, 0u);
  });
  expect_well(child);
}

TEST_F(KernelNamespaces, AMountOfAnotherNamespaceShowsQueuesThatAreNotFoundHere) {
  if (kEmulated) GTEST_SKIP() << "the emulator does not know fsopen(2), so there is no mount of one's own";
  const Queue queue = Queue::create(address_, {.mode = 0666});
  Child child([&] {
    mount_queues();
    ASSERT_EQ(::unshare(CLONE_NEWIPC), 0);
    EXPECT_TRUE(list("kernel:").empty()) << "who may mount sees his own namespace";
    const Queue other = Queue::create(address_, {.mode = 0666});
    become_ordinary_user();
    EXPECT_EQ(entry().error, Errc::not_found) << "the name means another queue here";
  });
  expect_well(child);
}

TEST_F(KernelNamespaces, UnlinkOfAHandleFromAnotherNamespaceSparesTheQueueThatHasItsNameHere) {
  Queue elsewhere = Queue::create(address_);
  Child child([&] {
    ASSERT_EQ(::unshare(CLONE_NEWIPC), 0);
    EXPECT_TRUE(fails_with(Errc::not_found, [&] { elsewhere.unlink(); }));
    const Queue here = Queue::create(address_);
    EXPECT_TRUE(fails_with(Errc::not_found, [&] { elsewhere.unlink(); }));
    EXPECT_NO_THROW((void)Queue::open(address_));
  });
  expect_well(child);
  EXPECT_NO_THROW((void)Queue::open(address_));
}

TEST_F(KernelHome, ListsOfOtherHomesAreUnsupported) {
  EXPECT_TRUE(fails_with(Errc::unsupported, [] { (void)list("nowhere:"); }));
  EXPECT_TRUE(says(sentence_of([] { (void)list("nowhere:"); }), "list", "nowhere:", "ENOTSUP"));
}

}  // namespace
}  // namespace mqxx::test
