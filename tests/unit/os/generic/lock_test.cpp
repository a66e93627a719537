// What the lock on fcntl(2) has beyond the common duties, and what it cannot do (docs/porting.md).
#include "os/lock.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/generic/register.hpp"
#include "os/process.hpp"
#include "support/child.hpp"
#include "support/container.hpp"
#include "unit/os/lock_fixture.hpp"

namespace mqxx::os {
namespace {

constexpr std::uint32_t kNobody = 0x1234567;

TEST_F(Lock, WordThatNamesNobodyIsADeadOwners) {
  shared_.first.word.store(kNobody);
  EXPECT_TRUE(owner_died(shared_.first));
  ASSERT_EQ(lock_first(shared_.first), Locked::owner_died);
  shared_.second.word.store(kNobody);
  ASSERT_EQ(lock_second(shared_.first, shared_.second), Locked::owner_died);
  unlock_second(shared_.first, shared_.second);
  unlock_first(shared_.first);
  ASSERT_EQ(lock_first(shared_.first), Locked::clean);
  unlock_first(shared_.first);
}

TEST_F(Lock, WordThatNamesThisProcessWithoutAnOwnerIsFound) {
  shared_.first.word.store(process_number());
  ASSERT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
}

TEST_F(Lock, WordThatNamesThisProcessIsBelievedWhileAThreadIsInsideSomeLock) {
  std::atomic<bool> inside{false};
  std::atomic<bool> over{false};
  std::thread owner([&] {
    ASSERT_EQ(lock_first(shared_.second), Locked::clean);
    inside.store(true);
    while (!over.load()) std::this_thread::yield();
    unlock_first(shared_.second);
  });
  while (!inside.load()) std::this_thread::yield();
  shared_.first.word.store(process_number());
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_slow);
  over.store(true);
  owner.join();
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
}

// Linux looks at what the process maps, and takes the lock back.
TEST_F(Lock, WordThatNamesALivingStrangerStaysTaken) {
  test::Child stranger([this] {
    shared_.counter = process_number();
    shared_.reached.store(1);
    for (;;) pause();
  });
  while (shared_.reached.load() == 0) std::this_thread::yield();
  const auto number = static_cast<std::uint32_t>(shared_.counter);
  shared_.first.word.store(number);
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_slow);
  EXPECT_EQ(maps(number, 0), Maps::unknown) << "so the engine does not disown it";
  disown(shared_.first, number + 1);
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_slow) << "held in another name";
  disown(shared_.first, number);
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
  stranger.kill();
}

// The kernel of Linux notices: its lists are a thread's.
TEST_F(Lock, ThreadThatEndsAloneWithALockIsNotNoticed) {
  test::Child child([this] {
    std::thread([this] { EXPECT_EQ(lock_first(shared_.first), Locked::clean); }).join();
    EXPECT_FALSE(owner_died(shared_.first));
    EXPECT_EQ(lock_first(shared_.first), Locked::owner_slow);
  });
  expect_well(child);
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died) << "but the end of its process is";
  unlock_first(shared_.first);
}

TEST_F(Lock, ZombieIsDead) {
  test::Child child([this] { lock_first(shared_.first); });
  while (!owner_died(shared_.first)) std::this_thread::yield();  // nobody has waited for it
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
  EXPECT_EQ(child.join().exit_status, 0);
}

TEST_F(Lock, ProcessThatHasClosedTheRegisterIsRefused) {
  test::Child child([this] {
    EXPECT_EQ(lock_first(shared_.first), Locked::clean);
    unlock_first(shared_.first);
    constexpr int kMost = 256;
    for (int fd = 3; fd < kMost; ++fd) (void)close(fd);  // the pipe of its failures among them
    shared_.counter = static_cast<std::uint64_t>(lock_first(shared_.first));
    shared_.reached.store(1);
  });
  (void)child.join();
  EXPECT_EQ(shared_.reached.load(), 1);
  EXPECT_EQ(static_cast<Locked>(shared_.counter), Locked::would_deadlock);
  EXPECT_EQ(lock_first(shared_.first), Locked::clean) << "it did not take it, and so did not leave it";
  unlock_first(shared_.first);
}

TEST_F(Lock, ContainersHaveNumbersOfOneRegister) {
  if (!test::can_contain()) GTEST_SKIP() << "namespaces can be made by root only, and not everywhere";
  const auto hold = [this](LockWord& lock) {
    test::Child child = test::in_container([this, &lock] {
      EXPECT_EQ(lock_first(lock), Locked::clean);
      shared_.reached.fetch_add(1);
      for (;;) pause();
    });
    return child;
  };
  test::Child one = hold(shared_.first);
  test::Child other = hold(shared_.second);
  while (shared_.reached.load() < 2) std::this_thread::yield();
  EXPECT_NE(owner_of(shared_.first), owner_of(shared_.second)) << "though both are process 1";
  one.kill();
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  EXPECT_EQ(lock_second(shared_.first, shared_.second), Locked::owner_slow);
  unlock_first(shared_.first);
  other.kill();
}

}  // namespace
}  // namespace mqxx::os
