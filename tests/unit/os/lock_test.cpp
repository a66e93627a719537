// One test for each duty of os/lock.hpp, as far as the ports have them alike; the rest is in linux/ and generic/.
#include "os/lock.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>

#include "support/child.hpp"
#include "unit/os/lock_fixture.hpp"

namespace mqxx::os {
namespace {

TEST_F(Lock, ExcludesThreadsAndProcesses) {
  constexpr int kRounds = 20000;
  const auto count = [this] {
    for (int i = 0; i < kRounds; ++i) {
      ASSERT_EQ(lock_first(shared_.first), Locked::clean);
      ++shared_.counter;
      unlock_first(shared_.first);
    }
  };
  test::Child child(count);
  std::thread thread(count);
  count();
  thread.join();
  expect_well(child);
  EXPECT_EQ(shared_.counter, 3 * kRounds);
}

TEST_F(Lock, DeathOfTheOwnerIsToldToTheNext) {
  MQXX_NEEDS_DEATHS();
  die_after([](Shared& s) { lock_first(s.first); });
  EXPECT_TRUE(owner_died(shared_.first));
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
  EXPECT_EQ(lock_first(shared_.first), Locked::clean) << "repaired, so not told again";
  unlock_first(shared_.first);
}

TEST_F(Lock, DeathWithBothLocksIsToldOfBoth) {
  MQXX_NEEDS_DEATHS();
  die_after([](Shared& s) {
    lock_first(s.first);
    lock_second(s.first, s.second);
  });
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  EXPECT_EQ(lock_second(shared_.first, shared_.second), Locked::owner_died);
  unlock_second(shared_.first, shared_.second);
  unlock_first(shared_.first);
}

TEST_F(Lock, DeathAfterTheSecondWasReleasedIsToldOfTheFirstOnly) {
  MQXX_NEEDS_DEATHS();
  die_after([](Shared& s) {
    lock_first(s.first);
    lock_second(s.first, s.second);
    unlock_second(s.first, s.second);
  });
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  EXPECT_EQ(lock_second(shared_.first, shared_.second), Locked::clean);
  unlock_second(shared_.first, shared_.second);
  unlock_first(shared_.first);
}

TEST_F(Lock, AbandonedLockTellsTheNextOwnerAgain) {
  MQXX_NEEDS_DEATHS();
  die_after([](Shared& s) { lock_first(s.first); });
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  abandon_first(shared_.first);
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
}

TEST_F(Lock, DeathDuringTheRepairIsTheSameCase) {
  MQXX_NEEDS_DEATHS();
  die_after([](Shared& s) { lock_first(s.first); });
  die_after([](Shared& s) { EXPECT_EQ(lock_first(s.first), Locked::owner_died); });
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
}

TEST_F(Lock, SleepingWaiterIsWokenByTheOwnersDeath) {
  MQXX_NEEDS_DEATHS();
  test::Child owner([this] {
    lock_first(shared_.first);
    shared_.reached.store(1);
    for (;;) pause();
  });
  while (shared_.reached.load() == 0) std::this_thread::yield();
  test::Child waiter([this] {
    EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
    unlock_first(shared_.first);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // long enough to be asleep, most often
  owner.kill();
  expect_well(waiter);
}

TEST_F(Lock, DeathIsConfirmedWhenNobodyLetsGo) {
  MQXX_NEEDS_DEATHS();
  die_after([](Shared& s) {
    lock_first(s.first);
    lock_second(s.first, s.second);
  });
  ASSERT_EQ(lock_first(shared_.first), Locked::owner_died);
  EXPECT_TRUE(confirm_first(shared_.first));
  ASSERT_EQ(lock_second(shared_.first, shared_.second), Locked::owner_died);
  EXPECT_TRUE(confirm_second(shared_.first, shared_.second));
  unlock_second(shared_.first, shared_.second);
  unlock_first(shared_.first);
  EXPECT_EQ(lock_first(shared_.first), Locked::clean);
  unlock_first(shared_.first);
}

TEST_F(Lock, LockHeldForLongIsToldAndNotTaken) {
  MQXX_NEEDS_DEATHS();
  test::Child owner([this] {
    lock_first(shared_.first);
    shared_.reached.store(1);
    for (;;) pause();
  });
  while (shared_.reached.load() == 0) std::this_thread::yield();
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_slow);
  EXPECT_NE(owner_of(shared_.first), 0U);
  ASSERT_EQ(lock_first(shared_.second), Locked::clean) << "it held nothing";
  unlock_first(shared_.second);
  owner.kill();
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
}

std::atomic<int> g_told{-1};
LockWord* g_lock = nullptr;

TEST_F(Lock, SignalHandlerInsideALockIsToldThatItWouldDeadlock) {
  g_lock = &shared_.second;
  struct sigaction action {};
  action.sa_handler = [](int) { g_told.store(static_cast<int>(lock_first(*g_lock))); };
  sigaction(SIGUSR1, &action, nullptr);
  ASSERT_EQ(lock_first(shared_.first), Locked::clean);
  raise(SIGUSR1);
  unlock_first(shared_.first);
  EXPECT_EQ(g_told.load(), static_cast<int>(Locked::would_deadlock));
  EXPECT_EQ(lock_first(shared_.second), Locked::clean) << "it held nothing";
  unlock_first(shared_.second);
}

TEST_F(Lock, ChildOfAForkLocksUnderItsOwnName) {
  MQXX_NEEDS_DEATHS();
  ASSERT_EQ(lock_first(shared_.first), Locked::clean);  // so that the thread is known before the fork
  unlock_first(shared_.first);
  die_after([](Shared& s) { lock_first(s.first); });
  EXPECT_EQ(lock_first(shared_.first), Locked::owner_died);
  unlock_first(shared_.first);
}

}  // namespace
}  // namespace mqxx::os
