// Finding, making and removing System V queues, and what is known of them.
#include <chrono>

#include <sys/msg.h>
#include <unistd.h>

#include "sysv/sysv_test.hpp"

namespace mqxx::test {
namespace {

using sysv::Key;
using sysv::Queue;

class SysvMaking : public SysvTest {
 protected:
  void TearDown() override {
    std::error_code ec;
    const Queue left = Queue::open(key_, ec);
    if (!ec) Queue(left).remove(ec);
    SysvTest::TearDown();
  }
  const Key key_ = own_key();
};

TEST_F(SysvMaking, IsFoundByItsKey) {
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(key_); }));
  const Queue made = Queue::create(key_);
  EXPECT_EQ(Queue::open(key_).id(), made.id());
  EXPECT_EQ(made.key(), key_);
  EXPECT_EQ(made.name().substr(0, 9), "sysv:0x6d");
  EXPECT_TRUE(fails_with(Errc::already_exists, [&] { (void)Queue::create(key_); }));
  EXPECT_EQ(Queue::create(key_, {.exclusive = false}).id(), made.id());
  EXPECT_EQ(Queue::open_or_create(key_).id(), made.id());
}

TEST_F(SysvMaking, OfAPrivateKeyEachQueueIsItsOwnAndNoneIsFound) {
  Queue other = Queue::create(sysv::kPrivate);
  EXPECT_NE(other.id(), queue_.id());
  EXPECT_TRUE(fails_with(Errc::not_found, [] { (void)Queue::open(sysv::kPrivate); }));
  EXPECT_EQ(other.name(), "sysv:id=" + std::to_string(other.id()));
  other.remove();
}

TEST_F(SysvMaking, IsTheQueueThatOtherProgramsSee) {
  Queue made = Queue::create(key_, {.mode = 0640});
  ASSERT_EQ(::msgget(static_cast<key_t>(key_.number()), 0), made.id());
  struct {
    long type = 7;
    char text[2] = {'h', 'i'};
  } theirs;
  ASSERT_EQ(::msgsnd(made.id(), &theirs, 2, 0), 0);
  EXPECT_EQ(text_of(made.receive()), "7 hi");
  made.send("yo", 9);
  ASSERT_EQ(::msgrcv(made.id(), &theirs, 2, 9, 0), 2);
  EXPECT_EQ(theirs.text[0], 'y');
  msqid_ds status{};
  ASSERT_EQ(::msgctl(made.id(), IPC_STAT, &status), 0);
  EXPECT_EQ(status.msg_perm.mode & 0777, 0640);
}

TEST_F(SysvMaking, IsKnownByItsNumberToo) {
  queue_.send("x");
  Queue same = Queue::from_id(queue_.id());
  EXPECT_EQ(same.receive().text(), "x");
  EXPECT_EQ(Queue::from_id(queue_.id(), key_).name(), Queue::from_id(0, key_).name());
}

TEST_F(SysvMaking, GetsTheRoomThatItIsGiven) {
  EXPECT_EQ(Queue::create(key_, {.most_bytes = 100}).status().most_bytes, 100u);
  EXPECT_EQ(Queue::open_or_create(key_, {.most_bytes = 200}).status().most_bytes, 100u) << "it was there";
}

TEST_F(SysvMaking, RefusesRoomThatNobodyCanCountAndMakesNothing) {
  const std::uint64_t beyond = std::uint64_t{1} << 32;
  EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { (void)Queue::create(key_, {.most_bytes = beyond}); }));
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(key_); }));
}

