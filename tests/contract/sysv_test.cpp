// What only System V queues have: keys, types of others, removal that everybody feels, and a descriptor that we keep.
#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/emulated.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

/// A queue as C programs have it.
class Raw {
 public:
  explicit Raw(int queue) : queue_(queue) {}

  [[nodiscard]] bool send(long type, std::string_view text) const {
    Message message{type, {}};
    text.copy(message.text.data(), message.text.size());
    return ::msgsnd(queue_, &message, text.size(), IPC_NOWAIT) == 0;
  }
  /// "TYPE:TEXT" of the first message of that type, "" without one.
  [[nodiscard]] std::string receive(long type = 0) const {
    Message message{};
    const ssize_t size = ::msgrcv(queue_, &message, message.text.size(), type, IPC_NOWAIT);
    if (size < 0) return "";
    return std::to_string(message.type) + ":" + std::string(message.text.data(), static_cast<std::size_t>(size));
  }
  void set_bytes(unsigned long bytes) const {
    msqid_ds status{};
    ASSERT_EQ(::msgctl(queue_, IPC_STAT, &status), 0);
    status.msg_qbytes = bytes;
    ASSERT_EQ(::msgctl(queue_, IPC_SET, &status), 0);
  }
  void remove() const { ::msgctl(queue_, IPC_RMID, nullptr); }

 private:
  struct Message {
    long type;
    std::array<char, 512> text;
  };
  int queue_;
};

class SysvHome : public QueueTest {
 protected:
  void SetUp() override {
    if (kEmulated) GTEST_SKIP() << "the emulator has no timer that strikes one thread, nor a list of queues";
    std::error_code ec;
    const Queue none = Queue::open(address_, {}, ec);
    if (ec == std::errc::function_not_supported) GTEST_SKIP() << "this system has no System V message queues";
  }
  SysvHome() = default;
  SysvHome(const SysvHome&) = delete;
  SysvHome& operator=(const SysvHome&) = delete;
  ~SysvHome() override {
    std::error_code ignored;
    Queue::unlink(address_, ignored);
  }

  [[nodiscard]] Raw raw() const { return Raw(::msgget(key_, 0)); }
  static short polled(int descriptor) {
    pollfd one{descriptor, POLLIN | POLLOUT, 0};
    return ::poll(&one, 1, 0) < 0 ? short{-1} : one.revents;
  }
  static bool is_readable(int descriptor) { return (polled(descriptor) & POLLIN) != 0; }

  // Unique, since this user may have no IPC namespace to himself.
  key_t key_ = 0x4d000000 + ::getpid();
  std::string address_ = "sysv:" + std::to_string(key_);
};

// ---- The same queue as of msgget -------------------------------------------------------------------------------

TEST_F(SysvHome, APriorityIsAMessageTypeForProgramsThatSpeakMsgsnd) {
  Queue queue = Queue::create(address_);
  queue.send("lowest");
  queue.send("highest", kMaxPriority);
  EXPECT_EQ(raw().receive(-32768), "1:highest");
  EXPECT_EQ(raw().receive(32768), "32768:lowest");
  ASSERT_TRUE(raw().send(32768 - 9, "nine"));
  ASSERT_TRUE(raw().send(1, "first"));
  EXPECT_EQ(queue.receive().priority(), kMaxPriority);
  EXPECT_EQ(queue.receive().priority(), 9u);
}

TEST_F(SysvHome, TypesBeyondOurPrioritiesComeAfterAllOthersLowestFirst) {
  Queue queue = Queue::create(address_);
  ASSERT_TRUE(raw().send(LONG_MAX, "last"));
  ASSERT_TRUE(raw().send(40000, "late"));
  ASSERT_TRUE(raw().send(40000, "later"));
  queue.send("zero");
  queue.send("one", 1);
  if (Queue::open(address_).attributes().depth != 5) FAIL() << "somebody else has this key";
  std::error_code ec;
  const std::vector<Message> seen = queue.peek(9, ec);
  const std::vector<std::string> order{"one", "zero", "late", "later", "last"};
  if (ec != Errc::unsupported) {
    EXPECT_EQ(texts_of(seen), order);
  }
  std::vector<std::string> texts;
  for (const Message& message : queue.drain()) {
    EXPECT_EQ(message.priority(), message.text() == "one" ? 1u : 0u);
    texts.push_back(text_of(message));
  }
  EXPECT_EQ(texts, order);
}

