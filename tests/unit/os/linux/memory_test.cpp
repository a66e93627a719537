// What Linux's files can do beyond the others: be there without a name.
#include "os/memory.hpp"

#include <gtest/gtest.h>

#include "support/private_directory.hpp"

namespace mqxx::os {
namespace {

TEST(LinuxFiles, UnnamedFileIsNotSeen) {
  const test::PrivateDirectory directory;
  const Result<UnnamedFile> file = create_unnamed(directory.path(), 0640);
  ASSERT_TRUE(file);
  EXPECT_EQ(directory.file_count(), 0U);
}

}  // namespace
}  // namespace mqxx::os
