// Batches: many messages at once are the same as one after the other.
#include <array>
#include <numeric>
#include <thread>

#include "contract/backend_contract.hpp"

namespace mqxx::test {
namespace {

/// Room for `count` messages of a queue.
class Room {
 public:
  Room(const Queue& queue, std::size_t count) : buffers_(count, buffer_for(queue)) {
    for (auto& buffer : buffers_) incoming_.push_back({.buffer = buffer});
  }
  std::span<Incoming> span() { return incoming_; }
  [[nodiscard]] std::vector<std::string> texts(std::size_t count) const {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) texts.push_back(text_of(incoming_[i].buffer.first(incoming_[i].size)));
    return texts;
  }
  [[nodiscard]] std::vector<Priority> priorities(std::size_t count) const {
    std::vector<Priority> priorities;
    for (std::size_t i = 0; i < count; ++i) priorities.push_back(incoming_[i].priority);
    return priorities;
  }

 private:
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<Incoming> incoming_;
};

TEST_P(BackendContract, ABatchIsSentInItsOrder) {
  Queue queue = make();
  const std::array<Outgoing, 3> batch{Outgoing{"a"}, Outgoing{"b"}, Outgoing{"c"}};
  EXPECT_EQ(queue.send_batch(batch), 3u);
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_P(BackendContract, EachMessageOfABatchHasAPriorityOfItsOwn) {
  Queue queue = make();
  queue.send("there before", 5);
  const std::array<Outgoing, 5> batch{Outgoing{"low", 1}, Outgoing{"high", 9}, Outgoing{"same", 5}, Outgoing{"", 9},
                                      Outgoing{"top", kMaxPriority}};
  EXPECT_EQ(queue.send_batch(batch), 5u);
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"top", "high", "", "there before", "same", "low"}));
}

TEST_P(BackendContract, ABatchOfReceivesTakesTheFirstMessagesInOrder) {
  Queue queue = make();
  queue.send("b", 2);
  queue.send("c", 1);
  queue.send("a", 3);
  queue.send("b2", 2);
  Room room(queue, 3);
  EXPECT_EQ(queue.receive_batch(room.span()), 3u);
  EXPECT_EQ(room.texts(3), (std::vector<std::string>{"a", "b", "b2"}));
  EXPECT_EQ(room.priorities(3), (std::vector<Priority>{3, 2, 2}));
  EXPECT_EQ(drained(queue), std::vector<std::string>{"c"});
}

TEST_P(BackendContract, ABatchOfReceivesTakesWhatIsThereAndWaitsForNoMore) {
  Queue queue = make();
  send_numbers(queue, 2);
  Room room(queue, 8);
  EXPECT_EQ(queue.receive_batch(room.span()), 2u);
  EXPECT_EQ(room.texts(2), (std::vector<std::string>{"0", "1"}));
}

TEST_P(BackendContract, ABatchOfReceivesWaitsForTheFirstMessage) {
  Queue queue = make();
  Room room(queue, 8);
  std::thread receiver([&] { EXPECT_EQ(queue.receive_batch(room.span()), 1u); });
  until_receivers_wait(queue);
  queue.send("first");
  receiver.join();
  EXPECT_EQ(room.texts(1), std::vector<std::string>{"first"});
}

TEST_P(BackendContract, ABatchOfReceivesFromAnEmptyQueueThatMayNotWaitIsEmpty) {
  Queue queue = make();
  Room room(queue, 2);
  EXPECT_EQ(queue.try_receive_batch(room.span()), 0u);
  std::error_code ec = stale_code();
  EXPECT_EQ(queue.receive_batch(room.span(), Wait::for_duration(5ms), ec), 0u);
  EXPECT_FALSE(ec) << ec.message();
}

TEST_P(BackendContract, ABatchThatMayNotWaitSendsWhatThereIsRoomFor) {
  Queue queue = make(3, 1);
  queue.send("0");
  const std::array<Outgoing, 4> batch{Outgoing{"a"}, Outgoing{"b"}, Outgoing{"c"}, Outgoing{"d"}};
  EXPECT_EQ(queue.try_send_batch(batch), 2u);
  EXPECT_EQ(queue.try_send_batch(std::span(batch).subspan(2)), 0u);
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"0", "a", "b"}));
}

TEST_P(BackendContract, ABatchWhoseTimePassesTellsHowManyWereSent) {
  Queue queue = make(2, 1);
  const std::array<Outgoing, 3> batch{Outgoing{"a"}, Outgoing{"b"}, Outgoing{"c"}};
  const auto begin = std::chrono::steady_clock::now();
  std::error_code ec = stale_code();
  EXPECT_EQ(queue.send_batch(batch, Wait::for_duration(30ms), ec), 2u);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"a", "b"}));
}

