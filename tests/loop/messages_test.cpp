// on_message: everything once and in order, a fair share a turn, nothing lost by exceptions, cancels and stops.
#include <filesystem>

#include "loop/loop_test.hpp"

namespace mqxx::test {
namespace {

TEST_P(LoopOnHome, MessagesAreHandedOverByPriorityAndAge) {
  Place place = make();
  Texts received;
  Watch watch = loop_.on_message(place.queue(), [&](const Message& message) {
    received.push_back(std::to_string(message.priority()) + text_of(message));
  });
  place.queue().send("a", 1);
  place.queue().send("b", 7);
  place.queue().send("c", 1);
  place.queue().send("", 0);
  loop_.run_for(0ms);
  EXPECT_EQ(received, (Texts{"7b", "1a", "1c", "0"}));
}

TEST_P(LoopOnHome, ABusyQueueTakesItsShareOfATurnAndLeavesTheOthersTheirs) {
  Place busy = make("busy");
  Place calm = make("calm");
  std::size_t served = 0;
  std::size_t served_when_calm_came = 0;
  Watch watch = loop_.on_message(busy.queue(),
                                 [&](const Message&) {
                                   ++served;
                                   busy.queue().send("always one more");
                                 },
                                 {.most_per_turn = 3});
  Watch other = loop_.on_message(calm.queue(), [&](const Message&) { served_when_calm_came = served; });
  busy.queue().send("x");
  loop_.run_for(0ms);
  EXPECT_EQ(served, 3u);
  calm.queue().send("x");
  loop_.run_for(0ms);
  EXPECT_GT(served_when_calm_came, 0u);
  EXPECT_LE(served_when_calm_came, 6u);
}

TEST_P(LoopOnHome, NoneIsLeftUnreadWhateverTheShare) {
  Place place = make();
  std::size_t received = 0;
  Watch watch;
  watch = loop_.on_message(place.queue(),
                           [&](const Message&) {
                             if (++received == kUsual.capacity) watch.cancel();
                           },
                           {.most_per_turn = 1});
  for (std::size_t i = 0; i < kUsual.capacity; ++i) place.queue().send("x");
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(place.depth(), 0u);
}

TEST_P(LoopOnHome, AnExceptionLosesNoMessageButItsOwn) {
  Place place = make();
  Texts received;
  Watch watch;
  watch = loop_.on_message(place.queue(), [&](const Message& message) {
    received.push_back(text_of(message));
    if (received.size() % 2 == 1) throw std::runtime_error(received.back());
    if (received.size() == 4) watch.cancel();
  });
  for (const char* text : {"1", "2", "3", "4"}) place.queue().send(text);
  EXPECT_EQ(thrown_by_run(loop_), "1");
  EXPECT_EQ(thrown_by_run(loop_), "3");
  EXPECT_EQ(thrown_by_run(loop_), "");
  EXPECT_EQ(received, (Texts{"1", "2", "3", "4"}));
}

TEST_P(LoopOnHome, WhatACancelLeavesStaysQueued) {
  Place place = make();
  Watch watch;
  watch = loop_.on_message(place.queue(), [&](const Message&) { watch.cancel(); });
  for (int i = 0; i < 3; ++i) place.queue().send("x");
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(place.depth(), 2u);
}

TEST_P(LoopOnHome, StopDrainsWhatWasAskedToBeDrainedAndNothingElse) {
  Place drained = make("drained");
  Place kept = make("kept");
  std::size_t received = 0;
  const auto more = [&](const Message&) {
    if (++received == 1) loop_.stop();
    drained.queue().send("one more each time");
  };
  Watch one = loop_.on_message(drained.queue(), more, {.most_per_turn = 1, .drain_on_stop = true});
  Watch two = loop_.on_message(kept.queue(), [](const Message&) {}, {.most_per_turn = 1});
  for (int i = 0; i < 4; ++i) {
    drained.queue().send("x");
    kept.queue().send("x");
  }
  EXPECT_EQ(loop_.run(), LoopEnded::stopped);
  EXPECT_EQ(received, 5u) << "one, and the four that were queued when it stopped; not what came meanwhile";
  EXPECT_EQ(drained.depth(), 4u);
  EXPECT_GE(kept.depth(), 3u);
}

TEST_P(LoopOnHome, AnExceptionOfADrainLeavesRunAndTheNextRunDrainsTheRest) {
  Place place = make();
  std::size_t received = 0;
  Watch watch = loop_.on_message(place.queue(),
                                 [&](const Message&) {
                                   if (++received == 2) throw std::runtime_error("second");
                                 },
                                 {.drain_on_stop = true});
  for (int i = 0; i < 4; ++i) place.queue().send("x");
  loop_.stop();
  EXPECT_EQ(thrown_by_run(loop_), "second");
  EXPECT_EQ(loop_.run(), LoopEnded::stopped);
  EXPECT_EQ(received, 4u);
}

TEST_P(LoopOnHome, AShareOfNoneIsRefused) {
  Place place = make();
  const auto refused = [&] { loop_.on_message(place.queue(), [](const Message&) {}, {.most_per_turn = 0}); };
  EXPECT_TRUE(fails_with(Errc::invalid_argument, refused));
  EXPECT_TRUE(says(sentence_of(refused), "watch", place.name(), "most_per_turn", "EINVAL"));
}

TEST_F(LoopTest, AFailingQueueEndsItsWatchAndTellsWhomItWasToldToTell) {
  Place removed(In::sysv, "q", kUsual);
  Texts told;
  Watch watch = loop_.on_message(removed.queue(), [](const Message&) { FAIL(); }, {.on_error = [&](const Error& error) {
                                   told.emplace_back(error.what());
                                   EXPECT_EQ(error.code(), Errc::queue_removed);
                                   EXPECT_FALSE(watch.is_active());
                                 }});
  removed.queue().unlink();
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(says(told[0], "receive", removed.name(), "EIDRM"));
}

TEST_F(LoopTest, AQueueWhoseFileIsCutIsDamagedAndItsWatchEnds) {
  Place place(In::shm, "q", kUsual);
  Watch watch = loop_.on_message(place.queue(), [](const Message&) { FAIL(); });
  EXPECT_EQ(loop_.run_for(0ms), LoopEnded::timed_out);
  std::filesystem::resize_file(directory_.queue_file(), 100);
  EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { loop_.run(); }));
  EXPECT_FALSE(watch.is_active());
}

TEST_F(LoopTest, MessagesLargerThanTheSharedBufferArriveWhole) {
  constexpr std::size_t kLarge = 1 << 20;
  Place place(In::shm, "large", {.capacity = 4, .message_size = kLarge});
  const std::vector<std::byte> bytes = pattern(kLarge, 5);
  Watch watch;
  watch = loop_.on_message(place.queue(), [&](const Message& message) {
    EXPECT_TRUE(is_pattern(message.bytes(), 5));
    watch.cancel();
  });
  place.queue().send(std::span<const std::byte>(bytes));
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
}

}  // namespace
}  // namespace mqxx::test