TEST_F(SysvHome, AMessagePutBackKeepsTheTypeThatOthersGaveIt) {
  Queue queue = Queue::create(address_);
  ASSERT_TRUE(raw().send(70000, "theirs"));
  queue.receive_loan().put_back();
  EXPECT_EQ(raw().receive(70000), "70000:theirs");
}

TEST_F(SysvHome, AMessageThatIsLongerThanTheBufferStaysQueuedAndHoldsUpNobodyWithMoreRoom) {
  Queue queue = Queue::create(address_);
  const std::string longer(300, 'x');
  ASSERT_TRUE(raw().send(1, longer));
  std::array<std::byte, 100> small{};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(fails_with(Errc::buffer_too_small, [&] { (void)queue.receive(std::span(small)); }));
    EXPECT_TRUE(fails_with(Errc::buffer_too_small, [&] { (void)queue.try_receive(std::span(small)); }));
  }
  EXPECT_TRUE(says(sentence_of([&] { (void)queue.receive(std::span(small)); }), "100", "stays queued", "EMSGSIZE"));
  EXPECT_EQ(queue.attributes().depth, 1u);
  EXPECT_EQ(queue.receive().text(), longer);
}

TEST_F(SysvHome, AMessageThatIsLongerThanTheQueueHasBecomeIsStillReceivedWhole) {
  Queue queue = Queue::create(address_);
  const std::string longer(500, 'y');
  queue.send(longer);
  queue.send(longer);
  raw().set_bytes(16);
  EXPECT_EQ(queue.attributes().message_size, 16u);
  EXPECT_EQ(queue.receive_loan().bytes().size(), longer.size());
  Queue fresh = Queue::open(address_);
  EXPECT_EQ(fresh.receive().text(), longer);
}

TEST_F(SysvHome, WhatTheQueueHasBecomeTooSmallForIsRefusedAndDoesNotWaitForEver) {
  Queue queue = Queue::create(address_, {.capacity = 1, .message_size = 100});
  raw().set_bytes(10);
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue.send(std::string(11, 'x')); }));
  queue.send(std::string(10, 'x'));
  raw().set_bytes(100);
  EXPECT_TRUE(queue.try_send(std::string(90, 'x'))) << "and what it has become large enough for is taken";
}

// ---- Keys ------------------------------------------------------------------------------------------------------

TEST_F(SysvHome, APrivateQueueIsAnotherOneEachTimeAndIsOpenedByItsNumber) {
  Queue first = Queue::create("sysv:private");
  Queue second = Queue::open_or_create("sysv:private");
  EXPECT_TRUE(first.name().starts_with("sysv:id="));
  EXPECT_NE(first.name(), second.name());
  first.send("for the first");
  Child child([&] { EXPECT_EQ(Queue::open(first.name()).receive().text(), "for the first"); });
  expect_well(child);
  second.unlink();
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(second.name()); }));
  EXPECT_TRUE(says(sentence_of([] { (void)Queue::open("sysv:private"); }), "open", "private", "id=5", "ENOENT"));
  EXPECT_TRUE(says(sentence_of([&] { (void)Queue::create(first.name()); }), first.name(), "private", "EINVAL"));
  const std::vector<QueueInfo> all = list("sysv:");
  EXPECT_TRUE(std::ranges::any_of(all, [&](const QueueInfo& info) { return info.name == first.name(); }));
  Queue::unlink(first.name());
}

