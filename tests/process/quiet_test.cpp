// No system call for a message while nobody polls, nor when somebody did: the process is killed by its first.
#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mqxx/notification.hpp>

#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kOwnCallsOnly = false;  // the sanitizers have some too
#else
constexpr bool kOwnCallsOnly = true;
#endif

/// From now on every system call but the ones that end the child kills it with SIGSYS.
void allow_no_system_call() {
  std::array filter{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = filter.size(), .filter = filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    throw std::system_error(errno, std::generic_category(), "seccomp");
}

class Quiet : public QueueTest {
 protected:
  void SetUp() override {
    if (!kOwnCallsOnly) GTEST_SKIP() << "not under a sanitizer";
  }

  /// How a process ends that sends and receives, from empty to full and back, and makes no call of the system.
  static Ended use_without_system_calls() {
    Child child([] {
      Queue queue = Queue::open("/q");
      std::array<std::byte, 64> buffer{};
      const auto round = [&] {
        while (queue.try_send(std::span<const std::byte>(buffer))) {
        }
        while (queue.try_receive(std::span(buffer))) {
        }
      };
      round();  // what is touched for the first time is reserved
      allow_no_system_call();
      constexpr int kRounds = 1000;
      for (int i = 0; i < kRounds; ++i) round();
      ::_exit(0);
    });
    return child.join();
  }
};

TEST_F(Quiet, NobodyPolls) {
  const Queue queue = Queue::create("/q", {.capacity = 10, .message_size = 64});
  const Ended ended = use_without_system_calls();
  EXPECT_TRUE(ended.well()) << ended.signal << ' ' << ended.failures;
}

TEST_F(Quiet, SomebodyHasPolledAndSubscribedAndDoesNoMore) {
  Queue queue = Queue::create("/q", {.capacity = 10, .message_size = 64});
  {
    Queue poller = Queue::open("/q");
    (void)poller.native_handle();
    Queue subscriber = Queue::open("/q");
    Subscription subscription = on_message(subscriber, [](Queue&) {});
    notify_silently(subscriber);
    queue.send("left for a while");
    std::this_thread::sleep_for(kMoment);
  }
  EXPECT_EQ(drained(queue).size(), 1u);
  const Ended ended = use_without_system_calls();
  EXPECT_TRUE(ended.well()) << ended.signal << ' ' << ended.failures;
}

TEST_F(Quiet, TheTestSeesASystemCall) {
  Queue queue = Queue::create("/q", {.capacity = 10, .message_size = 64});
  (void)queue.native_handle();
  EXPECT_EQ(use_without_system_calls().signal, SIGSYS) << "somebody polls";
}

}  // namespace
}  // namespace mqxx::test