TEST_F(SysvMaking, FilesAndProjectsStandForKeys) {
  const Key key = sysv::key_of("/", 'q');
  EXPECT_EQ(static_cast<key_t>(key.number()), ::ftok("/", 'q'));
  EXPECT_NE(key, sysv::key_of("/", 'r'));
  EXPECT_TRUE(fails_with(Errc::not_found, [] { (void)sysv::key_of("/no/such/file", 'q'); }));
  EXPECT_TRUE(says(sentence_of([] { (void)sysv::key_of("/no/such/file", 'q'); }), "/no/such/file", "No such file"));
  std::error_code ec;
  EXPECT_EQ(sysv::key_of("/no/such/file", 'q', ec), sysv::kPrivate);
  EXPECT_EQ(ec, Errc::not_found);
}

TEST_F(SysvMaking, NoQueueIsClosed) {
  Queue none;
  EXPECT_FALSE(none.is_open());
  EXPECT_EQ(none.name(), "");
  EXPECT_TRUE(fails_with(Errc::closed, [&] { none.send("x"); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)none.receive(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)none.peek(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)none.status(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { none.change({}); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { none.remove(); }));
}

TEST_F(SysvMaking, RemovedItIsGoneForAllAtOnce) {
  Queue made = Queue::create(key_);
  made.send("lost");
  Queue other = Queue::open(key_);
  made.remove();
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { other.send("x"); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)other.try_receive(); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)other.peek(); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)other.status(); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { other.change({.mode = 0666}); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { other.remove(); }));
  const Queue anew = Queue::create(key_);
  EXPECT_NE(anew.id(), made.id()) << "the number of the old one is not taken for the new";
}

TEST_F(SysvMaking, StatusTellsWhatHappened) {
  const auto before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const sysv::Status fresh = queue_.status();
  EXPECT_EQ(fresh.id, queue_.id());
  EXPECT_EQ(fresh.key, sysv::kPrivate);
  EXPECT_EQ(fresh.creator_uid, ::geteuid());
  EXPECT_EQ(fresh.gid, ::getegid());
  EXPECT_EQ(fresh.mode, 0600u);
  EXPECT_EQ(fresh.most_bytes, sysv::limits().queue_bytes);
  EXPECT_EQ(fresh.last_send, sysv::Status::Time{});
  queue_.send("hello");
  queue_.send("hi");
  (void)queue_.receive();
  const sysv::Status used = queue_.status();
  EXPECT_EQ(used.messages, 1u);
  EXPECT_EQ(used.queued_bytes, 2u);
  EXPECT_EQ(used.last_sender_pid, ::getpid());
  EXPECT_EQ(used.last_receiver_pid, ::getpid());
  EXPECT_GE(used.last_receive + std::chrono::seconds(1), before);
}

TEST_F(SysvMaking, ChangesWhatIsNamedAndLeavesTheRest) {
  queue_.change({.mode = 0620});
  EXPECT_EQ(queue_.status().mode, 0620u);
  queue_.change({.most_bytes = 50});
  EXPECT_EQ(queue_.status().mode, 0620u);
  EXPECT_EQ(queue_.status().most_bytes, 50u);
  EXPECT_EQ(queue_.status().uid, ::geteuid());
}

TEST_F(SysvMaking, TwinsTellByCodeAndClearIt) {
  std::error_code ec = stale_code();
  const Queue made = Queue::create(key_, {}, ec);
  EXPECT_FALSE(ec);
  (void)Queue::create(key_, {}, ec);
  EXPECT_EQ(ec, Errc::already_exists);
  EXPECT_EQ(Queue::open(key_, ec).id(), made.id());
  EXPECT_FALSE(ec);
  EXPECT_EQ(Queue::open_or_create(key_, {}, ec).id(), made.id());
  Queue(made).change({.mode = 0666}, ec);
  EXPECT_FALSE(ec);
  EXPECT_EQ(made.status(ec).mode, 0666u);
  Queue(made).remove(ec);
  EXPECT_FALSE(ec);
  EXPECT_EQ(made.status(ec).id, -1);
  EXPECT_EQ(ec, Errc::queue_removed);
  EXPECT_FALSE(Queue::open(key_, ec).is_open());
  EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace mqxx::test
