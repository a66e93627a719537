// A setuid program runs with the environment of whoever called it, and must not be led by it.
#include <array>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/private_directory.hpp"

namespace mqxx::test {
namespace {

TEST(Elevated, ProgramIsNotLedByItsCallersVariables) {
  if (!is_root()) GTEST_SKIP() << "only root can start a program with another user's rights";
  const PrivateDirectory directory;
  std::array<int, 2> answer{};
  ASSERT_EQ(::pipe(answer.data()), 0);
  Child child([&] {
    ASSERT_EQ(::dup2(answer[1], STDOUT_FILENO), STDOUT_FILENO);
    // As a setuid program starts: the effective user is not the real one.
    ASSERT_EQ(::seteuid(65534), 0);
    ::execl(MQXX_ELEVATED_PROGRAM, "elevated", nullptr);
    FAIL() << "exec";
  });
  expect_well(child);
  ::close(answer[1]);
  std::array<char, 64> text{};
  const ssize_t size = ::read(answer[0], text.data(), text.size());
  ::close(answer[0]);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(text.data(), static_cast<std::size_t>(size)), "/dev/shm\n");
}

}  // namespace
}  // namespace mqxx::test
