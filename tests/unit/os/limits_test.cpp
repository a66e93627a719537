// One test for each duty of os/limits.hpp.
#include "os/limits.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/private_directory.hpp"

namespace mqxx::os {
namespace {

class LoweredLimit {
 public:
  LoweredLimit(int resource, rlim_t value) : resource_(resource) {
    EXPECT_EQ(getrlimit(resource_, &before_), 0);
    const rlimit lower{value, before_.rlim_max};
    EXPECT_EQ(setrlimit(resource_, &lower), 0);
  }
  LoweredLimit(const LoweredLimit&) = delete;
  LoweredLimit& operator=(const LoweredLimit&) = delete;
  ~LoweredLimit() { EXPECT_EQ(setrlimit(resource_, &before_), 0); }

 private:
  int resource_;
  rlimit before_{};
};

TEST(ProcessLimits, AreTheSoftOnes) {
  const LoweredLimit descriptors(RLIMIT_NOFILE, 64);
  const LoweredLimit file(RLIMIT_FSIZE, 1 << 20);
  EXPECT_EQ(process_limits().descriptors, 64u);
  EXPECT_EQ(process_limits().file_bytes, std::uint64_t{1} << 20);
}

TEST(ProcessLimits, ThatAreNotSetAreUnlimited) {
  rlimit hard{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &hard), 0);
  if (hard.rlim_max != RLIM_INFINITY) GTEST_SKIP() << "this process may not have more than " << hard.rlim_max;
  const LoweredLimit file(RLIMIT_FSIZE, RLIM_INFINITY);
  EXPECT_EQ(process_limits().file_bytes, kUnlimited);
}

TEST(Space, OfADirectoryIsNoMoreThanThereIs) {
  const test::PrivateDirectory directory;
  const Result<Space> found = space(directory.path().string());
  ASSERT_TRUE(found);
  EXPECT_GT(found->bytes, 0u);
  EXPECT_LE(found->bytes_left, found->bytes);
  EXPECT_LE(found->files_left, found->files);
}

TEST(Space, OfADirectoryThatIsNotThereIsNotFound) {
  const test::PrivateDirectory directory;
  EXPECT_TRUE(space((directory.path() / "nowhere").string()).is(Errc::not_found));
}

}  // namespace
}  // namespace mqxx::os
