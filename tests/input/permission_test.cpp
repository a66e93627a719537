// Users, modes, directories and limits: who may not is told so, with the path and the cause.
#include <algorithm>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

class Permission : public QueueTest {
 protected:
  Permission() { directory_.share_with_everybody(); }
  ~Permission() override { ::umask(before_); }

  /// A queue of the user who runs the test.
  static Queue make(std::uint32_t mode) {
    return Queue::create("/q", {.capacity = 4, .message_size = 64, .mode = mode});
  }

 private:
  mode_t before_ = ::umask(0);
};

/// Tests of this suite need a second user; only root can become one.
class SecondUser : public Permission {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "only root can act as a second user";
  }

  template <class Body>
  void as_another_user(Body body) {
    Child child([body] {
      become_ordinary_user();
      body();
    });
    expect_well(child);
  }
};

constexpr Access kEveryAccess[] = {Access::read_only, Access::write_only, Access::read_write};

TEST_F(SecondUser, AQueueOfMode600IsForItsOwnerOnly) {
  Queue queue = make(0600);
  queue.send("secret");
  as_another_user([] {
    for (const Access access : kEveryAccess) {
      EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { (void)Queue::open("/q", {.access = access}); }));
    }
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::open_or_create("/q"); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)describe("/q"); }));
    EXPECT_TRUE(fails_with(Errc::already_exists, [] { (void)Queue::create("/q"); }));
    EXPECT_TRUE(says(sentence_of([] { (void)Queue::open("/q"); }), "open", "'/q'", "EACCES"));
  });
  EXPECT_EQ(queue.receive().text(), "secret");
}

TEST_F(SecondUser, AQueueThatCannotBeReadIsListedWithItsError) {
  const Queue queue = make(0600);
  as_another_user([] {
    const std::vector<QueueInfo> infos = list();
    ASSERT_EQ(infos.size(), 1u);
    EXPECT_EQ(infos[0].name, "/q");
    EXPECT_EQ(infos[0].error, Errc::permission_denied);
    EXPECT_EQ(infos[0].uid, 0u);
    EXPECT_EQ(infos[0].attributes.capacity, 0u);
  });
}

TEST_F(SecondUser, AQueueOfMode666IsForEverybody) {
  Queue queue = make(0666);
  queue.send("for all", 3);
  as_another_user([] {
    Queue own = Queue::open("/q");
    EXPECT_EQ(own.receive().text(), "for all");
    own.send("thanks");
    EXPECT_EQ(own.statistics().last_receiver_pid, ::getpid());
  });
  EXPECT_EQ(queue.receive().text(), "thanks");
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(SecondUser, WhoMayOnlyReadMayOpenReadOnlyAndReceive) {
  Queue queue = make(0644);
  queue.send("for readers");
  as_another_user([] {
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::open("/q"); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::open("/q", {.access = Access::write_only}); }));
    Queue own = Queue::open("/q", {.access = Access::read_only});
    EXPECT_EQ(own.receive().text(), "for readers");
  });
}

TEST_F(SecondUser, WhoMayOnlyWriteMayOpenWriteOnlyAndSend) {
  Queue queue = make(0622);
  as_another_user([] {
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::open("/q"); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::open("/q", {.access = Access::read_only}); }));
    Queue own = Queue::open("/q", {.access = Access::write_only});
    own.send("from a writer");
  });
  EXPECT_EQ(queue.receive().text(), "from a writer");
}

TEST_F(SecondUser, AStrangerCannotRemoveAQueue) {
  Queue queue = make(0666);
  as_another_user([] {
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { Queue::unlink("/q"); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { Queue::open("/q").unlink(); }));
    std::error_code ec;
    Queue::unlink("/q", ec);
    EXPECT_EQ(ec, Errc::permission_denied);
  });
  queue.unlink();
}

TEST_F(SecondUser, RootWakesAReceiverOfAnotherUser) {
  Queue queue = make(0666);
  Child child([] {
    become_ordinary_user();
    EXPECT_EQ(Queue::open("/q").receive().text(), "wake up");
  });
  wait_until([&] { return queue.statistics().waiting_receivers == 1; });
  queue.send("wake up");
  expect_well(child);
}

TEST_F(SecondUser, ALoanOfAnotherUserComesBackWhenItDies) {
  Queue queue = Queue::create("/q", {.capacity = 1, .message_size = 8, .mode = 0666});
  Child child([] {
    become_ordinary_user();
    Queue own = Queue::open("/q");
    const SendLoan loan = own.loan(1);
    for (;;) ::pause();
  });
  wait_until([&] { return queue.statistics().loans == 1; });
  EXPECT_FALSE(queue.try_send("x"));
  child.kill();
  EXPECT_TRUE(queue.send_for("x", 10s));
}

