// Bytes that no mqxx wrote, one case each: what the fuzzers (tests/fuzz) and reading with their eyes have found.
#include <array>
#include <memory>

#include <gtest/gtest.h>

#include <mqxx/queue.hpp>

#include "os/process.hpp"
#include "shm/queue.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

class Hostile : public testing::Test {
 protected:
  void make(std::uint64_t capacity, std::uint64_t message_size) {
    queue_ = std::move(*Queue::join(std::move(*publish({"/q", capacity, message_size, 0600}))));
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(send());
  }
  [[nodiscard]] Result<void> send() const { return queue_->send(bytes_, 1, Wait::none()); }
  [[nodiscard]] Result<void> receive() {
    Received received;
    return queue_->receive(buffer_, Wait::none(), received);
  }
  [[nodiscard]] const Segment& segment() const { return queue_->segment(); }

  test::Watchdog watchdog_{std::chrono::seconds(20)};
  test::PrivateDirectory directory_;
  std::array<std::byte, 8> bytes_{};
  std::array<std::byte, 16> buffer_{};
  std::unique_ptr<Queue> queue_;
};

TEST_F(Hostile, PeekIntoAListThatGoesRoundInCirclesEnds) {
  make(8, 16);
  PeekCursor cursor;
  ASSERT_TRUE(queue_->peek(cursor, {}, buffer_));  // sorts what has arrived into the list 0, 1, 2, 3
  segment().next(1).set(0);
  std::error_code ec;
  EXPECT_TRUE(mqxx::Queue::open("/q").peek(static_cast<std::size_t>(-1), ec).empty());
  EXPECT_EQ(ec, Errc::queue_damaged);
}

TEST_F(Hostile, PriorityAboveTheHighestIsReceivedByNobody) {
  make(8, 16);
  for (std::uint32_t slot = 0; slot < 4; ++slot) segment().slot(slot).priority.set(kMaxPriority + 1);
  PeekCursor cursor;
  EXPECT_TRUE(queue_->peek(cursor, {}, buffer_).is(Errc::queue_damaged));
  EXPECT_TRUE(receive().is(Errc::queue_damaged));
  EXPECT_TRUE(queue_->receive_loan(Wait::none()).is(Errc::queue_damaged));
  std::array<Incoming, 1> room{};
  room[0].buffer = buffer_;
  EXPECT_TRUE(queue_->receive_batch(room, Wait::none()).is(Errc::queue_damaged));
}

TEST_F(Hostile, LockInTheNameOfWhoeverWantsItIsTakenBack) {
  make(8, 16);
  segment().sender().lock.word.store(os::thread_id());
  EXPECT_TRUE(send());
  segment().receiver().lock.word.store(os::thread_id());
  EXPECT_TRUE(receive());
  segment().receiver().lock.word.store(os::thread_id());
  queue_->look();  // takes both
  EXPECT_EQ(queue_->statistics().recoveries, 3U);
}

TEST_F(Hostile, ChildForWhomTheUserTableHasNoPlaceGoesOnInItsParentsName) {
  make(8, 16);
  for (std::uint32_t number = 1; number < kMaxUsers; ++number) {
    segment().user(number).pid.set(1);
    segment().user(number).polls.set(1);
  }
  segment().sender().user_count.set(kMaxUsers);
  test::Child child([this] {
    EXPECT_TRUE(queue_->begin_poll(Edges::no));
    EXPECT_TRUE(send());
    EXPECT_TRUE(queue_->receive_loan(Wait::none()).is(Errc::too_many_users));
    queue_->end_poll(Edges::no);
  });
  expect_well(child);
}

TEST_F(Hostile, AsManyDeadUsersAsThereMayBeAreBuriedInOneWalk) {
  constexpr std::uint32_t kSlots = 1U << 17;
  make(kSlots, 16);
  for (std::uint32_t number = 1; number < kMaxUsers; ++number) {
    segment().user(number).pid.set(1);
    segment().user(number).reading.set(1);
  }
  segment().sender().user_count.set(kMaxUsers);
  segment().sender().fresh.set(kSlots);
  segment().receiver().reading.set(kMaxUsers - 1);
  while (receive()) {
  }
  EXPECT_EQ(segment().receiver().reading.get(), 0U) << "an empty queue looks for loans of the dead";
}

}  // namespace
}  // namespace mqxx::shm
