// Walks: peeks in steps, each behind the last. What moves meanwhile is tests/model and tests/race.
#include <algorithm>
#include <limits>

#include "contract/backend_contract.hpp"
#include "support/seed.hpp"

namespace mqxx::test {
namespace {

/// What a walk sees to its end, in steps that are no larger than the options say.
std::vector<std::string> walked(const Queue& queue, const PeekOptions& options, Cursor cursor = {}) {
  std::vector<std::string> texts;
  for (;;) {
    const std::vector<Message> step = queue.peek(cursor, options);
    if (step.empty()) return texts;
    EXPECT_LE(step.size(), options.most);
    for (const Message& message : step) texts.push_back(text_of(message));
  }
}

/// Each is named by its priority and its number in that.
void send_some(Queue& queue) {
  for (const char* text : {"5a", "1a", "3a", "5b", "0a", "3b", "3c", "1b"}) {
    queue.send(text, static_cast<Priority>(text[0] - '0'));
  }
}
const std::vector<std::string> kSome{"5a", "5b", "3a", "3b", "3c", "1a", "1b", "0a"};

TEST_P(BackendContract, WalkInStepsOfAnySizeSeesEveryMessageOnceAndTakesNone) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  send_some(queue);
  for (const std::size_t most : {1U, 2U, 3U, 7U, 8U, 9U, 100U}) {
    EXPECT_EQ(walked(queue, {.most = most}), kSome) << most << " a step";
  }
  EXPECT_EQ(drained(queue), kSome);
}

TEST_P(BackendContract, WalkShowsTheWantedPrioritiesOnly) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  send_some(queue);
  const auto range = [&](Priority lowest, Priority highest) {
    return walked(queue, {.most = 2, .lowest = lowest, .highest = highest});
  };
  EXPECT_EQ(range(3, 3), (std::vector<std::string>{"3a", "3b", "3c"}));
  EXPECT_EQ(range(1, 4), (std::vector<std::string>{"3a", "3b", "3c", "1a", "1b"}));
  EXPECT_EQ(range(4, kMaxPriority), (std::vector<std::string>{"5a", "5b"}));
  EXPECT_EQ(range(0, 0), std::vector<std::string>{"0a"});
  EXPECT_TRUE(range(2, 2).empty());
  EXPECT_TRUE(range(6, kMaxPriority).empty());
}

TEST_P(BackendContract, WalkMayChangeThePrioritiesThatItWantsOnItsWay) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  send_some(queue);
  Cursor cursor;
  EXPECT_EQ(texts_of(queue.peek(cursor, {.most = 1})), std::vector<std::string>{"5a"});
  EXPECT_EQ(walked(queue, {.highest = 1}, cursor), (std::vector<std::string>{"1a", "1b", "0a"}));
  EXPECT_EQ(walked(queue, {.lowest = 5}, cursor), std::vector<std::string>{"5b"});
}

TEST_P(BackendContract, StepEndsWithTheMessageThatMakesEnoughBytes) {
  MQXX_NEEDS(peek);
  Queue queue = make(6, 40);
  for (int i = 0; i < 6; ++i) queue.send(std::string(40, static_cast<char>('a' + i)));
  Cursor cursor;
  EXPECT_EQ(queue.peek(cursor, {.bytes = 80}).size(), 2U);
  EXPECT_EQ(queue.peek(cursor, {.bytes = 81}).size(), 3U);
  EXPECT_EQ(queue.peek(cursor, {.bytes = 0}).size(), 1U) << "there is always one";
  EXPECT_TRUE(queue.peek(cursor).empty());
}

TEST_P(BackendContract, StepOfNoMessagesStaysWhereItIs) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  queue.send("x");
  Cursor cursor;
  EXPECT_TRUE(queue.peek(cursor, {.most = 0}).empty());
  EXPECT_EQ(cursor, Cursor());
}

TEST_P(BackendContract, CursorIsAValueAndItsCopyAnotherWalk) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  send_some(queue);
  Cursor cursor;
  (void)queue.peek(cursor, {.most = 3});
  const Cursor copy = cursor;
  const std::vector<std::string> rest(kSome.begin() + 3, kSome.end());
  EXPECT_EQ(walked(queue, {}, cursor), rest);
  EXPECT_EQ(walked(queue, {.most = 1}, copy), rest);
  const Queue other = queue.duplicate();
  EXPECT_EQ(walked(other, {}, copy), rest);
}

TEST_P(BackendContract, WhatComesBehindTheCursorIsSeenAndWhatComesBeforeItIsNot) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  queue.send("3a", 3);
  Cursor cursor;
  EXPECT_EQ(queue.peek(cursor).size(), 1U);
  EXPECT_TRUE(queue.peek(cursor).empty());
  queue.send("4a", 4);
  EXPECT_TRUE(queue.peek(cursor).empty());
  queue.send("3b", 3);
  queue.send("2a", 2);
  EXPECT_EQ(texts_of(queue.peek(cursor)), (std::vector<std::string>{"3b", "2a"}));
  queue.send("3c", 3);
  EXPECT_TRUE(queue.peek(cursor).empty());
}