TEST_P(BackendContract, ABatchLargerThanTheQueueGoesThroughWhenSomebodyReceives) {
  constexpr std::size_t kCount = 1000;
  Queue queue = make(7);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < kCount; ++i) texts.push_back(std::to_string(i));
  std::vector<Outgoing> batch;
  for (const std::string& text : texts) batch.push_back({Payload(text), 3});
  std::jthread sender([&] { EXPECT_EQ(queue.send_batch(batch), kCount); });
  std::vector<std::string> received;
  Room room(queue, 16);
  while (received.size() < kCount) {
    // It may be more than the capacity: room that this batch makes is filled while it goes on.
    const std::size_t count = queue.receive_batch(room.span());
    ASSERT_GE(count, 1u);
    ASSERT_LE(count, 16u);
    for (std::string& text : room.texts(count)) received.push_back(std::move(text));
  }
  sender.join();
  EXPECT_EQ(received, texts);
}

TEST_P(BackendContract, AnEmptyBatchDoesNothingAndDoesNotWait) {
  Queue queue = make(1);
  EXPECT_EQ(queue.receive_batch({}), 0u);
  fill(queue);
  EXPECT_EQ(queue.send_batch({}), 0u);
  EXPECT_EQ(queue.attributes().depth, 1u);
}

TEST_P(BackendContract, ABatchWithAMessageThatIsTooBigSendsNothing) {
  Queue queue = make(1, 4);
  const std::array<Outgoing, 3> batch{Outgoing{"ok"}, Outgoing{"large"}, Outgoing{"ok"}};
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue.send_batch(batch); }));
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue.try_send_batch(batch); }));
  std::error_code ec;
  EXPECT_EQ(queue.send_batch(batch, Wait::forever(), ec), 0u);
  EXPECT_EQ(ec, Errc::message_too_big);
  EXPECT_EQ(queue.attributes().depth, 0u);
}

TEST_P(BackendContract, ABatchWithABadPrioritySendsNothing) {
  Queue queue = make();
  const std::array<Outgoing, 2> batch{Outgoing{"ok"}, Outgoing{"bad", kMaxPriority + 1}};
  EXPECT_TRUE(fails_with(Errc::invalid_priority, [&] { queue.send_batch(batch); }));
  EXPECT_EQ(queue.attributes().depth, 0u);
}

TEST_P(BackendContract, ABatchOfReceivesWithOneBufferThatIsTooSmallTakesNothing) {
  MQXX_NEEDS(exact_sizes);
  Queue queue = make(10, 64);
  send_numbers(queue, 2);
  std::vector<std::byte> large(64);
  std::vector<std::byte> small(63);
  std::array<Incoming, 2> room{Incoming{.buffer = large}, Incoming{.buffer = small}};
  EXPECT_TRUE(fails_with(Errc::buffer_too_small, [&] { queue.receive_batch(room); }));
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"0", "1"}));
}

TEST_P(BackendContract, LargeMessagesTravelInBatchesWhole) {
  constexpr std::size_t kSize = 70000;
  MQXX_NEEDS_ROOM(8, kSize);
  Queue queue = make(8, kSize);
  std::vector<std::vector<std::byte>> payloads;
  for (std::uint64_t i = 0; i < 8; ++i) payloads.push_back(pattern(kSize - i, i));
  std::vector<Outgoing> batch;
  for (const auto& payload : payloads) batch.push_back({std::span<const std::byte>(payload), 0});
  EXPECT_EQ(queue.send_batch(batch), 8u);
  Room room(queue, 8);
  EXPECT_EQ(queue.receive_batch(room.span()), 8u);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(room.span()[i].size, kSize - i);
    EXPECT_TRUE(is_pattern(room.span()[i].buffer.first(room.span()[i].size), i)) << i;
  }
}

TEST_P(BackendContract, ABatchOfABlockedSenderKeepsItsOrderAmongOthers) {
  Queue queue = make(2);
  fill(queue);
  const std::array<Outgoing, 4> batch{Outgoing{"1", 1}, Outgoing{"2", 1}, Outgoing{"3", 1}, Outgoing{"4", 1}};
  std::thread sender([&] { EXPECT_EQ(queue.send_batch(batch), 4u); });
  until_senders_wait(queue);
  std::vector<std::string> received;
  while (received.size() < 4) {
    std::string text = text_of(queue.receive());
    if (text != filler_) received.push_back(std::move(text));
  }
  sender.join();
  EXPECT_EQ(received, (std::vector<std::string>{"1", "2", "3", "4"}));
}

}  // namespace
}  // namespace mqxx::test
