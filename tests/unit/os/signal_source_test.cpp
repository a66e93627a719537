// SignalSource: one test for each duty of os/signal_source.hpp.
#include "os/signal_source.hpp"

#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {
namespace {

bool is_readable(const SignalSource& source) {
  pollfd one{source.descriptor(), POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

bool is_blocked(int signal) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return ::sigismember(&now, signal) == 1;
}

bool is_pending(int signal) {
  sigset_t now;
  ::sigpending(&now);
  return ::sigismember(&now, signal) == 1;
}

class SignalSourceTest : public testing::Test {
 protected:
  test::Watchdog watchdog_{std::chrono::seconds(30)};
  SignalSource source_ = std::move(*SignalSource::make());
};

TEST_F(SignalSourceTest, TakesWhatIsPendingAndWhoSentIt) {
  ASSERT_TRUE(source_.add(SIGUSR1));
  EXPECT_FALSE(is_readable(source_));
  EXPECT_FALSE(source_.take());
  sigval value{};
  value.sival_int = 42;
  ::sigqueue(::getpid(), SIGUSR1, value);
  EXPECT_TRUE(is_readable(source_));
  const std::optional<SignalInfo> info = source_.take();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->signal, SIGUSR1);
  EXPECT_EQ(info->code, SI_QUEUE);
  EXPECT_EQ(info->pid, ::getpid());
  EXPECT_EQ(info->uid, ::getuid());
  EXPECT_EQ(info->value, 42);
  EXPECT_FALSE(is_readable(source_));
  source_.remove(SIGUSR1);
}

TEST_F(SignalSourceTest, TakesThoseOfTheProcessAndOfThisThread) {
  ASSERT_TRUE(source_.add(SIGUSR1));
  ASSERT_TRUE(source_.add(SIGUSR2));
  ::kill(::getpid(), SIGUSR1);
  ::pthread_kill(::pthread_self(), SIGUSR2);
  const std::optional<SignalInfo> first = source_.take();
  const std::optional<SignalInfo> second = source_.take();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->signal + second->signal, SIGUSR1 + SIGUSR2);
  source_.remove(SIGUSR1);
  source_.remove(SIGUSR2);
}

TEST_F(SignalSourceTest, RemoveUnblocksWhatAddBlockedAndDiscardsWhatIsPending) {
  ASSERT_FALSE(is_blocked(SIGUSR1));
  ASSERT_TRUE(source_.add(SIGUSR1));
  EXPECT_TRUE(is_blocked(SIGUSR1));
  ::raise(SIGUSR1);  // unblocked while it is pending it would end this process
  source_.remove(SIGUSR1);
  EXPECT_FALSE(is_blocked(SIGUSR1));
  EXPECT_FALSE(is_pending(SIGUSR1));
}

TEST_F(SignalSourceTest, RemoveLeavesBlockedWhatWasBlockedBefore) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ASSERT_TRUE(source_.add(SIGUSR1));
  ::raise(SIGUSR1);
  source_.remove(SIGUSR1);
  EXPECT_TRUE(is_blocked(SIGUSR1));
  EXPECT_TRUE(is_pending(SIGUSR1)) << "whoever has blocked it waits for it";
  int taken = 0;
  ::sigwait(&set, &taken);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

TEST_F(SignalSourceTest, RemoveInAnotherThreadChangesNoMask) {
  ASSERT_TRUE(source_.add(SIGUSR1));
  std::thread other([&] {
    source_.remove(SIGUSR1);
    EXPECT_TRUE(is_blocked(SIGUSR1)) << "as inherited";
  });
  other.join();
  EXPECT_TRUE(is_blocked(SIGUSR1));
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

TEST_F(SignalSourceTest, RefusesWhatIsNoSignalOrIsNeverPending) {
  for (const int signal : {0, -1, 1000, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    EXPECT_TRUE(source_.add(signal).is(Errc::invalid_argument)) << signal;
    source_.remove(signal);
  }
  EXPECT_FALSE(is_blocked(SIGBUS));
}

TEST_F(SignalSourceTest, TellsOfAChildHowItEnded) {
  ASSERT_TRUE(source_.add(SIGCHLD));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(7);
  pollfd one{source_.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&one, 1, -1), 1);
  const std::optional<SignalInfo> info = source_.take();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->pid, child);
  EXPECT_EQ(info->code, CLD_EXITED);
  EXPECT_EQ(info->status, 7);
  ::waitpid(child, nullptr, 0);
  source_.remove(SIGCHLD);
}

}  // namespace
}  // namespace mqxx::os
