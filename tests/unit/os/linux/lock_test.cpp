// What the lock on the kernel's robust lists has beyond the common duties: strangers' bytes, equal TIDs, neighbours.
#include "os/lock.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>

#include "support/child.hpp"
#include "support/container.hpp"
#include "unit/os/lock_fixture.hpp"

namespace mqxx::os {
namespace {

TEST_F(Lock, LockHeldForLongIsToldAndCanBeTakenFromAStranger) {
  shared_.first.word.store(0x1234567);  // foreign bytes
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_slow);
  EXPECT_EQ(owner_of(shared_.first), 0x1234567U);
  disown(shared_.first, 0x7654321);
  EXPECT_EQ(owner_of(shared_.first), 0x1234567U) << "held in another name";
  disown(shared_.first, 0x1234567);
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  shared_.second.word.store(0x1234567);
  EXPECT_EQ(lock_second(shared_.first, shared_.second), Locked::owner_slow);
  disown(shared_.second, 0x1234567);
  EXPECT_EQ(lock_second(shared_.first, shared_.second), Locked::owner_died);
  unlock_second(shared_.first, shared_.second);
  unlock_first(shared_.first);
}

// ---- Equal TIDs: each container's first process has the number 1

class EqualNumbers : public Lock {
 protected:
  void SetUp() override {
    if (!test::can_contain()) GTEST_SKIP() << "namespaces can be made by root only, and not everywhere";
    MQXX_NEEDS_DEATHS();
  }

  /// A container's process 1 that does as `body` says, and waits.
  test::Child contained(void (*body)(Shared&)) {
    test::Child child = test::in_container([this, body] {
      body(shared_);
      shared_.reached.fetch_add(1);
      for (;;) pause();
    });
    return child;
  }
  void await(int count) {
    while (shared_.reached.load() < count) std::this_thread::yield();
  }
  /// Until somebody sleeps on it.
  static void await_sleeper(const LockWord& lock) {
    while (lock.contended.load() == 0) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
};

TEST_F(EqualNumbers, DeathOfAWaiterLeavesTheLockToItsOwner) {
  test::Child owner = contained([](Shared& s) { EXPECT_EQ(lock_first(s.first), Locked::clean); });
  await(1);
  EXPECT_EQ(owner_of(shared_.first), 1U);
  test::Child waiter = contained([](Shared& s) {
    while (lock_first(s.first) == Locked::owner_slow) continue;
  });
  await_sleeper(shared_.first);
  waiter.kill();
  EXPECT_FALSE(owner_died(shared_.first));
  EXPECT_EQ(owner_of(shared_.first), 1U);
  owner.kill();
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died) << "and the owner's death is told";
  unlock_first(shared_.first);
}

TEST_F(EqualNumbers, DeathOfAWaiterForTheSecondIsToldOfItsFirstAlone) {
  test::Child owner = contained([](Shared& s) { EXPECT_EQ(lock_first(s.second), Locked::clean); });
  await(1);
  test::Child waiter = contained([](Shared& s) {
    EXPECT_EQ(lock_first(s.first), Locked::clean);
    while (lock_second(s.first, s.second) == Locked::owner_slow) continue;
  });
  await_sleeper(shared_.second);
  waiter.kill();
  EXPECT_FALSE(owner_died(shared_.second));
  EXPECT_EQ(owner_of(shared_.second), 1U);
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
}

/// As an owner does whose lock was told to be a dead one's: it goes on, and unlocks.
std::thread unlock_soon(LockWord& lock) {
  return std::thread([&lock] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    lock.word.store(0);
  });
}

TEST_F(Lock, OwnerWhoWasTakenForDeadAndLetsGoHasTheLockBack) {
  shared_.first.word.store(FUTEX_OWNER_DIED);
  shared_.second.word.store(FUTEX_OWNER_DIED);
  ASSERT_EQ(lock_first(shared_.first), Locked::owner_died);
  std::thread owner = unlock_soon(shared_.first);
  EXPECT_FALSE(confirm_first(shared_.first));
  owner.join();
  ASSERT_EQ(lock_first(shared_.first), Locked::clean) << "and the caller did not have it";
  ASSERT_EQ(lock_second(shared_.first, shared_.second), Locked::owner_died);
  owner = unlock_soon(shared_.second);
  EXPECT_FALSE(confirm_second(shared_.first, shared_.second));
  owner.join();
  ASSERT_EQ(lock_second(shared_.first, shared_.second), Locked::clean);
  unlock_second(shared_.first, shared_.second);
  unlock_first(shared_.first);
}

TEST_F(Lock, LivesBesideTheCLibrarysRobustMutexes) {
  MQXX_NEEDS_DEATHS();
  auto* mutex = static_cast<pthread_mutex_t*>(
      mmap(nullptr, sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(mutex, &attributes);
  test::Child child([&] {
    pthread_mutex_lock(mutex);  // is on the list when ours come and go
    lock_first(shared_.first);
    lock_second(shared_.first, shared_.second);
    unlock_second(shared_.first, shared_.second);
    unlock_first(shared_.first);
    lock_first(shared_.first);
    lock_second(shared_.first, shared_.second);
    shared_.reached.store(1);
    for (;;) pause();
  });
  while (shared_.reached.load() == 0) std::this_thread::yield();
  child.kill();
  EXPECT_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
  pthread_mutex_consistent(mutex);
  pthread_mutex_unlock(mutex);
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  EXPECT_EQ(lock_second(shared_.first, shared_.second), Locked::owner_died);
  unlock_second(shared_.first, shared_.second);
  unlock_first(shared_.first);
  munmap(mutex, sizeof(pthread_mutex_t));
}

}  // namespace
}  // namespace mqxx::os
