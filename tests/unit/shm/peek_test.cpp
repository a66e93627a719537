// Walks of the engine: how a place is found whose message has left, and lists that no mqxx wrote.
#include <array>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "shm/queue.hpp"
#include "support/private_directory.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

class Walk : public testing::Test {
 protected:
  void make(std::uint64_t capacity, std::size_t count) {
    queue_ = std::move(*Queue::join(std::move(*publish({"/q", capacity, sizeof(std::uint32_t), 0600}))));
    for (std::size_t i = 0; i < count; ++i) send(static_cast<std::uint32_t>(i));
  }
  void send(std::uint32_t number) const {
    ASSERT_TRUE(queue_->send(std::as_bytes(std::span(&number, 1)), 1, Wait::none()));
  }
  Result<Peeked> peek() { return queue_->peek(cursor_, {}, std::as_writable_bytes(std::span(&number_, 1))); }
  /// Under how many locks the next message was found; `number_` is what it says.
  int locks_to_find() {
    for (int locks = 1; locks < 100; ++locks) {
      const Result<Peeked> peeked = peek();
      if (!peeked) return -1;
      if (!peeked->unfinished) return peeked->found ? locks : 0;
    }
    return -1;
  }

  test::Watchdog watchdog_{std::chrono::seconds(20)};
  test::PrivateDirectory directory_;
  std::unique_ptr<Queue> queue_;
  PeekCursor cursor_;
  std::uint32_t number_ = 0;
};

TEST_F(Walk, OlderMessagesThatCameBackArePassedInParts) {
  constexpr std::uint32_t kCount = 3 * kMostPassed;
  make(kCount + 1, kCount);
  for (std::uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(locks_to_find(), 1);
  ASSERT_EQ(number_, kCount - 1);
  std::vector<std::uint32_t> loans;
  for (std::uint32_t i = 0; i < kCount; ++i) loans.push_back(queue_->receive_loan(Wait::none())->slot);
  ASSERT_TRUE(queue_->release_loan(loans.back()));
  loans.pop_back();
  send(kCount);
  PeekCursor before = cursor_;
  EXPECT_EQ(locks_to_find(), 1) << "nothing has come back";
  EXPECT_EQ(number_, kCount);

  for (; !loans.empty(); loans.pop_back()) ASSERT_TRUE(queue_->put_back_loan(loans.back()));
  std::swap(cursor_, before);
  EXPECT_EQ(locks_to_find(), 3);
  EXPECT_EQ(number_, kCount);
  EXPECT_EQ(cursor_.sequence, before.sequence);
  EXPECT_EQ(locks_to_find(), 0);
}

TEST_F(Walk, ListThatGoesRoundInCirclesIsDamage) {
  make(8, 4);
  ASSERT_EQ(locks_to_find(), 1);  // sorts what has arrived into the list 0, 1, 2, 3
  queue_->segment().next(1).set(0);
  ASSERT_EQ(locks_to_find(), 1);
  EXPECT_TRUE(peek().is(Errc::queue_damaged)) << "0 is not younger than 1";
}

TEST_F(Walk, SearchForThePlaceInAListThatGoesRoundInCirclesEnds) {
  for (const std::uint64_t capacity : {8U, 5000U}) {
    make(capacity, 4);
    cursor_ = {};
    ASSERT_EQ(locks_to_find(), 1);
    queue_->segment().next(1).set(0);
    cursor_.sequence = 1000;
    EXPECT_EQ(locks_to_find(), -1) << "of " << capacity;
    ASSERT_TRUE(remove("/q"));
  }
}

TEST_F(Walk, MessageOfAnotherPriorityThanItsListIsDamage) {
  make(8, 4);
  ASSERT_EQ(locks_to_find(), 1);
  queue_->segment().slot(1).priority.set(2);
  EXPECT_TRUE(peek().is(Errc::queue_damaged));
}

}  // namespace
}  // namespace mqxx::shm
