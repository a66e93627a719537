// One test for each duty of os/process.hpp.
#include "os/process.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/memory.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/watchdog.hpp"

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

TEST_F(Claims, ThreadMapsAFileOrDoesNot) {
  ASSERT_TRUE(resize(file_.fd.get(), 4096));
  const auto self = static_cast<std::uint32_t>(gettid());
  EXPECT_FALSE(may_map(self, file_.fd.get()));
  const Result<std::byte*> memory = map_shared(file_.fd.get(), 4096);
  ASSERT_TRUE(memory);
  EXPECT_TRUE(may_map(self, file_.fd.get()));
  unmap(*memory, 4096);
  EXPECT_FALSE(may_map(0x3fffffff, file_.fd.get())) << "no such thread";
}

TEST(Process, RunsSomewhere) { EXPECT_GE(current_cpu(), 0); }

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

}  // namespace
}  // namespace mqxx::os