TEST_F(SecondUser, ADirectoryThatIsNotWritableRefusesCreateAndUnlinkButOpens) {
  Queue queue = make(0666);
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0555), 0);
  const std::string path = directory_.path().string();
  as_another_user([path] {
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::create("/new"); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::open_or_create("/new"); }));
    EXPECT_TRUE(says(sentence_of([] { (void)Queue::create("/new"); }), "create", "'/new'", path, "EACCES"));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { Queue::unlink("/q"); }));
    Queue own = Queue::open("/q");
    own.send("x");
    EXPECT_EQ(own.receive().text(), "x");
  });
}

TEST_F(SecondUser, ADirectoryThatMayNotBeReadIsToldByList) {
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);
  const std::string path = directory_.path().string();
  as_another_user([path] {
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)list(); }));
    EXPECT_TRUE(says(sentence_of([] { (void)list(); }), path, "EACCES"));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::open("/q"); }));
  });
}

// ---- Without another user ----------------------------------------------------------------------------------------

TEST_F(Permission, ADirectoryThatIsMissingIsNamed) {
  const std::string missing = (directory_.path() / "missing").string();
  ::setenv("MQXX_DIR", missing.c_str(), 1);
  EXPECT_EQ(queue_directory(), missing);
  EXPECT_TRUE(fails_with(Errc::not_found, [] { (void)Queue::create("/q"); }));
  EXPECT_TRUE(fails_with(Errc::not_found, [] { (void)Queue::open("/q"); }));
  EXPECT_TRUE(fails_with(Errc::not_found, [] { (void)list(); }));
  EXPECT_TRUE(says(sentence_of([] { (void)Queue::create("/q"); }), "create", "'/q'", missing, "ENOENT"));
  EXPECT_TRUE(says(sentence_of([] { (void)list(); }), missing, "ENOENT"));
  EXPECT_FALSE(std::filesystem::exists(missing));
}

TEST_F(Permission, ADirectoryThatIsAFileIsNamed) {
  const std::string file = (directory_.path() / "file").string();
  ::close(::creat(file.c_str(), 0600));
  ::setenv("MQXX_DIR", file.c_str(), 1);
  std::string sentence = sentence_of([] { (void)Queue::create("/q"); });
  EXPECT_TRUE(says(sentence, "create", "'/q'", file));
  sentence = sentence_of([] { (void)list(); });
  EXPECT_TRUE(says(sentence, file));
}

TEST_F(Permission, WithoutTheVariableQueuesLiveInDevShm) {
  ::unsetenv("MQXX_DIR");
  EXPECT_EQ(queue_directory(), "/dev/shm");
  ::setenv("MQXX_DIR", "", 1);
  EXPECT_EQ(queue_directory(), "/dev/shm");
}

TEST_F(Permission, TheProcessOutOfDescriptorsIsToldSoAndRecovers) {
  Queue queue = make(0600);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(0);
  ::close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto open = [] { (void)Queue::open("/q"); };
  const testing::AssertionResult refused = fails_with(Errc::too_many_files, open);
  std::error_code ec;
  (void)Queue::create("/other", {}, ec);
  queue.send("what is open goes on");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(refused);
  EXPECT_EQ(ec, Errc::too_many_files) << ec.message();
  EXPECT_NO_THROW(open());
  EXPECT_EQ(queue.receive().text(), "what is open goes on");
}

TEST_F(Permission, AFileSizeLimitIsAnErrorAndNoSignal) {
  Child child([] {
    const rlimit small{.rlim_cur = 100'000, .rlim_max = 100'000};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    std::error_code ec;
    EXPECT_FALSE(Queue::create("/big", {.capacity = 1000, .message_size = 8192}, ec).is_open());
    EXPECT_EQ(ec, std::errc::file_too_large) << ec.message();
  });
  expect_well(child);
  EXPECT_EQ(directory_.file_count(), 0u);
}

TEST_F(Permission, AnAddressSpaceThatIsTooSmallIsToldSo) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs the address space that this test takes away";
#endif
  Child child([] {
    const rlimit small{.rlim_cur = 1 << 28, .rlim_max = 1 << 28};
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &small), 0);
    EXPECT_TRUE(fails_with(Errc::no_memory,
                           [] { (void)Queue::create("/big", {.capacity = 10'000, .message_size = 1 << 20}); }));
    Queue queue = Queue::create("/small");
    queue.send("x");
    EXPECT_EQ(queue.receive().text(), "x");
  });
  expect_well(child);
}

TEST_F(Permission, ModesBeyondThePermissionBitsDoNoHarm) {
  Queue queue = make(07777);
  queue.send("x");
  EXPECT_EQ(queue.receive().text(), "x");
  EXPECT_EQ(describe("/q").mode, 07777u) << "kept, as Linux keeps them";
}

}  // namespace
}  // namespace mqxx::test
