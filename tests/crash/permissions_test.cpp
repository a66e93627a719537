// A process that dies while it changes the mode or the owner of a queue: at each step, whom does that leave the queue
// open to? The rules are those of shm/permissions.hpp. What is left is made whole by calling again.
#include "shm/permissions.hpp"

#include <array>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/step.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/step_death.hpp"

namespace mqxx::shm {
namespace {

constexpr std::uint32_t kBits = 0777;

struct Modes {
  std::uint32_t before;
  std::uint32_t after;
};

/// Narrower, wider, neither, and those that look the same on the file.
constexpr std::array kModes{Modes{0666, 0600}, Modes{0600, 0666}, Modes{0660, 0606}, Modes{0444, 0222},
                            Modes{0644, 0640}, Modes{0777, 0},    Modes{0, 0660}};

class PermissionsAfterDeath : public testing::Test {
 protected:
  void make(std::uint32_t mode) {
    const mode_t umask_before = ::umask(0);
    ASSERT_TRUE(publish({"/q", 2, 64, mode}));
    ::umask(umask_before);
  }

  /// @return whether the process died at that step: false when there are fewer
  template <class Change>
  static bool dies_at(int step, const Change& change) {
    test::Child child([&] {
      const Result<Segment> own = attach("/q");
      test::g_countdown = step;
      step_hook = test::die_at_step;
      EXPECT_TRUE(change(*own));
    });
    const test::Ended ended = child.join();
    EXPECT_TRUE(ended.signal == SIGKILL || ended.well()) << ended.failures;
    return ended.signal == SIGKILL;
  }

  static Segment here() { return std::move(*attach("/q")); }
  static std::uint32_t bits_of_file() { return os::facts(here().fd())->mode & kBits; }
  static std::uint32_t bits_of_bell() { return os::facts(here().place().bell())->mode & kBits; }
  static std::uint32_t told() { return here().header().identity.mode.get(); }

  test::PrivateDirectory directory_;
};

TEST_F(PermissionsAfterDeath, NobodyIsLetInWhomNeitherModeLetsIn) {
  for (const Modes& modes : kModes) {
    for (int step = 0;; ++step) {
      SCOPED_TRACE(testing::Message() << std::oct << modes.before << " -> " << modes.after << " at step " << step);
      make(modes.before);
      const bool died = dies_at(step, [&](const Segment& own) { return change_mode(own, modes.after); });
      if (died) {
        const std::uint32_t both = file_mode(modes.before) & file_mode(modes.after);
        EXPECT_EQ(bits_of_file(), both) << "A1: only whom both let in, and whoever looks sees one of the two";
        EXPECT_EQ(bits_of_bell() & ~bits_of_file(), 0U) << "A2";
        EXPECT_TRUE(told() == modes.before || told() == modes.after) << std::oct << told();
        EXPECT_TRUE(change_mode(here(), modes.after));
      }
      EXPECT_EQ(bits_of_file(), file_mode(modes.after));
      EXPECT_EQ(bits_of_bell(), file_mode(modes.after));
      EXPECT_EQ(told(), modes.after);
      ASSERT_TRUE(remove("/q"));
      if (!died) {
        EXPECT_EQ(step, 2);
        break;
      }
    }
  }
}

TEST_F(PermissionsAfterDeath, DoorbellIsNobodysButItsOwnersUntilItIsTheNewOwners) {
  if (!test::is_root()) GTEST_SKIP() << "only root may give a queue away";
  constexpr std::uint32_t kUser = 65534;
  constexpr std::uint32_t kGroup = 7;
  const auto give = [](const Segment& own) { return change_owner(own, kUser, kGroup); };
  for (int step = 0;; ++step) {
    SCOPED_TRACE(testing::Message() << "at step " << step);
    make(0660);
    const bool died = dies_at(step, give);
    if (died) {
      EXPECT_EQ(bits_of_file(), 0660U);
      EXPECT_EQ(bits_of_bell(), 0600U) << "A2";
      EXPECT_TRUE(give(here()));
    }
    const Result<os::FileFacts> file = os::facts(here().fd());
    const Result<os::FileFacts> bell = os::facts(here().place().bell());
    EXPECT_EQ(file->uid, kUser);
    EXPECT_EQ(bell->uid, kUser);
    EXPECT_EQ(bell->gid, kGroup);
    EXPECT_EQ(bits_of_bell(), 0660U);
    EXPECT_EQ(told(), 0660U);
    ASSERT_TRUE(remove("/q"));
    if (!died) {
      EXPECT_EQ(step, 2);
      break;
    }
  }
}

}  // namespace
}  // namespace mqxx::shm
