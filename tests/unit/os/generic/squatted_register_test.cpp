// Something else under the register's name, planted by another user before the first process comes. It is refused, and
// what it leads to stays as it was.
#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/generic/register.hpp"
#include "os/lock.hpp"
#include "os/process.hpp"
#include "support/child.hpp"
#include "support/container.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {
namespace {

constexpr const char* kName = "/dev/shm/mqxx-register-1";
constexpr const char* kVictim = "/dev/shm/victim";
constexpr const char* kMagic = "qxREG01\n";

/// As a register looks that nobody has used yet, but for the first bytes.
void write_file(const char* path, const std::string& begin, std::size_t size = sizeof(Register)) {
  std::string bytes(size, '\0');
  bytes.replace(0, begin.size(), begin);
  std::ofstream(path) << bytes;
}

std::string bytes_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool has_opened_the_register() { return bytes_of("/proc/self/maps").find(kName) != std::string::npos; }

class SquattedRegister : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::can_contain()) GTEST_SKIP() << "namespaces can be made by root only, and not everywhere";
    if (has_opened_the_register())
      GTEST_SKIP() << "an earlier test has the register: run this one alone, as ctest does";
  }

  /// Runs `body` where nothing but what `plant` makes is in the directory of registers.
  static void where(const std::function<void()>& plant, const std::function<void()>& body) {
    test::Child child = test::in_container([&] {
      ASSERT_EQ(mount("tmpfs", "/dev/shm", "tmpfs", 0, nullptr), 0);
      write_file(kVictim, kMagic);
      const std::string before = bytes_of(kVictim);
      plant();
      body();
      EXPECT_EQ(bytes_of(kVictim), before);
    });
    expect_well(child);
  }

  static void expect_refused(const std::function<void()>& plant) {
    where(plant, [] {
      EXPECT_EQ(process_number(), 0U);
      EXPECT_EQ(register_identity(), 0U);
      LockWord lock{};
      EXPECT_EQ(lock_first(lock), Locked::would_deadlock);
      EXPECT_EQ(claim(STDIN_FILENO, 1).failure().detail, ENOLCK);
    });
  }

  test::Watchdog watchdog_{std::chrono::seconds(50)};
};

TEST_F(SquattedRegister, IsTakenForOneIfItLooksLikeIt) {
  where([] { write_file(kName, kMagic); }, [] { EXPECT_NE(process_number(), 0U); });
}

TEST_F(SquattedRegister, OfOtherBytesOrAnotherSizeIsRefused) {
  expect_refused([] { write_file(kName, "whatever"); });
  expect_refused([] { write_file(kName, kMagic, sizeof(Register) - 1); });
  expect_refused([] { write_file(kName, kMagic, sizeof(Register) + 1); });
  expect_refused([] { write_file(kName, "", 0); });
}

TEST_F(SquattedRegister, ThatLeadsToAnotherFileIsRefused) {
  expect_refused([] { ASSERT_EQ(symlink(kVictim, kName), 0); });
  expect_refused([] { ASSERT_EQ(symlink("/dev/shm/nothing", kName), 0); });
  expect_refused([] { ASSERT_EQ(link(kVictim, kName), 0); });
}

TEST_F(SquattedRegister, ThatIsNoFileIsRefusedAndNotWaitedFor) {
  expect_refused([] { ASSERT_EQ(mkdir(kName, 0777), 0); });
  expect_refused([] { ASSERT_EQ(mkfifo(kName, 0666), 0); });
}

}  // namespace
}  // namespace mqxx::os