TEST_F(SysvHome, AFileAndAProjectAreTheKeyThatFtokMakes) {
  const std::string path = directory_.path().string() + "/key";
  const std::string address = "sysv:" + path + ":A";
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::create(address); }));
  EXPECT_TRUE(says(sentence_of([&] { (void)Queue::create(address); }), "create", "'" + path + "'", "No such file",
                   "ftok", "ENOENT"));
  std::ofstream(path).flush();
  key_ = ::ftok(path.c_str(), 'A');
  Queue queue = Queue::create(address);
  EXPECT_EQ(queue.name(), address);
  ASSERT_TRUE(raw().send(32768, "by ftok"));
  EXPECT_EQ(Queue::open(address).receive().text(), "by ftok");
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open("sysv:" + path + ":B"); }));
  Queue::unlink(address);
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { Queue::unlink(address); }));
}

TEST_F(SysvHome, AnUnknownHomeIsToldWithTheOnesThatThereAre) {
  for (const char* address : {"sysV:/tmp:A", "kernal:/orders", "nats://host/queue"}) {
    const std::string sentence = sentence_of([&] { (void)Queue::open(address); });
    EXPECT_TRUE(says(sentence, "open", "no home", "/orders", "kernel:/orders", "sysv:0x4d2", "EINVAL")) << sentence;
  }
}

// ---- Removal ---------------------------------------------------------------------------------------------------

TEST_F(SysvHome, RemovalEndsEveryWaitWithQueueRemoved) {
  Queue queue = Queue::create(address_, {.capacity = 1, .message_size = 8});
  Queue full = Queue::create("sysv:private", {.capacity = 1, .message_size = 1});
  full.send("x");
  std::stop_source source;
  std::atomic<int> ended{0};
  std::vector<std::jthread> threads;
  const auto removed = [&](auto call) {
    threads.emplace_back([&, call] {
      EXPECT_TRUE(fails_with(Errc::queue_removed, call));
      ++ended;
    });
  };
  removed([&] { (void)queue.receive(); });
  removed([&] { (void)queue.receive_for(1h); });
  removed([&] { (void)queue.receive_until(std::chrono::system_clock::now() + 1h); });
  removed([&] { (void)queue.receive(source.get_token()); });
  removed([&] { (void)queue.receive_loan(); });
  removed([&] { full.send("y"); });
  removed([&] { (void)full.send_for("y", 1h); });
  removed([&] { (void)full.send("y", source.get_token()); });
  removed([&] { (void)full.loan(1); });
  std::this_thread::sleep_for(kMoment);
  EXPECT_EQ(ended, 0);
  queue.unlink();
  full.unlink();
  threads.clear();
  EXPECT_EQ(ended, 9);
}

TEST_F(SysvHome, AQueueThatWasRemovedAndCreatedAnewIsNotTheOldOne) {
  Queue old_queue = Queue::create(address_);
  old_queue.unlink();
  Queue new_queue = Queue::create(address_);
  new_queue.send("new");
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)old_queue.receive(); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { old_queue.send("old"); }));
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { old_queue.unlink(); }));
  EXPECT_EQ(drained(new_queue), std::vector<std::string>{"new"});
}

// ---- Waiting ---------------------------------------------------------------------------------------------------

TEST_F(SysvHome, AThreadThatBlocksAllSignalsWaitsNoLongerThanItAsked) {
  Queue queue = Queue::create(address_);
  std::jthread thread([&] {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    EXPECT_FALSE(queue.receive_for(5ms));
    std::stop_source source;
    std::jthread stopper([&] { source.request_stop(); });
    EXPECT_FALSE(queue.receive(source.get_token()));
  });
}

TEST_F(SysvHome, WaitersOfEveryKindShareTheMessages) {
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
      while (!source.stop_requested()) received += queue.receive_for(std::chrono::microseconds(200)) ? 1 : 0;
    });
    receivers.emplace_back([&] {
      std::error_code ec;
      while (!ec) received += queue.receive(ec).empty() ? 0 : 1;
      EXPECT_EQ(ec, Errc::queue_removed);
    });
  }
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(queue.send_for("x", 1h));
  wait_until([&] { return received == kMessages; });
  source.request_stop();
  for (const std::size_t stopped : {0U, 1U, 3U, 4U}) receivers.at(stopped).join();
  queue.unlink();
}

