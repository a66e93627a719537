// Which message comes next, and that it comes whole.
#include <algorithm>
#include <numeric>

#include "contract/backend_contract.hpp"
#include "support/seed.hpp"

namespace mqxx::test {
namespace {

TEST_P(BackendContract, MessagesOfOnePriorityLeaveInOrderOfArrival) {
  MQXX_NEEDS_ROOM(100, 64);
  Queue queue = make(100);
  send_numbers(queue, 100);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(queue.receive().text(), std::to_string(i));
}

TEST_P(BackendContract, HigherPrioritiesLeaveFirst) {
  Queue queue = make();
  queue.send("low", 1);
  queue.send("high", 9);
  queue.send("middle", 5);
  queue.send("lowest", 0);
  queue.send("highest", kMaxPriority);
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"highest", "high", "middle", "low", "lowest"}));
}

TEST_P(BackendContract, EqualPrioritiesLeaveInOrderOfArrivalAmongOthers) {
  Queue queue = make();
  queue.send("b1", 2);
  queue.send("a1", 7);
  queue.send("b2", 2);
  queue.send("a2", 7);
  queue.send("c1", 0);
  queue.send("a3", 7);
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"a1", "a2", "a3", "b1", "b2", "c1"}));
}

TEST_P(BackendContract, AMessageOfHigherPriorityOvertakesBetweenTwoReceives) {
  Queue queue = make();
  queue.send("first", 3);
  queue.send("second", 3);
  EXPECT_EQ(queue.receive().text(), "first");
  queue.send("urgent", 4);
  EXPECT_EQ(queue.receive().text(), "urgent");
  EXPECT_EQ(queue.receive().text(), "second");
}

TEST_P(BackendContract, ReceiveTellsThePriority) {
  Queue queue = make();
  for (const Priority priority : {Priority{0}, Priority{1}, Priority{31}, Priority{4096}, kMaxPriority}) {
    queue.send("x", priority);
    std::vector<std::byte> buffer = buffer_for(queue);
    const Received received = queue.receive(buffer);
    EXPECT_EQ(received.priority, priority);
    EXPECT_EQ(received.size, 1u);
  }
}

TEST_P(BackendContract, ThePriorityIsZeroWhereNoneIsGiven) {
  Queue queue = make();
  queue.send("x");
  EXPECT_EQ(queue.receive().priority(), 0u);
}

// Every level of a bitmap index has its edges at powers of 32 and 64.
TEST_P(BackendContract, EveryPriorityBesideAPowerOfTwoKeepsTheOrder) {
  std::vector<Priority> priorities;
  for (Priority power = 1; power <= kMaxPriority + 1; power *= 2) {
    for (const Priority priority : {power - 1, power, power + 1}) {
      if (priority <= kMaxPriority) priorities.push_back(priority);
    }
  }
  MQXX_NEEDS_ROOM(priorities.size(), 64);
  Queue queue = make(priorities.size());
  for (const Priority priority : priorities) queue.send(std::to_string(priority), priority);
  std::sort(priorities.rbegin(), priorities.rend());
  for (const Priority priority : priorities) {
    const Message message = queue.receive();
    ASSERT_EQ(message.priority(), priority);
    ASSERT_EQ(message.text(), std::to_string(priority));
  }
}

TEST_P(BackendContract, EveryPriorityAtOnceLeavesFromTheHighestToTheLowest) {
  // Where so many at once are too much, a part of them at even distances.
  const std::size_t distance = (kMaxPriority + home().deepest) / home().deepest;
  const std::size_t count = (kMaxPriority + 1) / distance;
  MQXX_NEEDS_ROOM(count, 8);
  Queue queue = make(count, 8);
  // An order that is neither rising nor falling: 12347 is a prime and no factor of the count.
  for (std::size_t i = 0; i < count; ++i) queue.send("p", static_cast<Priority>(i * 12347 % count * distance));
  for (std::size_t i = count; i > 0; --i) ASSERT_EQ(queue.receive().priority(), (i - 1) * distance);
  EXPECT_FALSE(queue.try_receive());
}

TEST_P(BackendContract, RandomPrioritiesLeaveInTheOrderOfAStableSort) {
  MQXX_NEEDS_ROOM(1000, 16);
  Random random(fresh_seed());
  constexpr std::size_t kCount = 1000;
  Queue queue = make(kCount, 16);
  std::vector<std::pair<Priority, std::size_t>> sent;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto priority = static_cast<Priority>(random.one_in(2) ? random.below(4) : random.below(kMaxPriority + 1));
    queue.send(std::to_string(i), priority);
    sent.emplace_back(priority, i);
  }
  std::stable_sort(sent.begin(), sent.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [priority, number] : sent) {
    const Message message = queue.receive();
    ASSERT_EQ(message.priority(), priority);
    ASSERT_EQ(message.text(), std::to_string(number));
  }
}

TEST_P(BackendContract, APriorityAboveTheHighestIsRefusedAndNothingIsQueued) {
  Queue queue = make();
  for (const Priority priority : {kMaxPriority + 1, Priority{65536}, Priority{0x80000000}, Priority{0xFFFFFFFF}}) {
    EXPECT_TRUE(fails_with(Errc::invalid_priority, [&] { queue.send("x", priority); }));
  }
  EXPECT_EQ(queue.attributes().depth, 0u);
}

