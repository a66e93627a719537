// A setuid program runs with the environment of whoever called it, and must not be led by it.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <mqxx/inspect.hpp>

#include "support/child.hpp"
#include "support/private_directory.hpp"

namespace mqxx::test {
namespace {

TEST(Elevated, ProgramIsNotLedByItsCallersVariables) {
  if (!is_root()) GTEST_SKIP() << "only root can start a program with another user's rights";
  const PrivateDirectory directory;
  Child child([] {
    // As a setuid program starts: the effective user is not the real one.
    ASSERT_EQ(::seteuid(65534), 0);
    ::execl("/proc/self/exe", "elevated", "--gtest_filter=Elevated.DISABLED_AsTheProgramSeesIt",
            "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr);
    FAIL() << "exec";
  });
  expect_well(child);
}

// Run by the test above, in a process of its own.
TEST(Elevated, DISABLED_AsTheProgramSeesIt) {
  ASSERT_NE(::getauxval(AT_SECURE), 0U);
  ASSERT_NE(std::getenv("MQXX_DIR"), nullptr) << "it is there, and must be passed over";
  EXPECT_EQ(queue_directory(), "/dev/shm");
}

}  // namespace
}  // namespace mqxx::test
