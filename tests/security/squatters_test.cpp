// A name that a victim is about to use is taken by an attacker: as on the kernel's queues, it is then the attacker's
// queue, whoever looks can tell, and nobody gets more than its mode gives. (tests/posix/cases/users.cpp compares the
// calls of <mqueue.h> with the kernel's.)
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faces.hpp"
#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

class Squatters : public QueueTest, public testing::WithParamInterface<const Face*> {
 protected:
  Squatters() {
    directory_.share_with_everybody();
    ::umask(0);
  }
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "only root can act as two users";
  }

  static const Face& face() { return *GetParam(); }
  template <class Body>
  static void as_user(unsigned uid, Body body) {
    Child child([&] {
      ASSERT_EQ(::setresgid(uid, uid, uid), 0);
      ASSERT_EQ(::setresuid(uid, uid, uid), 0);
      body();
    });
    expect_well(child);
  }

  static constexpr unsigned kAttacker = 65533;
  static constexpr unsigned kVictim = 65532;
};

TEST_P(Squatters, WhoDemandsToCreateIsTold) {
  as_user(kAttacker, [] { ASSERT_EQ(face().create("/q", 0666), 0); });
  as_user(kVictim, [] { EXPECT_EQ(face().create("/q", 0600), EEXIST); });
}

TEST_P(Squatters, WhoDoesNotOpensTheAttackersQueueAsOnTheKernelAndCanSeeWhoseItIs) {
  as_user(kAttacker, [] { ASSERT_EQ(face().create("/q", 0666), 0); });
  as_user(kVictim, [] {
    EXPECT_EQ(face().open_or_create("/q"), 0);
    EXPECT_EQ(describe("/q").uid, kAttacker);
  });
}

TEST_P(Squatters, QueueForItsOwnerOnlyIsNobodyElsesToOpenOrRemove) {
  as_user(kAttacker, [] { ASSERT_EQ(face().create("/q", 0600), 0); });
  as_user(kVictim, [] {
    EXPECT_EQ(face().open("/q"), EACCES);
    EXPECT_EQ(face().open_or_create("/q"), EACCES);
    EXPECT_EQ(face().unlink("/q"), EACCES);
  });
  as_user(kAttacker, [] { EXPECT_EQ(face().unlink("/q"), 0); });
  as_user(kVictim, [] { EXPECT_EQ(face().create("/q", 0600), 0); });
}

TEST_P(Squatters, FilesOfAQueueCannotBeRemovedRenamedOrReplacedByAnotherUser) {
  as_user(kVictim, [] { ASSERT_EQ(face().create("/q", 0666), 0); });
  const auto path = directory_.path();
  as_user(kAttacker, [&] {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      ++files;
      EXPECT_NE(::unlink(entry.path().c_str()), 0) << entry.path();
      EXPECT_NE(::rename(entry.path().c_str(), (path / "elsewhere").c_str()), 0) << entry.path();
      ASSERT_EQ(::symlink("elsewhere", (path / "link").c_str()), 0);
      EXPECT_NE(::rename((path / "link").c_str(), entry.path().c_str()), 0) << entry.path();
      ASSERT_EQ(::unlink((path / "link").c_str()), 0);
      EXPECT_NE(::chmod(entry.path().c_str(), 0777), 0) << entry.path();
    }
    EXPECT_EQ(files, 3U);
  });
  as_user(kVictim, [] { EXPECT_EQ(face().pass_message("/q"), 0); });
}

TEST_P(Squatters, UmaskAndModeDecideWhoOpensForWhat) {
  struct {
    mode_t umask;
    mode_t mode;
    int others;
  } const cases[] = {{0, 0666, 0}, {022, 0666, EACCES}, {077, 0666, EACCES}, {0, 0600, EACCES}, {0, 0606, 0}};
  for (const auto& wanted : cases) {
    as_user(kVictim, [&] {
      ::umask(wanted.umask);
      ASSERT_EQ(face().create("/q", wanted.mode), 0);
    });
    as_user(kAttacker, [&] { EXPECT_EQ(face().open("/q"), wanted.others) << std::oct << wanted.mode; });
    as_user(kVictim, [] { EXPECT_EQ(face().unlink("/q"), 0); });
  }
}

// The bytes of a lock name a living thread that has nothing to do with the queue, and of which an ordinary user cannot
// ask what it maps.
TEST_P(Squatters, LockInTheNameOfAStrangersThreadIsNotWaitedForForEver) {
  Child stranger([] {
    ASSERT_EQ(::setresuid(kAttacker, kAttacker, kAttacker), 0);
    for (;;) ::pause();
  });
  as_user(kVictim, [] { ASSERT_EQ(face().create("/q", 0600), 0); });
  const int fd = ::open(directory_.queue_file().c_str(), O_WRONLY | O_CLOEXEC);
  const auto thread = static_cast<std::uint32_t>(stranger.pid());
  constexpr off_t kSendersLock = 384;  // docs/layout.md
  ASSERT_EQ(::pwrite(fd, &thread, sizeof thread, kSendersLock), ssize_t{sizeof thread});
  ::close(fd);
  as_user(kVictim, [] { EXPECT_EQ(face().pass_message("/q"), 0); });
  EXPECT_EQ(broken_invariants("/q"), "");
}

INSTANTIATE_TEST_SUITE_P(Of, Squatters, testing::ValuesIn(faces()),
                         [](const auto& instance) { return instance.param->name(); });

}  // namespace
}  // namespace mqxx::test
