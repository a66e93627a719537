// One test for each duty of os/process.hpp, as far as the ports have them alike; the rest is in linux/ and generic/.
#include "os/process.hpp"

#include <cerrno>

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/guard.hpp"
#include "os/memory.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/watchdog.hpp"
#include "unit/os/taken_signal.hpp"

namespace mqxx::os {
namespace {

class Claims : public testing::Test {
 protected:
  Claims() : file_(std::move(*create_unnamed(directory_.path(), 0600))) {}

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  test::PrivateDirectory directory_;
  UnnamedFile file_;
};

TEST_F(Claims, AnotherDescriptionSeesTheClaim) {
  const Result<UniqueFd> other = reopen(file_.fd.get());
  ASSERT_TRUE(other);
  ASSERT_TRUE(claim(file_.fd.get(), 7));
  EXPECT_TRUE(claimed_elsewhere(other->get(), 7));
  EXPECT_FALSE(claimed_elsewhere(other->get(), 8));
  EXPECT_FALSE(claimed_elsewhere(file_.fd.get(), 7)) << "its own claim is not elsewhere";
  EXPECT_TRUE(claim(other->get(), 7).is(Errc::would_block));
}

TEST_F(Claims, ClaimEndsWithItsProcess) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  test::Child child([&] {
    const Result<UniqueFd> own = reopen(file_.fd.get());
    ASSERT_TRUE(own && claim(own->get(), 3));
    ASSERT_EQ(write(ready[1], "x", 1), 1);
    for (;;) pause();
  });
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_TRUE(claimed_elsewhere(file_.fd.get(), 3));
  child.kill();
  EXPECT_FALSE(claimed_elsewhere(file_.fd.get(), 3));
  close(ready[0]);
  close(ready[1]);
}

TEST(Process, ForkRaisesTheGenerationAndChangesTheId) {
  const std::uint32_t generation = fork_generation();
  const std::int32_t pid = process_id();
  EXPECT_EQ(pid, getpid());
  test::Child child([&] {
    EXPECT_GT(fork_generation(), generation);
    EXPECT_EQ(process_id(), getpid());
    EXPECT_NE(process_id(), pid);
  });
  expect_well(child);
  EXPECT_EQ(fork_generation(), generation);
}

TEST(Process, DeadProcessDoesNotExist) {
  test::Child child([] {});
  const std::int32_t pid = child.pid();
  expect_well(child);
  EXPECT_FALSE(process_exists(pid));
  EXPECT_TRUE(process_exists(getpid()));
}

TEST(Raise, IsPendingWhenTheCallReturns) {
  test::Child child([] {
    block(SIGUSR1);
    EXPECT_TRUE(raise_for_message(getpid(), SIGUSR1, 7));
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGUSR1), 1);
    EXPECT_EQ(taken(SIGUSR1).si_value.sival_int, 7);
  });
  expect_well(child);
}

TEST(Raise, DeadAndForbiddenTargetsAreToldApart) {
  test::Child dead([] {});
  const std::int32_t gone = dead.pid();
  expect_well(dead);
  errno = EDOM;
  EXPECT_TRUE(raise_for_message(gone, SIGUSR1, 0).is(Errc::not_found));
  EXPECT_EQ(errno, EDOM);
  test::Child stranger([] {
    test::become_ordinary_user();
    EXPECT_TRUE(raise_for_message(1, SIGUSR1, 0).is(Errc::permission_denied));
  });
  expect_well(stranger);
}

TEST(Raise, SignalZeroIsNone) { EXPECT_TRUE(raise_for_message(getpid(), 0, 0)); }

// The address sanitizer takes the frames that a cancelled thread has left for frames that it is in.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kFollowsUnwinding = false;
#else
constexpr bool kFollowsUnwinding = true;
#endif

struct Cancelled {
  bool reached = false;  // the end of what was not to be cancelled
  bool passed = false;   // the cancellation point behind it
};

TEST(Process, ThreadIsNotCancelledWhileUncancelledLivesAndIsAfterwards) {
  if (!kFollowsUnwinding) GTEST_SKIP() << "not under the address sanitizer";
  Cancelled seen;
  pthread_t thread{};
  ASSERT_EQ(pthread_create(
                &thread, nullptr,
                [](void* argument) -> void* {
                  auto& told = *static_cast<Cancelled*>(argument);
                  {
                    const Uncancelled uncancelled;
                    {
                      const Uncancelled inner;  // restores what was before, and that is uncancelled
                    }
                    pthread_cancel(pthread_self());
                    pthread_testcancel();
                    told.reached = true;
                  }
                  pthread_testcancel();
                  told.passed = true;
                  return nullptr;
                },
                &seen),
            0);
  void* result = nullptr;
  ASSERT_EQ(pthread_join(thread, &result), 0);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_TRUE(seen.reached);
  EXPECT_FALSE(seen.passed);
}

TEST(Process, ModeBitsDecideForAnOrdinaryUser) {
  test::Child child([] {
    test::become_ordinary_user();
    const std::uint32_t self = geteuid();
    const std::uint32_t group = getegid();
    EXPECT_TRUE(may_access(self, group, 0600, true, true));
    EXPECT_FALSE(may_access(self, group, 0400, false, true));
    EXPECT_FALSE(may_access(self, group, 0066, true, false)) << "the owner's bits count, not the others'";
    EXPECT_TRUE(may_access(self + 1, group, 0040, true, false));
    EXPECT_FALSE(may_access(self + 1, group, 0006, true, false));
    EXPECT_TRUE(may_access(self + 1, group + 1, 0006, true, true));
    EXPECT_FALSE(may_access(self + 1, group + 1, 0660, true, false));
  });
  expect_well(child);
}

TEST(Process, SignalsHeldBackReachNeitherTheThreadNorThoseThatItMakesButThatOfALostPageDoes) {
  const auto blocked = [] {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    EXPECT_EQ(sigismember(&now, kGuardSignal), 0);
    return sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGALRM) == 1;
  };
  {
    const SignalsHeldBack held;
    EXPECT_TRUE(blocked());
    std::thread([&] { EXPECT_TRUE(blocked()); }).join();
  }
  EXPECT_FALSE(blocked());
}

TEST(Process, TheCreationMaskIsThatOfUmaskAndStaysAsItIs) {
  const mode_t before = ::umask(0137);
  EXPECT_EQ(creation_mask(), 0137u);
  EXPECT_EQ(creation_mask(), 0137u);
  EXPECT_EQ(::umask(before), 0137u);
}

}  // namespace
}  // namespace mqxx::os
