// Queues in all homes: readable, writable, both, closed and removed while they are watched.
#include <optional>

#include "loop/loop_test.hpp"

namespace mqxx::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Homes, LoopOnHome, testing::ValuesIn(kHomes), in_home);

TEST_P(LoopOnHome, AQueueIsReadableInEachTurnWhileItHasAMessage) {
  Place place = make();
  int called = 0;
  Watch watch = loop_.on_readable(place.queue(), [&](Queue& queue) {
    ++called;
    EXPECT_EQ(queue.name(), place.name());
  });
  loop_.run_for(0ms);
  EXPECT_EQ(called, 0);
  place.queue().send("x");
  loop_.run_for(0ms);
  loop_.run_for(0ms);
  EXPECT_EQ(called, 2);
  (void)place.queue().receive();
  loop_.run_for(0ms);
  EXPECT_EQ(called, 2);
}

// Of System V, as long as a message of the greatest size has room, and that takes all of such a queue: docs/homes.md.
bool is_writable_with_a_message(In home) { return home != In::sysv; }

TEST_P(LoopOnHome, AQueueIsWritableInEachTurnWhileItHasRoom) {
  Place place = make();
  const std::string filler(kUsual.message_size, 'f');
  const std::size_t room = is_writable_with_a_message(GetParam()) ? kUsual.capacity : 1;
  std::size_t sent = 0;
  Watch watch = loop_.on_writable(place.queue(), [&](Queue& queue) { sent += queue.try_send(filler) ? 1 : 0; });
  for (std::size_t i = 0; i < 2 * kUsual.capacity; ++i) loop_.run_for(0ms);
  EXPECT_EQ(sent, room);
  (void)place.queue().receive();
  loop_.run_for(0ms);
  EXPECT_EQ(sent, room + 1);
}

TEST_P(LoopOnHome, OneQueueMayBeWatchedForBothAndSeveralTimes) {
  Place place = make();
  Queue twin = place.queue().duplicate();
  Texts called;
  Watch reads = loop_.on_readable(place.queue(), [&](Queue&) { called.emplace_back("readable"); });
  Watch writes = loop_.on_writable(place.queue(), [&](Queue&) { called.emplace_back("writable"); });
  Watch again = loop_.on_readable(twin, [&](Queue&) { called.emplace_back("again"); });
  loop_.run_for(0ms);
  EXPECT_EQ(called, Texts{"writable"});
  called.clear();
  place.queue().send("x");
  loop_.run_for(0ms);
  if (is_writable_with_a_message(GetParam())) {
    EXPECT_EQ(called, (Texts{"readable", "writable", "again"}));
  } else {
    EXPECT_EQ(called, (Texts{"readable", "again"}));
  }
  called.clear();
  writes.cancel();
  again.cancel();
  loop_.run_for(0ms);
  EXPECT_EQ(called, Texts{"readable"});
}

TEST_P(LoopOnHome, AWatchKeepsTheQueueUntilItEnds) {
  Place place = make();
  std::optional<Queue> queue = Queue::open(place.name());
  Texts received;
  Watch watch;
  watch = loop_.on_readable(*queue, [&](Queue& own) {
    queue.reset();  // the one that was given to the loop, destroyed under its feet
    received.push_back(text_of(own.receive()));
    watch.cancel();
  });
  Queue moved = std::move(*queue);
  place.queue().send("x");
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(received, Texts{"x"});
}

TEST_P(LoopOnHome, CallbacksCancelThemselvesAndEachOther) {
  Place first = make("first");
  Place second = make("second");
  int called = 0;
  Watch one;
  Watch two;
  const auto cancel_both = [&](Queue&) {
    ++called;
    one.cancel();
    two.cancel();
  };
  one = loop_.on_readable(first.queue(), cancel_both);
  two = loop_.on_readable(second.queue(), cancel_both);
  first.queue().send("x");
  second.queue().send("x");
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(called, 1) << "also when both were ready in one turn";
}

TEST_P(LoopOnHome, AQueueThatIsRemovedWhileItIsWatchedLivesOnOrSaysSo) {
  Place place = make();
  Texts received;
  Watch watch = loop_.on_message(place.queue(), [&](const Message& message) { received.push_back(text_of(message)); });
  place.queue().send("before");
  place.queue().unlink();
  if (GetParam() == In::sysv) {
    EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { loop_.run(); }));
    EXPECT_FALSE(watch.is_active());
    return;
  }
  place.queue().send("after");
  loop_.run_for(0ms);
  EXPECT_EQ(received, (Texts{"before", "after"}));
  EXPECT_TRUE(watch.is_active());
}

TEST_P(LoopOnHome, AClosedQueueCannotBeWatched) {
  Queue closed;
  EXPECT_TRUE(fails_with(Errc::closed, [&] { loop_.on_readable(closed, [](Queue&) {}); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { loop_.on_message(closed, [](const Message&) {}); }));
  Place place = make();
  const Queue writer = Queue::open(place.name(), {.access = Access::write_only});
  EXPECT_TRUE(fails_with(Errc::not_readable, [&] { loop_.on_message(writer, [](const Message&) {}); }));
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
}

}  // namespace
}  // namespace mqxx::test
