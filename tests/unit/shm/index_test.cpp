#include "shm/index.hpp"

#include <deque>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "support/private_directory.hpp"
#include "support/seed.hpp"

namespace mqxx::shm {
namespace {

constexpr std::uint32_t kCapacity = 500;

class IndexTest : public testing::Test {
 protected:
  IndexTest() : segment_(std::move(*publish({"/q", kCapacity, 8, 0600}))), index_(segment_) {
    // All pages and slots, as the senders' side would have reserved them.
    EXPECT_TRUE(os::reserve(segment_.fd(), 0, segment_.geometry().file_bytes));
    segment_.sender().index_pages.set(~std::uint64_t{0});
  }

  bool add(std::uint32_t slot, Priority priority) {
    segment_.slot(slot).priority.set(priority);
    segment_.slot(slot).sequence.set(++sequence_);
    return index_.push_back(priority, slot);
  }

  test::PrivateDirectory directory_;
  Segment segment_;
  Index index_;
  std::uint64_t sequence_ = 0;
};

TEST_F(IndexTest, EmptyIndexHasNothing) {
  EXPECT_TRUE(index_.empty());
  EXPECT_EQ(index_.pop_front(), kNoSlot);
  EXPECT_EQ(index_.front(), kNoSlot);
}

TEST_F(IndexTest, HighestPriorityFirstAndOldestWithinIt) {
  add(0, 5);
  add(1, 0);
  add(2, kMaxPriority);
  add(3, 5);
  for (const std::uint32_t expected : {2U, 0U, 3U, 1U, kNoSlot}) EXPECT_EQ(index_.pop_front(), expected);
}

TEST_F(IndexTest, WalkVisitsEverythingInOrderAndTakesNothing) {
  add(0, 511);
  add(1, 512);
  add(2, 63);
  add(3, 64);
  add(4, 512);
  std::uint32_t slot = index_.front();
  for (const std::uint32_t expected : {1U, 4U, 0U, 3U, 2U}) {
    EXPECT_EQ(slot, expected);
    slot = index_.after(segment_.slot(slot).priority.get(), slot);
  }
  EXPECT_EQ(slot, kNoSlot);
  EXPECT_EQ(index_.size(), 5U);
}

TEST_F(IndexTest, MessageThatComesBackStandsWhereItStood) {
  for (std::uint32_t slot = 0; slot < 5; ++slot) add(slot, 7);
  EXPECT_EQ(index_.pop_front(), 0U);
  EXPECT_EQ(index_.pop_front(), 1U);
  EXPECT_TRUE(index_.insert(7, 1));
  EXPECT_TRUE(index_.insert(7, 0));
  for (const std::uint32_t expected : {0U, 1U, 2U, 3U, 4U}) EXPECT_EQ(index_.pop_front(), expected);
  EXPECT_TRUE(index_.insert(7, 2));
  EXPECT_EQ(index_.pop_front(), 2U);
}

TEST_F(IndexTest, AgreesWithAMapOfQueues) {
  test::Random random(test::fresh_seed());
  std::map<Priority, std::deque<std::uint32_t>, std::greater<>> model;
  std::vector<std::uint32_t> free;
  for (std::uint32_t slot = 0; slot < kCapacity; ++slot) free.push_back(slot);
  for (int i = 0; i < 200'000; ++i) {
    if (!free.empty() && random.one_in(2)) {
      const Priority priority =
          static_cast<Priority>(random.one_in(3) ? random.below(4) : random.below(kMaxPriority + 1));
      ASSERT_TRUE(add(free.back(), priority));
      model[priority].push_back(free.back());
      free.pop_back();
    } else if (!model.empty()) {
      const std::uint32_t slot = index_.pop_front();
      auto& [priority, slots] = *model.begin();
      ASSERT_EQ(slot, slots.front()) << "at step " << i;
      free.push_back(slot);
      slots.pop_front();
      if (slots.empty()) model.erase(model.begin());
    }
  }
  index_.clear();
  EXPECT_EQ(index_.pop_front(), kNoSlot);
}

TEST_F(IndexTest, ForeignNumbersAreDamageAndNotAnAccess) {
  add(0, 1);
  add(1, 1);
  segment_.next(1).set(kCapacity);
  EXPECT_EQ(index_.pop_front(), kDamaged);
  segment_.index_page(0).tails[1].set(0xffffffff);
  EXPECT_EQ(index_.front(), kDamaged);
  EXPECT_FALSE(index_.push_back(1, 2));
  segment_.index_page(0).words[0].set(0);
  EXPECT_EQ(index_.pop_front(), kDamaged);
}

}  // namespace
}  // namespace mqxx::shm