TEST_F(SysvHome, WithoutATimerTheWaitIsRefusedWithTheLimitThatItNeeds) {
  Child child([&] {
    const rlimit none{0, 0};
    ASSERT_EQ(::setrlimit(RLIMIT_SIGPENDING, &none), 0);
    Queue queue = Queue::create(address_);
    EXPECT_TRUE(fails_with(Errc::no_memory, [&] { (void)queue.receive_for(1h); }));
    EXPECT_TRUE(says(sentence_of([&] { (void)queue.receive_for(1h); }), "RLIMIT_SIGPENDING", "ulimit -i", "ENOMEM"));
    queue.send("there");
    EXPECT_TRUE(queue.receive_for(1h)) << "nothing is needed where there is no wait";
  });
  expect_well(child);
}

// ---- The descriptor to poll ------------------------------------------------------------------------------------

using SysvDescriptor = SysvHome;

TEST_F(SysvDescriptor, PollsAsTheQueueIsAtOnceForThisProcess) {
  Queue queue = Queue::create(address_, {.capacity = 2, .message_size = 4});
  const int descriptor = queue.native_handle();
  EXPECT_EQ(polled(descriptor), POLLOUT);
  for (int i = 0; i < 100; ++i) {
    queue.send("x");
    ASSERT_EQ(polled(descriptor), POLLIN);  // 8 bytes: of another largest one there is no room
    ASSERT_EQ(queue.receive().text(), "x");
    ASSERT_EQ(polled(descriptor), POLLOUT);
    queue.send("");
    ASSERT_TRUE(is_readable(descriptor)) << "a message without bytes is one";
    ASSERT_TRUE(queue.try_receive_loan());
    ASSERT_EQ(polled(descriptor), POLLOUT);
  }
}

TEST_F(SysvDescriptor, ShowsWhatOthersDo) {
  Queue queue = Queue::create(address_);
  const int descriptor = queue.native_handle();
  pollfd one{descriptor, POLLIN, 0};
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(raw().send(5, i % 2 == 0 ? "from elsewhere" : ""));
    ASSERT_EQ(::poll(&one, 1, -1), 1);
    ASSERT_NE(raw().receive(), "");
    wait_until([&] { return !is_readable(descriptor); });
  }
}

TEST_F(SysvDescriptor, IsOneForTheHandleAndItsDuplicatesAndEndsWithThem) {
  Queue queue = Queue::create(address_);
  Queue duplicate = queue.duplicate();
  const int descriptor = queue.native_handle();
  EXPECT_EQ(duplicate.native_handle(), descriptor);
  EXPECT_EQ(queue.native_handle(), descriptor);
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), FD_CLOEXEC);
  queue.close();
  duplicate.send("x");
  EXPECT_TRUE(is_readable(descriptor));
  duplicate.close();
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

TEST_F(SysvDescriptor, ManyThreadsThatAskForItGetTheSameOne) {
  Queue queue = Queue::create(address_);
  std::atomic<int> first{-1};
  std::vector<std::jthread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      int none = -1;
      const int descriptor = queue.native_handle();
      if (!first.compare_exchange_strong(none, descriptor)) {
        EXPECT_EQ(descriptor, first);
      }
    });
  }
}

TEST_F(SysvDescriptor, ARemovedQueueIsReadableAndReceivingSaysWhy) {
  Queue queue = Queue::create(address_);
  const int descriptor = queue.native_handle();
  raw().remove();
  pollfd one{descriptor, POLLIN, 0};
  ASSERT_EQ(::poll(&one, 1, -1), 1);
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)queue.try_receive(); }));
  EXPECT_TRUE(is_readable(descriptor));
}

