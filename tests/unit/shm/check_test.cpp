// The checker finds each kind of damage. A checker that cannot fail proves nothing.
#include "shm/check.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "support/private_directory.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

class CheckTest : public testing::Test {
 protected:
  CheckTest() : queue_(std::move(*Queue::join(std::move(*publish({"/q", 8, 64, 0600}))))) {
    for (const Priority priority : {1U, 1U, 2U}) EXPECT_TRUE(queue_->send(bytes_, priority, Wait::none()));
    Received received;
    EXPECT_TRUE(queue_->receive(buffer_, Wait::none(), received));  // the rest is in the index now
    EXPECT_TRUE(queue_->send(bytes_, 1, Wait::none()));             // and this in the ring
  }

  [[nodiscard]] std::string found() {
    std::string all;
    const auto findings = check(*queue_);
    for (const Broken& broken : *findings) all += std::string(broken.invariant) + ' ';
    return all;
  }
  void expect_found(const std::string& invariant) {
    EXPECT_NE(found().find(invariant + ' '), std::string::npos) << invariant << " is not among: " << found();
  }

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  test::PrivateDirectory directory_;
  std::array<std::byte, 64> bytes_{};
  std::array<std::byte, 64> buffer_{};
  std::unique_ptr<Queue> queue_;
  const Segment& segment_ = queue_->segment();
};

TEST_F(CheckTest, WellKeptQueueHasNoFindings) { EXPECT_EQ(found(), ""); }

TEST_F(CheckTest, StateThatDoesNotExistIsI2) {
  segment_.slot(0).mark.set(9);
  expect_found("I2");
}

TEST_F(CheckTest, QueuedSlotThatStandsNowhereIsI3) {
  Index(segment_).clear();
  expect_found("I3");
}

TEST_F(CheckTest, FreeSlotThatStandsNowhereIsI4) {
  Received received;
  ASSERT_TRUE(queue_->receive(buffer_, Wait::none(), received));
  segment_.sender().returned_head.set(segment_.receiver().returned_tail.get());
  segment_.sender().free_head.set(kNoSlot);
  expect_found("I4");
}

TEST_F(CheckTest, BitWithoutAListIsI5) {
  segment_.index_page(0).words[0].set(segment_.index_page(0).words[0].get() | 1U << 9);
  expect_found("I5");
}

TEST_F(CheckTest, OrderBrokenIsI6) {
  segment_.slot(0).sequence.set(1000);
  expect_found("I6");
}

TEST_F(CheckTest, MiscountIsI7) {
  segment_.sender().sent.add(1);
  expect_found("I7");
}

TEST_F(CheckTest, LengthBeyondTheMessageSizeIsI8) {
  segment_.slot(0).length.set(65);
  expect_found("I8");
}

TEST_F(CheckTest, LoanThatNobodyCountsIsI9) {
  segment_.sender().writing.set(1);
  expect_found("I9");
}

TEST_F(CheckTest, WatermarkOutsideItsRegionIsI10) {
  segment_.sender().slots_reserved.set(segment_.geometry().slots_end + 1);
  expect_found("I10");
}

TEST_F(CheckTest, PollerThatNobodyCountsIsI11) {
  segment_.header().watch.pollers.set(1);
  expect_found("I11");
}

TEST_F(CheckTest, WatchedWithoutAPollerOrARegistrationIsI11) {
  segment_.header().common.watched.set(1);
  expect_found("I11");
}

TEST_F(CheckTest, DoorbellThatSaysSomethingElseIsI11) {
  ASSERT_TRUE(queue_->begin_poll(Edges::no));
  EXPECT_EQ(found(), "");
  os::set_bell(queue_->bell(), os::Bell::some, os::Bell::empty);
  expect_found("I11");
}

TEST_F(CheckTest, ListWithoutAnEndIsFoundAndLeft) {
  segment_.next(0).set(0);
  segment_.next(1).set(0);
  EXPECT_NE(found(), "");
}

// Each kind of damage that the checker finds, undone: what can be derived is derived from the slots.
class RepairTest : public CheckTest {
 protected:
  /// What is still received, as priorities.
  std::string received() {
    std::string all;
    Received one;
    while (queue_->receive(buffer_, Wait::none(), one)) all += std::to_string(one.priority) + ' ';
    return all;
  }
};

TEST_F(RepairTest, OfTheIndexFindsItsMessagesAgain) {
  Index(segment_).clear();
  segment_.index_page(0).words[3].set(77);
  EXPECT_EQ(*queue_->repair(), 0u);
  EXPECT_EQ(found(), "");
  EXPECT_EQ(received(), "1 1 1 ");
}

TEST_F(RepairTest, OfCountsRingsAndListsMakesThemAnew) {
  segment_.sender().sent.add(5);
  segment_.sender().free_head.set(3);
  segment_.sender().returned_head.set(12345);
  segment_.receiver().arrived_head.set(999);
  segment_.receiver().reading.set(4);
  segment_.header().common.watched.set(7);
  EXPECT_NE(found(), "");
  EXPECT_EQ(*queue_->repair(), 0u);
  EXPECT_EQ(found(), "");
  EXPECT_EQ(received(), "1 1 1 ");
}

TEST_F(RepairTest, DropsWhatNobodyCouldReceiveAndKeepsTheRest) {
  std::uint32_t slot = 0;
  while (mark_state(segment_.slot(slot).mark.get()) != static_cast<std::uint32_t>(SlotState::queued)) ++slot;
  segment_.slot(slot).length.set(65);
  EXPECT_EQ(*queue_->repair(), 1u);
  EXPECT_EQ(found(), "");
  EXPECT_EQ(received(), "1 1 ");
}

TEST_F(RepairTest, OfAStateThatDoesNotExistFreesTheSlot) {
  segment_.slot(0).mark.set(9);
  EXPECT_TRUE(queue_->repair());
  EXPECT_EQ(found(), "");
}

TEST_F(RepairTest, LeavesWhatIsReservedAsItIsAndSaysSo) {
  segment_.sender().slots_reserved.set(segment_.geometry().slots_end + 1);
  EXPECT_TRUE(queue_->repair());
  expect_found("I10");
}

TEST_F(RepairTest, OfAFileThatIsCutFails) {
  ASSERT_TRUE(os::resize(segment_.fd(), 8192));
  EXPECT_TRUE(queue_->repair().is(Errc::queue_damaged));
}

}  // namespace
}  // namespace mqxx::shm
