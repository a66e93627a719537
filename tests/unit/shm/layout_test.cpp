// The layout as numbers: what a queue made by this format looks like, for ever. Whoever changes one of them bumps
// kFormat.
#include "shm/layout.hpp"

#include <gtest/gtest.h>

namespace mqxx::shm {
namespace {

TEST(Layout, GeometryOfASmallQueueIsPinned) {
  const Result<Geometry> g = make_geometry(10, 64);
  ASSERT_TRUE(g);
  EXPECT_FALSE(g->sparse);
  EXPECT_EQ(g->ring_entries, 16U);
  EXPECT_EQ(g->stride, 128U);
  EXPECT_EQ(g->arrived, 1024U);
  EXPECT_EQ(g->returned, 1152U);
  EXPECT_EQ(g->next, 1280U);
  EXPECT_EQ(g->users, 1344U);
  EXPECT_EQ(g->index, 2101248U);
  EXPECT_EQ(g->slots, 2363392U);
  EXPECT_EQ(g->slots_end, 2367488U);
  EXPECT_EQ(g->file_bytes, 2371584U);
  EXPECT_EQ(g->seal, g->file_bytes - 4);
}

TEST(Layout, GeometryOfALargeQueueIsPinned) {
  const Result<Geometry> g = make_geometry(1'000'000, 65536);
  ASSERT_TRUE(g);
  EXPECT_TRUE(g->sparse);
  EXPECT_EQ(g->ring_entries, 1024U);
  EXPECT_EQ(g->stride, 69632U);
  EXPECT_EQ(g->next, 17408U);
  EXPECT_EQ(g->slots % 4096, 0U);
  EXPECT_EQ(g->slots_end, g->slots + 1'000'000ULL * 69632);
  EXPECT_EQ(g->file_bytes, g->slots_end + 4096);
}

TEST(Layout, MillionMessagesOf64MiBFit) { EXPECT_TRUE(make_geometry(1'000'000, 64ULL << 20)); }

TEST(Layout, BoundsAreTold) {
  EXPECT_TRUE(make_geometry(0, 1).is(Errc::invalid_capacity));
  EXPECT_TRUE(make_geometry(kMaxCapacity + 1, 1).is(Errc::invalid_capacity));
  EXPECT_TRUE(make_geometry(1, 0).is(Errc::invalid_message_size));
  EXPECT_TRUE(make_geometry(1, kMaxMessageSize + 1).is(Errc::invalid_message_size));
  EXPECT_TRUE(make_geometry(kMaxCapacity, kMaxMessageSize).is(Errc::queue_too_large));
  EXPECT_TRUE(make_geometry(~0ULL, ~0ULL).is(Errc::invalid_capacity));
}

TEST(Layout, RegionsFollowEachOtherWithoutOverlap) {
  for (const std::uint64_t capacity : {1U, 2U, 15U, 16U, 17U, 1000U, 1024U, 100'000U}) {
    for (const std::uint64_t size : {1U, 31U, 32U, 33U, 4064U, 4065U, 70'000U}) {
      const Geometry g = *make_geometry(capacity, size);
      EXPECT_GE(g.returned, g.arrived + g.ring_entries * 8);
      EXPECT_GE(g.next, g.returned + g.ring_entries * 8);
      EXPECT_GE(g.users, g.next + capacity * 4);
      EXPECT_GE(g.index, g.users + kMaxUsers * sizeof(User));
      EXPECT_GE(g.slots, g.index + kIndexPages * sizeof(IndexPage));
      EXPECT_GE(g.slots_end, g.slots + capacity * g.stride);
      EXPECT_EQ(g.slots_end % 4096, 0U) << "the seal has a page of its own";
      EXPECT_EQ(g.file_bytes, g.slots_end + 4096);
      EXPECT_GE(g.stride, sizeof(SlotHeader) + size);
      EXPECT_EQ(g.index % 4096, 0U);
      EXPECT_EQ(g.slots % 4096, 0U);
      EXPECT_EQ(g.stride % 64, 0U);
    }
  }
}

TEST(Layout, NoByteOfTheSealIsZero) {
  for (int byte = 0; byte < 4; ++byte) EXPECT_NE(kSeal >> 8 * byte & 0xffU, 0U) << byte;
}

TEST(Layout, RingEntryKeepsItsParts) {
  const RingEntry entry = RingEntry::make(65535, kMaxPriority, 0xfffffffd);
  EXPECT_EQ(entry.lap(), 65535);
  EXPECT_EQ(entry.priority(), kMaxPriority);
  EXPECT_EQ(entry.slot(), 0xfffffffdU);
}

TEST(Layout, MarkKeepsStateAndUser) {
  const std::uint64_t mark = make_mark(SlotState::reading, 65535);
  EXPECT_EQ(mark_user(mark), 65535U);
  EXPECT_EQ(mark_state(mark), static_cast<std::uint32_t>(SlotState::reading));
  EXPECT_EQ(make_mark(SlotState::free), 0U) << "memory that was never written is free";
}

}  // namespace
}  // namespace mqxx::shm