// ---- Sizes -----------------------------------------------------------------------------------------------------

TEST_P(BackendContract, AMessageWithoutBytesIsAMessage) {
  Queue queue = make();
  queue.send(Payload(), 3);
  queue.send("", 2);
  queue.send(Payload(nullptr, 0), 1);
  EXPECT_EQ(queue.attributes().depth, 3u);
  const Message message = queue.receive();
  EXPECT_TRUE(message.empty());
  EXPECT_EQ(message.priority(), 3u);
  std::vector<std::byte> buffer = buffer_for(queue);
  EXPECT_EQ(queue.receive(buffer).size, 0u);
  EXPECT_EQ(queue.receive(buffer).priority, 1u);
}

TEST_P(BackendContract, EverySizeUpToTheLargestArrivesWhole) {
  constexpr std::size_t kLargest = 300;
  Queue queue = make(4, kLargest);
  for (std::size_t size = 0; size <= kLargest; ++size) {
    queue.send(std::span<const std::byte>(pattern(size, size)));
    const Message message = queue.receive();
    ASSERT_EQ(message.size(), size);
    ASSERT_TRUE(is_pattern(message.bytes(), size)) << size;
  }
}

TEST_P(BackendContract, MessageSizesAroundPagesAndCacheLinesArriveWhole) {
  for (const std::size_t largest :
       {1u, 2u, 31u, 32u, 33u, 63u, 64u, 65u, 4095u, 4096u, 4097u, 65535u, 65536u, 65537u, 1048576u + 1u}) {
    SCOPED_TRACE(largest);
    if (home().refusal(3, largest) != Errc{}) {
      without_room(3, largest);
      continue;
    }
    Queue queue = make(3, largest);
    for (std::uint64_t tag = 1; tag <= 3; ++tag) queue.send(std::span<const std::byte>(pattern(largest, tag)));
    for (std::uint64_t tag = 1; tag <= 3; ++tag) {
      const Message message = queue.receive();
      ASSERT_EQ(message.size(), largest);
      ASSERT_TRUE(is_pattern(message.bytes(), tag));
    }
    queue.unlink();
  }
}

TEST_P(BackendContract, BytesOfAllValuesArriveUnchanged) {
  Queue queue = make(1, 256);
  std::vector<std::byte> bytes;
  for (int i = 255; i >= 0; --i) bytes.push_back(static_cast<std::byte>(i));
  queue.send(std::span<const std::byte>(bytes));
  EXPECT_TRUE(std::ranges::equal(queue.receive().bytes(), bytes));
}

TEST_P(BackendContract, AMessageThatIsTooBigIsRefusedWithBothNumbersAndNothingIsQueued) {
  Queue queue = make(1, 64);
  const std::vector<std::byte> big = pattern(65, 1);
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue.send(std::span<const std::byte>(big)); }));
  EXPECT_TRUE(says(sentence_of([&] { queue.send(std::span<const std::byte>(big)); }), "send", queue.name(), "65", "64",
                   "EMSGSIZE"));
  EXPECT_EQ(queue.attributes().depth, 0u);
}

TEST_P(BackendContract, AMessageThatIsTooBigIsRefusedEvenWhenTheQueueIsFull) {
  Queue queue = make(1, 8);
  fill(queue);
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue.try_send("nine bytes"); }));
}

TEST_P(BackendContract, ABufferSmallerThanTheMessageSizeIsRefusedAndTheMessageStays) {
  MQXX_NEEDS(exact_sizes);
  Queue queue = make(10, 64);
  queue.send("short");
  std::vector<std::byte> small(63);
  const auto receive = [&] { (void)queue.receive(std::span(small)); };
  EXPECT_TRUE(fails_with(Errc::buffer_too_small, receive));
  EXPECT_TRUE(says(sentence_of(receive), "receive", queue.name(), "63", "64", "EMSGSIZE"));
  EXPECT_TRUE(fails_with(Errc::buffer_too_small, [&] { (void)queue.try_receive(std::span<std::byte>()); }));
  EXPECT_EQ(queue.receive().text(), "short");
}

TEST_P(BackendContract, ABufferThatIsTooSmallIsRefusedEvenWhenTheQueueIsEmpty) {
  MQXX_NEEDS(exact_sizes);
  Queue queue = make(10, 64);
  std::vector<std::byte> small(63);
  EXPECT_TRUE(fails_with(Errc::buffer_too_small, [&] { (void)queue.receive(std::span(small)); }));
}

TEST_P(BackendContract, ReceiveWritesNoByteBehindTheMessage) {
  Queue queue = make(10, 64);
  std::vector<std::byte> buffer(128, std::byte{0xA5});
  queue.send("12345");
  EXPECT_EQ(queue.receive(std::span(buffer)).size, 5u);
  EXPECT_TRUE(std::all_of(buffer.begin() + 64, buffer.end(), [](std::byte b) { return b == std::byte{0xA5}; }));
}