TEST_F(SysvDescriptor, AChildOfForkHasOneOfItsOwnAndLeavesTheParentsAlone) {
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  Queue queue = Queue::create(address_);
  const int descriptor = queue.native_handle();
  // A thread that is still starting may hold the address sanitizer's allocator, for ever in the child: so this one has
  // shown first that it runs.
  ASSERT_TRUE(raw().send(1, "started"));
  pollfd started{descriptor, POLLIN, 0};
  ASSERT_EQ(::poll(&started, 1, -1), 1);
  EXPECT_EQ(queue.receive().text(), "started");
  Child child([&] {
    queue.send("x");
    EXPECT_EQ(queue.receive().text(), "x");
    pollfd one{queue.native_handle(), POLLIN, 0};
    ASSERT_TRUE(raw().send(1, "y"));
    ASSERT_EQ(::poll(&one, 1, -1), 1);
    EXPECT_EQ(queue.receive().text(), "y");
    EXPECT_FALSE(is_readable(queue.native_handle()));
    queue.close();
  });
  expect_well(child);
  Child closer([&] { queue.close(); });
  expect_well(closer);
  queue.send("for the parent");
  EXPECT_TRUE(is_readable(descriptor));
  pollfd one{descriptor, POLLIN, 0};
  EXPECT_EQ(queue.receive().text(), "for the parent");
  ASSERT_TRUE(raw().send(1, "seen"));
  EXPECT_EQ(::poll(&one, 1, -1), 1);
}

std::atomic<int> in_another_thread{0};
pthread_t main_thread;

TEST_F(SysvDescriptor, TheProgramsSignalsAreNotHandledByTheThreadThatLooks) {
  if (!kThreadsInChildren) GTEST_SKIP() << "a forked child may start no threads here";
  Child child([&] {
    main_thread = ::pthread_self();
    struct sigaction action = {};
    action.sa_handler = [](int) { in_another_thread += ::pthread_equal(::pthread_self(), main_thread) == 0 ? 1 : 0; };
    ::sigaction(SIGUSR1, &action, nullptr);
    const Queue queue = Queue::create(address_);
    (void)queue.native_handle();
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &one, nullptr);
    ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
    std::this_thread::sleep_for(kMoment);
    EXPECT_EQ(in_another_thread, 0);
    ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  });
  expect_well(child);
}

TEST_F(SysvDescriptor, IsNotTheQueueAndSoCannotBeGivenAway) {
  Queue queue = Queue::create(address_);
  (void)queue.native_handle();
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.release(); }));
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.close_on_exec(); }));
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { queue.set_close_on_exec(false); }));
  EXPECT_TRUE(queue.is_open());
  queue.close();
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)queue.native_handle(); }));
}

// ---- Rights ----------------------------------------------------------------------------------------------------

TEST_F(SysvHome, WhoMayOnlySendOpensSendsAndLearnsTheSizes) {
  if (!is_root()) GTEST_SKIP() << "only root can be two users";
  Queue owner = Queue::create(address_, {.capacity = 1, .message_size = 77, .mode = 0600});
  owner.send("theirs");
  msqid_ds status{};
  const int queue = ::msgget(key_, 0);
  ASSERT_EQ(::msgctl(queue, IPC_STAT, &status), 0);
  status.msg_perm.mode = 0622;
  ASSERT_EQ(::msgctl(queue, IPC_SET, &status), 0);
  Child child([&] {
    become_ordinary_user();
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { (void)Queue::open(address_); }));
    EXPECT_TRUE(
        fails_with(Errc::permission_denied, [&] { (void)Queue::open(address_, {.access = Access::read_only}); }));
    Queue writer = Queue::open(address_, {.access = Access::write_only});
    EXPECT_EQ(writer.attributes().message_size, 77u);
    EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { writer.send(std::string(78, 'x')); }));
    writer.send("ours");
    EXPECT_EQ(describe(address_).attributes.depth, 2u);
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { writer.unlink(); }));
    EXPECT_TRUE(says(sentence_of([&] { Queue::unlink(address_); }), "unlink", "owner and mode", "EACCES"));
  });
  expect_well(child);
  EXPECT_EQ(drained(owner), (std::vector<std::string>{"theirs", "ours"}));
}

}  // namespace
}  // namespace mqxx::test
