#include "shm/segment.hpp"

#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/emulated.hpp"
#include "support/private_directory.hpp"

namespace mqxx::shm {
namespace {

class SegmentTest : public testing::Test {
 protected:
  test::PrivateDirectory directory_;
};

TEST_F(SegmentTest, PublishedQueueIsAttachedWithItsNumbers) {
  ASSERT_TRUE(publish({"/q", 10, 64, 0640}));
  const Result<Segment> segment = attach("/q");
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->geometry().capacity, 10U);
  EXPECT_EQ(segment->geometry().message_size, 64U);
  EXPECT_EQ(stored_name(*segment), "/q");
  EXPECT_TRUE(publish({"/q", 10, 64, 0640}).is(Errc::already_exists));
}

TEST_F(SegmentTest, ModeIsWhatTheUmaskLeftAndTheFileIsWideEnoughForReceivers) {
  const Result<Segment> segment = publish({"/q", 1, 1, 0444});
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->header().identity.mode.get(), 0444U);
  EXPECT_EQ(os::facts(segment->fd())->mode, 0666U);
  EXPECT_EQ(os::facts(publish({"/p", 1, 1, 0200})->fd())->mode, 0600U);
}

TEST_F(SegmentTest, IdleQueueTakesAPageAndItsSeal) {
  EXPECT_EQ(os::facts(publish({"/small", 10, 64, 0600})->fd())->memory_bytes, 8192U);
  if (test::kEmulated) GTEST_SKIP() << "the emulator has no address space for the large one";
  EXPECT_LE(os::facts(publish({"/large", 1'000'000, 65536, 0600})->fd())->memory_bytes, 65536U);
}

TEST_F(SegmentTest, NameTooLongForThePrefixIsFoundByItsHash) {
  const std::string longest = '/' + std::string(255, 'x');
  const std::string other = '/' + std::string(254, 'x') + 'y';
  ASSERT_TRUE(publish({longest, 1, 1, 0600}));
  EXPECT_EQ(stored_name(*attach(longest)), longest);
  EXPECT_TRUE(attach(other).is(Errc::not_found));
}

TEST_F(SegmentTest, QueueOfAnotherFormatSaysWhich) {
  const Result<Segment> segment = publish({"/q", 1, 1, 0600});
  segment->header().identity.format.set(7);
  const Result<Segment> attached = attach("/q");
  EXPECT_TRUE(attached.is(Errc::layout_mismatch));
  EXPECT_EQ(attached.failure().detail, 7);
}

// The number of a queue's inode, with a zero in front: the file of somebody who would have the queue swept away.
TEST_F(SegmentTest, DoorbellUnderAnotherSpellingOfANumberSweepsNothingAway) {
  const Result<Segment> segment = publish({"/q", 1, 1, 0600});
  ASSERT_TRUE(segment);
  const Place place = segment->place();
  const std::string spelt = place.directory + "/mqxx-0" + std::to_string(place.inode) + ".bell";
  EXPECT_TRUE(place_of_bell(place.bell()));
  EXPECT_TRUE(place_of_bell(spelt).is(Errc::not_a_queue));
  ASSERT_TRUE(os::make_doorbell(spelt));
  const Result<UniqueFd> bell = os::open_doorbell(place.bell(), os::Blocking::no, geteuid());
  ASSERT_TRUE(bell);
  ASSERT_TRUE(os::remove_file(file_of("/q")));  // as in the middle of a creation: no name, and a doorbell that is held
  sweep(place.directory, 0);
  EXPECT_TRUE(os::facts(place.queue()));
  EXPECT_TRUE(os::facts(place.bell()));
}

TEST_F(SegmentTest, QueueOfAnotherBuildIsAMismatch) {
  const Result<Segment> segment = publish({"/q", 1, 1, 0600});
  segment->header().identity.fingerprint.set(~segment->header().identity.fingerprint.get());
  EXPECT_TRUE(attach("/q").is(Errc::layout_mismatch));
}

TEST_F(SegmentTest, NumbersThatDoNotFitTheFileAreDamage) {
  const Result<Segment> segment = publish({"/q", 100, 100, 0600});
  segment->header().identity.capacity.set(1'000'000);
  EXPECT_TRUE(attach("/q").is(Errc::queue_damaged));
  segment->header().identity.capacity.set(0);
  EXPECT_TRUE(attach("/q").is(Errc::queue_damaged));
}

TEST_F(SegmentTest, RingEntryIsReadOnItsLapOnly) {
  const Result<Segment> segment = publish({"/q", 16, 8, 0600});
  const Ring ring = segment->arrived();
  RingEntry entry{};
  EXPECT_FALSE(ring.read(0, entry));
  ring.write(0, 5, 3);
  ASSERT_TRUE(ring.read(0, entry));
  EXPECT_EQ(entry.slot(), 3U);
  EXPECT_EQ(entry.priority(), 5U);
  EXPECT_FALSE(ring.read(16, entry)) << "the same place, one lap later";
  ring.write(16, 6, 4);
  EXPECT_FALSE(ring.read(0, entry));
  EXPECT_TRUE(ring.read(16, entry));
}

}  // namespace
}  // namespace mqxx::shm