TEST_P(BackendContract, AMessageOwnsItsBytes) {
  Queue queue = make(1, 64);
  queue.send("first");
  Message first = queue.receive();
  queue.send("second");
  const Message second = queue.receive();
  EXPECT_EQ(first.text(), "first");
  const Message moved = std::move(first);
  EXPECT_EQ(moved.text(), "first");
  EXPECT_EQ(second.text(), "second");
}

// ---- Capacity --------------------------------------------------------------------------------------------------

TEST_P(BackendContract, AQueueTakesExactlyItsCapacity) {
  for (const std::size_t capacity : {1u, 2u, 3u, 63u, 64u, 65u, 1000u}) {
    SCOPED_TRACE(capacity);
    if (home().refusal(capacity, 1) != Errc{}) {
      without_room(capacity, 1);
      continue;
    }
    Queue queue = make(capacity, 1);
    for (std::size_t i = 0; i < capacity; ++i) ASSERT_TRUE(queue.try_send("x")) << i;
    EXPECT_FALSE(queue.try_send("x"));
    EXPECT_EQ(queue.attributes().depth, capacity);
    (void)queue.receive();
    EXPECT_TRUE(queue.try_send("x"));
    EXPECT_FALSE(queue.try_send("x"));
    queue.unlink();
  }
}

TEST_P(BackendContract, AQueueOfOneMessageGoesRoundAndRound) {
  Queue queue = make(1, 5);
  for (int i = 10000; i < 20000; ++i) {
    ASSERT_TRUE(queue.try_send(std::to_string(i), static_cast<Priority>(i)));
    ASSERT_FALSE(queue.try_send("-more"));
    ASSERT_EQ(queue.receive().text(), std::to_string(i));
    ASSERT_FALSE(queue.try_receive());
  }
}

TEST_P(BackendContract, AQueueOfAMillionMessagesHoldsThemAll) {
  constexpr std::size_t kPriorities = 5;
  const std::size_t capacity = std::min<std::size_t>(1'000'000, home().deepest);
  MQXX_NEEDS_ROOM(capacity, sizeof(std::uint32_t));
  Queue queue = make(capacity, sizeof(std::uint32_t));
  for (std::uint32_t i = 0; i < capacity; ++i)
    ASSERT_TRUE(queue.try_send({&i, sizeof i}, static_cast<Priority>(i % kPriorities)));
  std::uint32_t extra = 0;
  EXPECT_FALSE(queue.try_send({&extra, sizeof extra}));
  EXPECT_EQ(queue.attributes().depth, capacity);
  for (std::uint32_t i = 0; i < capacity; ++i) {
    std::uint32_t number = 0;
    const Received received = queue.receive(std::as_writable_bytes(std::span(&number, 1)));
    ASSERT_EQ(received.priority, 4 - i / (capacity / kPriorities));
    ASSERT_EQ(number, received.priority + kPriorities * (i % (capacity / kPriorities)));
  }
}

TEST_P(BackendContract, CapacityOutOfBoundsIsRefusedWithTheBoundsAndCreatesNothing) {
  const auto create = [&](std::size_t capacity) {
    return [this, capacity] { (void)Queue::create(at(), {.capacity = capacity}); };
  };
  for (const std::size_t capacity : {std::size_t{0}, home().most_capacity + 1, static_cast<std::size_t>(-1)}) {
    EXPECT_TRUE(fails_with(Errc::invalid_capacity, create(capacity))) << capacity;
    EXPECT_TRUE(
        says(sentence_of(create(capacity)), "create", at(), "1", std::to_string(home().most_capacity), "EINVAL"));
  }
  expect_nothing_left();
}

TEST_P(BackendContract, MessageSizeOutOfBoundsIsRefusedWithTheBoundsAndCreatesNothing) {
  const auto create = [&](std::size_t size) {
    return [this, size] { (void)Queue::create(at(), {.message_size = size}); };
  };
  for (const std::size_t size : {std::size_t{0}, home().most_message_size + 1, static_cast<std::size_t>(-1)}) {
    EXPECT_TRUE(fails_with(Errc::invalid_message_size, create(size))) << size;
    EXPECT_TRUE(
        says(sentence_of(create(size)), "create", at(), "1", std::to_string(home().most_message_size), "EINVAL"));
  }
  expect_nothing_left();
}

TEST_P(BackendContract, CapacityTimesMessageSizeBeyondWhatCanBeIsRefusedAndCreatesNothing) {
  MQXX_NEEDS_ROOM(home().most_capacity, home().most_message_size);
  if (home().most_capacity < kMaxCapacity) {
    EXPECT_NO_THROW(make(home().most_capacity, home().most_message_size)) << "small bounds allow both at once";
    return;
  }
  // Each is in bounds; 2^24 messages of 2^30 bytes are 2^54 bytes, and no process can map that.
  EXPECT_TRUE(fails_with(Errc::queue_too_large, [&] {
    (void)Queue::create(at(), {.capacity = home().most_capacity, .message_size = home().most_message_size});
  }));
  expect_nothing_left();
}

}  // namespace
}  // namespace mqxx::test
