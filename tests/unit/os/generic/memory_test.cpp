// What the files of POSIX alone leave behind (docs/porting.md).
#include "os/memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/private_directory.hpp"

namespace mqxx::os {
namespace {

TEST(GenericFiles, UnnamedFileOfAKilledProcessKeepsItsTemporaryName) {
  const test::PrivateDirectory directory;
  test::Child child([&directory] {
    const Result<UnnamedFile> file = create_unnamed(directory.path(), 0600);
    for (;;) pause();
  });
  while (directory.file_count() == 0) usleep(1000);
  child.kill();
  const Result<std::vector<std::string>> left = list_directory(directory.path());
  ASSERT_TRUE(left);
  EXPECT_EQ(directory.file_count(), 1U);
  for (const std::string& name : *left) EXPECT_TRUE(name.starts_with('.') || name.starts_with("mqxx-new.")) << name;
}

}  // namespace
}  // namespace mqxx::os
