// When a queue was used last is known to the second, and read from the clock no oftener (Queue::note_time).
#include <array>
#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

#include "os/wait.hpp"
#include "shm/queue.hpp"
#include "support/private_directory.hpp"

namespace mqxx::shm {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;

class TimesTest : public testing::Test {
 protected:
  void use() {
    std::array<std::byte, 8> bytes{};
    Received received;
    ASSERT_TRUE(queue_->send(bytes, 0, Wait::none()));
    ASSERT_TRUE(queue_->receive(bytes, Wait::none(), received));
  }
  void set(std::int64_t time_ns) {
    queue_->segment().sender().last_ns.set(time_ns);
    queue_->segment().receiver().last_ns.set(time_ns);
  }
  /// Both at `earliest` or later, and not in the future.
  void expect_since(std::int64_t earliest) {
    for (const std::int64_t time :
         {queue_->segment().sender().last_ns.get(), queue_->segment().receiver().last_ns.get()}) {
      EXPECT_GE(time, earliest);
      EXPECT_LE(time, os::coarse_wall_ns());
    }
  }

  test::PrivateDirectory directory_;
  std::unique_ptr<Queue> queue_ = std::move(*Queue::join(std::move(*publish({"/q", 1, 8, 0600}))));
};

TEST_F(TimesTest, TheFirstUseIsKnownAsWellAsTheClockKnowsIt) {
  const std::int64_t before = os::coarse_wall_ns();
  use();
  expect_since(before);
}

TEST_F(TimesTest, AUseIsKnownToTheSecond) {
  use();
  for (int i = 0; i < 100; ++i) {
    const std::int64_t before = os::coarse_wall_ns();
    use();
    expect_since(before - kSecond);
  }
}

TEST_F(TimesTest, AnOldTimeIsReplaced) {
  set(os::coarse_wall_ns() - kSecond);
  const std::int64_t before = os::coarse_wall_ns();
  use();
  expect_since(before);
}

TEST_F(TimesTest, ATimeOfAClockThatWasSetBackIsReplaced) {
  const std::int64_t before = os::coarse_wall_ns();
  set(before + kHour);
  use();
  expect_since(before);
}

}  // namespace
}  // namespace mqxx::shm
