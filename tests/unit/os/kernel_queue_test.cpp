// One test for each duty of os/kernel_queue.hpp that tests/contract cannot see from above.
#include "os/kernel_queue.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/wait.hpp"
#include "support/emulated.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {
namespace {

using std::chrono::milliseconds;

class KernelQueue : public testing::Test {
 protected:
  void SetUp() override {
    const OpenOptions options{.capacity = 1, .message_size = 8};
    Result<UniqueFd> queue = open_kernel_queue({.name = name_, .options = options, .create = true, .exclusive = true});
    if (!queue && queue.failure().detail == ENOSYS) GTEST_SKIP() << "this system has no POSIX message queues";
    ASSERT_TRUE(queue) << queue.failure().detail;
    queue_ = std::move(*queue);
    ASSERT_TRUE(unlink_kernel_queue(name_));
  }

  [[nodiscard]] Result<void> send(const Wait& wait) const {
    return send_message(queue_.get(), std::as_bytes(std::span("x", 1)), 3, wait);
  }
  Result<void> receive(const Wait& wait) {
    Received received;
    return receive_message(queue_.get(), buffer_, wait, received);
  }
  static Wait soon() { return Wait::for_duration(milliseconds(20)); }

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  // With a slash in front of the name: emulators look for it there, since the C library takes it off.
  std::string slashed_ = "/mqxx-unit-" + std::to_string(::getpid());
  const char* name_ = slashed_.c_str() + 1;
  std::array<std::byte, 8> buffer_{};
  UniqueFd queue_;
};

TEST_F(KernelQueue, IsClosedOnExec) {
  EXPECT_TRUE(*close_on_exec(queue_.get()));
  ASSERT_TRUE(set_close_on_exec(queue_.get(), false));
  EXPECT_FALSE(*close_on_exec(duplicate(queue_.get())->get())) << "and a duplicate is as its origin";
}

TEST_F(KernelQueue, ANonblockingDescriptionAnswersWouldBlockWhateverTheWait) {
  ASSERT_TRUE(set_nonblocking(queue_.get(), true));
  std::stop_source source;
  const std::stop_token token = source.get_token();
  for (const Wait& wait : {Wait::none(), Wait::forever(), Wait::forever(token), soon(),
                           Wait::until_time(std::chrono::system_clock::now() + std::chrono::hours(1))}) {
    EXPECT_TRUE(receive(wait).is(Errc::would_block));
    EXPECT_TRUE(await(queue_.get(), Awaited::message, wait).is(Errc::would_block));
  }
}

TEST_F(KernelQueue, IsLateNotBeforeTheDeadline) {
  const Wait steady = soon();
  EXPECT_TRUE(receive(steady).is(Errc::timed_out));
  EXPECT_TRUE(passed(steady));
  const Wait system = Wait::until_time(std::chrono::system_clock::now() + milliseconds(20));
  EXPECT_TRUE(await(queue_.get(), Awaited::message, system).is(Errc::timed_out));
  EXPECT_TRUE(passed(system));
}

TEST_F(KernelQueue, AwaitTakesAndSendsNothing) {
  EXPECT_TRUE(await(queue_.get(), Awaited::room, Wait::none()));
  EXPECT_EQ(kernel_attributes(queue_.get())->depth, 0u);
  ASSERT_TRUE(send(Wait::none()));
  EXPECT_TRUE(await(queue_.get(), Awaited::message, Wait::forever()));
  EXPECT_EQ(kernel_attributes(queue_.get())->depth, 1u);
  EXPECT_TRUE(await(queue_.get(), Awaited::room, Wait::none()).is(Errc::would_block));
}

TEST_F(KernelQueue, WhoMayNotSleepIsToldThatItWouldBlock) {
  Wait wait = Wait::forever();
  wait.may_sleep = [](void*) { return false; };
  EXPECT_TRUE(receive(wait).is(Errc::would_block));
  ASSERT_TRUE(send(wait));
  EXPECT_TRUE(receive(wait)) << "nobody asks where nobody sleeps";
}

TEST_F(KernelQueue, NoCallIsACancellationPoint) {
  Result<void> late;
  std::thread thread([&] {
    pthread_cancel(pthread_self());
    late = receive(soon());
    if (late.is(Errc::timed_out)) late = receive(Wait::until_time(std::chrono::system_clock::now() + milliseconds(5)));
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  });
  thread.join();
  EXPECT_TRUE(late.is(Errc::timed_out));
}

TEST_F(KernelQueue, KeepsItsNameWhenThatIsGone) { EXPECT_EQ(kernel_queue_name(queue_.get()), name_); }

TEST_F(KernelQueue, TellsTheBytesThatAreQueued) {
  EXPECT_EQ(kernel_status(queue_.get()).queued_bytes, 0u);
  ASSERT_TRUE(send(Wait::none()));
  EXPECT_EQ(kernel_status(queue_.get()).queued_bytes, 1u);
}

TEST_F(KernelQueue, TellsWhoIsRegisteredAndHow) {
  if (test::kEmulated) GTEST_SKIP() << "the emulator does not know mq_notify(2)";
  EXPECT_EQ(kernel_status(queue_.get()).notice, KernelStatus::Notice::none);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGURG;
  ASSERT_EQ(syscall(SYS_mq_notify, queue_.get(), &event), 0);
  KernelStatus status = kernel_status(queue_.get());
  EXPECT_EQ(status.notice, KernelStatus::Notice::signal);
  EXPECT_EQ(status.signal, SIGURG);
  EXPECT_EQ(status.registered_pid, getpid());
  ASSERT_EQ(syscall(SYS_mq_notify, queue_.get(), nullptr), 0);
  event.sigev_notify = SIGEV_NONE;
  ASSERT_EQ(syscall(SYS_mq_notify, queue_.get(), &event), 0);
  EXPECT_EQ(kernel_status(queue_.get()).notice, KernelStatus::Notice::silent);
}

TEST_F(KernelQueue, TellsWhoHasItOpenAndHowOften) {
  const Result<FileFacts> known = facts(queue_.get());
  ASSERT_TRUE(known);
  const auto descriptors = [&]() -> std::uint32_t {
    for (const KernelUser& user : kernel_users(known->device)) {
      if (user.inode == known->inode && user.pid == getpid()) return user.descriptors;
    }
    return 0;
  };
  EXPECT_EQ(descriptors(), 1u);
  Result<UniqueFd> second = duplicate(queue_.get());
  ASSERT_TRUE(second);
  EXPECT_EQ(descriptors(), 2u);
  second->reset();
  EXPECT_EQ(descriptors(), 1u);
}

TEST_F(KernelQueue, IsToldFromOtherDescriptors) {
  const UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(kernel_attributes(file.get()).is(Errc::not_a_queue));
  EXPECT_TRUE(kernel_attributes(-1).is(Errc::closed));
}

}  // namespace
}  // namespace mqxx::os
