// What POSIX does not tell of processes, and the careful answers (docs/porting.md).
#include "os/process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "os/kernel_queue.hpp"
#include "os/memory.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "unit/os/taken_signal.hpp"

namespace mqxx::os {
namespace {

TEST(Process, NothingIsKnownOfThreadsAndProcessors) {
  EXPECT_EQ(current_cpu(), -1);
  EXPECT_EQ(maps(thread_id(), 0), Maps::unknown);
  EXPECT_EQ(doing(thread_id()), Doing::unknown);
  EXPECT_TRUE(is_thread_of(thread_id(), getppid())) << "cannot say no";
  EXPECT_EQ(pid_namespace(), 0U);
}

TEST(Process, NobodyIsSureOfAUser) {
  EXPECT_FALSE(acts_as(getuid()));
  EXPECT_FALSE(belongs_to(getpid(), getuid()));
}

TEST(Process, LocksAreHeldInTheNameOfTheProcess) {
  const std::uint32_t ours = thread_id();
  EXPECT_NE(ours, 0U);
  test::Child child([ours] { EXPECT_NE(thread_id(), ours); });
  expect_well(child);
}

TEST(Raise, ArrivesAsASignalOfThisProcess) {
  test::Child child([] {
    block(SIGUSR1);
    EXPECT_TRUE(raise_in_name_of(12345, 678, SIGUSR1, kValue));
    const siginfo_t info = taken(SIGUSR1);
    EXPECT_EQ(info.si_code, SI_QUEUE);
    EXPECT_EQ(info.si_pid, getpid()) << "in its own name, whoever was named";
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(info.si_value.sival_ptr), kValue);
  });
  expect_well(child);
}

TEST(ProcessClaims, ClosedDescriptorLosesItsClaimAtTheNextQuestion) {
  const test::PrivateDirectory directory;
  UnnamedFile file = std::move(*create_unnamed(directory.path(), 0600));
  Result<UniqueFd> other = reopen(file.fd.get());
  ASSERT_TRUE(claim(other->get(), 7));
  EXPECT_TRUE(claim(file.fd.get(), 7).is(Errc::would_block));
  other->reset();
  EXPECT_TRUE(claim(file.fd.get(), 7));
}

TEST(ProcessClaims, UnmappedFileLosesThemAtOnce) {
  const test::PrivateDirectory directory;
  const UnnamedFile file = std::move(*create_unnamed(directory.path(), 0600));
  ASSERT_TRUE(resize(file.fd.get(), 4096));
  std::byte* const memory = *map_shared(file.fd.get(), 4096);
  ASSERT_TRUE(claim(file.fd.get(), 7));
  const auto seen_by_others = [&file] {
    test::Child child([&file] { EXPECT_TRUE(claim(file.fd.get(), 7)); });
    return !child.join().well();
  };
  EXPECT_TRUE(seen_by_others());
  unmap(memory, 4096);
  EXPECT_FALSE(seen_by_others());
}

TEST(KernelQueues, ThereAreNone) {
  EXPECT_EQ(open_kernel_queue({.name = "q", .options = {}, .create = true}).failure().detail, ENOSYS);
  EXPECT_EQ(list_kernel_queues().failure().detail, ENOSYS);
  EXPECT_FALSE(kernel_limits());
}

}  // namespace
}  // namespace mqxx::os