TEST_P(BackendContract, WalkGoesOnWhereItsMessageWasAlsoWhenThatHasLeft) {
  MQXX_NEEDS(peek);
  MQXX_NEEDS(steady_cursor);
  Queue queue = make();
  send_some(queue);
  Cursor cursor;
  EXPECT_EQ(queue.peek(cursor, {.most = 4}).size(), 4U);
  for (int i = 0; i < 3; ++i) (void)queue.receive();
  EXPECT_EQ(walked(queue, {}, cursor), (std::vector<std::string>{"3c", "1a", "1b", "0a"})) << "3a has left";
  for (int i = 0; i < 2; ++i) (void)queue.receive();
  EXPECT_EQ(walked(queue, {}, cursor), (std::vector<std::string>{"1a", "1b", "0a"})) << "all of 3";
  (void)drained(queue);
  EXPECT_TRUE(walked(queue, {}, cursor).empty());
  send_some(queue);
  EXPECT_EQ(walked(queue, {}, cursor), (std::vector<std::string>{"3a", "3b", "3c", "1a", "1b", "0a"}))
      << "they are new";
}

TEST_P(BackendContract, WalkDoesNotSeeWhatIsOnLoanWhileItPassesAlsoWhenThatIsPutBack) {
  MQXX_NEEDS(peek);
  MQXX_NEEDS(loans_in_place);
  Queue queue = make();
  for (const char* text : {"a", "b", "c", "d"}) queue.send(text);
  Cursor cursor;
  {
    ReceiveLoan a = queue.receive_loan();
    ReceiveLoan b = queue.receive_loan();
    EXPECT_EQ(texts_of(queue.peek(cursor, {.most = 1})), std::vector<std::string>{"c"});
    EXPECT_EQ(text_of(queue.receive()), "c");
    b.put_back();
    a.put_back();
  }
  EXPECT_EQ(walked(queue, {}, cursor), std::vector<std::string>{"d"});
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"a", "b", "d"}));
}

TEST_P(BackendContract, PrioritiesThatAreNoRangeAreRefusedAndTheCursorStays) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  send_some(queue);
  Cursor cursor;
  (void)queue.peek(cursor, {.most = 2});
  const Cursor before = cursor;
  const auto peek = [&](Priority lowest, Priority highest) {
    return [&queue, &cursor, lowest, highest] { (void)queue.peek(cursor, {.lowest = lowest, .highest = highest}); };
  };
  EXPECT_TRUE(fails_with(Errc::invalid_priority, peek(3, 2)));
  EXPECT_TRUE(fails_with(Errc::invalid_priority, peek(0, kMaxPriority + 1)));
  EXPECT_TRUE(says(sentence_of(peek(3, 2)), "peek", queue.name(), "lowest priority is 3", "2", "EINVAL"));
  EXPECT_TRUE(says(sentence_of(peek(0, 40000)), "peek", "40000", "32767", "EINVAL"));
  std::error_code ec;
  EXPECT_TRUE(queue.peek(cursor, {.lowest = 1, .highest = 0}, ec).empty());
  EXPECT_EQ(ec, Errc::invalid_priority);
  EXPECT_EQ(cursor, before);
  EXPECT_EQ(queue.peek(cursor, {}, ec).size(), 6U);
  EXPECT_FALSE(ec) << ec.message();
}

TEST_P(BackendContract, WalkIsForReadersOnly) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  queue.send("x");
  const Queue writer = Queue::open(at(), {.access = Access::write_only});
  Cursor cursor;
  EXPECT_TRUE(fails_with(Errc::not_readable, [&] { (void)writer.peek(cursor); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)Queue().peek(cursor); }));
  EXPECT_EQ(cursor, Cursor());
}

TEST_P(BackendContract, CursorOfAnyNumbersDoesNoHarm) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  send_some(queue);
  Random random(fresh_seed());
  const auto any = [&] {
    return random.one_in(2) ? random.below(12) : random.below(std::numeric_limits<std::uint64_t>::max());
  };
  for (int i = 0; i < 300; ++i) {
    const Cursor cursor{.begun = true, .hint = static_cast<std::uint32_t>(any()), .list = any(), .message = any()};
    // Wherever it stands, what follows is the end of the whole.
    const std::vector<std::string> seen = walked(queue, {.most = 3}, cursor);
    ASSERT_LE(seen.size(), kSome.size());
    ASSERT_TRUE(std::equal(seen.rbegin(), seen.rend(), kSome.rbegin())) << "step " << i;
  }
}

TEST_P(BackendContract, WalkThroughThousandsSeesThemInOrder) {
  MQXX_NEEDS(peek);
  const std::size_t count = std::min<std::size_t>(3000, home().deepest);
  MQXX_NEEDS_ROOM(count, 8);
  Queue queue = make(count, 8);
  for (std::size_t i = 0; i < count; ++i) queue.send(std::to_string(i), static_cast<Priority>(i % 7));
  const std::vector<std::string> seen = walked(queue, {.most = 300});
  EXPECT_EQ(seen.size(), count);
  EXPECT_EQ(seen, drained(queue));
}

}  // namespace
}  // namespace mqxx::test
