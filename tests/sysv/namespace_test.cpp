// All queues of an IPC namespace, its limits, and users who may not do everything.
#include <vector>

#include <unistd.h>

#include "sysv/sysv_test.hpp"

namespace mqxx::test {
namespace {

using sysv::Queue;

class SysvNamespace : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root to make a namespace, or to become somebody else";
  }
  Watchdog watchdog_{std::chrono::seconds(50)};
};

TEST_F(SysvNamespace, ListsEveryQueueAndCountsWhatTheyHold) {
  in_own_namespace([] {
    EXPECT_TRUE(sysv::list().empty());
    EXPECT_EQ(sysv::use().queues, 0u);
    Queue first = Queue::create(1);
    Queue second = Queue::create(2, {.mode = 0644});
    Queue third = Queue::create(sysv::kPrivate);
    second.send("hello");
    third.send("hi");
    first.remove();  // a hole in the kernel's table
    const std::vector<sysv::Status> queues = sysv::list();
    ASSERT_EQ(queues.size(), 2u);
    EXPECT_EQ(queues[0].id, second.id());
    EXPECT_EQ(queues[0].key, sysv::Key(2));
    EXPECT_EQ(queues[0].mode, 0644u);
    EXPECT_EQ(queues[0].queued_bytes, 5u);
    EXPECT_EQ(queues[1].key, sysv::kPrivate);
    EXPECT_EQ(sysv::use().queues, 2u);
    EXPECT_EQ(sysv::use().messages, 2u);
    EXPECT_EQ(sysv::use().bytes, 7u);
  });
}

TEST_F(SysvNamespace, LimitsAreReadAndNamedByTheErrors) {
  in_own_namespace([] {
    set_limit("msgmni", 1);
    set_limit("msgmax", 100);
    set_limit("msgmnb", 200);
    const sysv::Limits limits = sysv::limits();
    EXPECT_EQ(limits.queues, 1u);
    EXPECT_EQ(limits.message_size, 100u);
    EXPECT_EQ(limits.queue_bytes, 200u);
    Queue only = Queue::create(1);
    EXPECT_EQ(only.status().most_bytes, 200u);
    EXPECT_TRUE(fails_with(Errc::too_many_queues, [] { (void)Queue::create(2); }));
    EXPECT_TRUE(says(sentence_of([] { (void)Queue::create(2); }), "create 'sysv:0x00000002'", "all of its 1",
                     "sysctl kernel.msgmni=2", "ENOSPC"));
    const std::string text(101, 'x');
    EXPECT_TRUE(says(sentence_of([&] { only.send(text); }), "message is 101 bytes", "at most 100",
                     "sysctl kernel.msgmax=101", "EMSGSIZE"));
  });
}

TEST_F(SysvNamespace, RoomAboveTheLimitIsForThePrivileged) {
  in_own_namespace([] {
    set_limit("msgmnb", 200);
    become_ordinary_user();
    const auto create = [] { (void)Queue::create(1, {.most_bytes = 201}); };
    EXPECT_TRUE(fails_with(Errc::permission_denied, create));
    EXPECT_TRUE(says(sentence_of(create), "create", "room for 201 bytes", "200", "sysctl kernel.msgmnb=201"));
    EXPECT_TRUE(sysv::list().empty()) << "nothing is left";
    Queue own = Queue::create(1, {.most_bytes = 200});
    EXPECT_TRUE(says(sentence_of([&] { own.change({.most_bytes = 300}); }), "change", "sysctl kernel.msgmnb=300"));
  });
}

TEST_F(SysvNamespace, MessagesAreWholeHoweverLargeTheyAre) {
  in_own_namespace([] {
    set_limit("msgmax", 5 << 20);
    set_limit("msgmnb", 10 << 20);
    Queue queue = Queue::create(1);
    for (const std::size_t size : {8191, 8192, 8193, 16385, 3 << 20}) {
      const std::string large(size, static_cast<char>('a' + size % 26));
      queue.send(large);
      EXPECT_TRUE(queue.peek()->text() == large) << size;
      EXPECT_TRUE(queue.receive().text() == large) << size;
      queue.send(large);
      std::vector<std::byte> buffer(size + 1);
      EXPECT_EQ(queue.receive(buffer).size, size);
    }
  });
}

TEST_F(SysvNamespace, WhatIsAboveALimitThatWasLoweredIsReceivedAndNotPeekedAt) {
  in_own_namespace([] {
    Queue queue = Queue::create(1);
    const std::string text(200, 'x');
    queue.send(text);
    set_limit("msgmax", 100);
    EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.peek(); }));
    EXPECT_EQ(queue.receive().text(), text);
  });
}

TEST_F(SysvNamespace, StrangersAreRefusedAndStillSeeTheQueueInTheList) {
  in_own_namespace([] {
    Queue queue = Queue::create(1, {.mode = 0600});
    queue.send("secret");
    become_ordinary_user();
    Queue theirs = Queue::open(1);
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { (void)theirs.try_receive(); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { (void)theirs.peek(); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { theirs.send("x"); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { (void)theirs.status(); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { theirs.change({.mode = 0666}); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { theirs.remove(); }));
    EXPECT_TRUE(says(sentence_of([&] { theirs.send("x"); }), "send 'sysv:0x00000001'", "owner and mode", "EACCES"));
    EXPECT_TRUE(says(sentence_of([&] { theirs.remove(); }), "remove", "creator"));
    ASSERT_EQ(sysv::list().size(), 1u);
    EXPECT_EQ(sysv::list()[0].messages, 1u);
  });
}

TEST_F(SysvNamespace, WhoMayOnlySendSends) {
  in_own_namespace([] {
    Queue queue = Queue::create(1, {.mode = 0622});
    Child sender([] {
      become_ordinary_user();
      Queue theirs = Queue::open(1);
      theirs.send("from below");
      EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { (void)theirs.try_receive(); }));
    });
    expect_well(sender);
    EXPECT_EQ(queue.receive().text(), "from below");
  });
}

}  // namespace
}  // namespace mqxx::test
