// Attributes, statistics and peek: what they say is exact.
#include <array>
#include <thread>

#include <unistd.h>

#include "contract/backend_contract.hpp"
#include "support/child.hpp"

namespace mqxx::test {
namespace {

using std::chrono::system_clock;

TEST_P(BackendContract, DepthCountsQueuedMessages) {
  Queue queue = make(5);
  for (std::size_t depth = 0; depth < 5; ++depth) {
    EXPECT_EQ(queue.attributes().depth, depth);
    queue.send("x");
  }
  for (std::size_t depth = 5; depth > 0; --depth) {
    EXPECT_EQ(queue.attributes().depth, depth);
    (void)queue.receive();
  }
  EXPECT_EQ(queue.attributes().depth, 0u);
}

TEST_P(BackendContract, AttributesAreTheSameThroughEveryHandleAndAccess) {
  Queue queue = make(1, 48);
  queue.send("x");
  for (const Access access : {Access::read_only, Access::write_only, Access::read_write}) {
    const Queue other = Queue::open(at(), {.access = access});
    std::error_code ec = stale_code();
    const Attributes attributes = other.attributes(ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(attributes.capacity, 1u);
    EXPECT_EQ(attributes.message_size, 48u);
    EXPECT_EQ(attributes.depth, 1u);
  }
}

TEST_P(BackendContract, ANewQueueHasEmptyStatistics) {
  MQXX_NEEDS(statistics);
  // The clock of the statistics is a coarse one: it may be behind by a few milliseconds.
  const auto before = system_clock::now() - 100ms;
  const Queue queue = make();
  const Statistics statistics = queue.statistics();
  EXPECT_EQ(statistics.messages_sent, 0u);
  EXPECT_EQ(statistics.bytes_sent, 0u);
  EXPECT_EQ(statistics.messages_received, 0u);
  EXPECT_EQ(statistics.bytes_received, 0u);
  EXPECT_EQ(statistics.high_water, 0u);
  EXPECT_EQ(statistics.waiting_senders, 0u);
  EXPECT_EQ(statistics.waiting_receivers, 0u);
  EXPECT_EQ(statistics.loans, 0u);
  EXPECT_EQ(statistics.recoveries, 0u);
  EXPECT_EQ(statistics.last_send, Statistics::Time{});
  EXPECT_EQ(statistics.last_receive, Statistics::Time{});
  EXPECT_EQ(statistics.creator_pid, ::getpid());
  EXPECT_EQ(statistics.last_sender_pid, 0);
  EXPECT_EQ(statistics.last_receiver_pid, 0);
  EXPECT_GE(statistics.created, before);
  EXPECT_LE(statistics.created, system_clock::now());
}

TEST_P(BackendContract, StatisticsCountMessagesAndBytesOfEveryForm) {
  MQXX_NEEDS(statistics);
  Queue queue = make(20, 100);
  queue.send("12345");
  queue.send("");
  EXPECT_TRUE(queue.try_send("123"));
  const std::array<Outgoing, 2> batch{Outgoing{"1"}, Outgoing{"12"}};
  EXPECT_EQ(queue.send_batch(batch), 2u);
  SendLoan loan = queue.loan(90);
  loan.send(80, 0);
  Statistics statistics = queue.statistics();
  EXPECT_EQ(statistics.messages_sent, 6u);
  EXPECT_EQ(statistics.bytes_sent, 5u + 0u + 3u + 1u + 2u + 80u);
  EXPECT_EQ(statistics.messages_received, 0u);
  EXPECT_EQ(statistics.bytes_received, 0u);

  (void)queue.receive();
  (void)queue.try_receive();
  std::vector<std::byte> buffer = buffer_for(queue);
  (void)queue.receive(std::span(buffer));
  std::array<Incoming, 1> room{Incoming{.buffer = buffer}};
  EXPECT_EQ(queue.receive_batch(room), 1u);
  statistics = queue.statistics();
  EXPECT_EQ(statistics.messages_received, 4u);
  EXPECT_EQ(statistics.bytes_received, 5u + 0u + 3u + 1u);
  queue.receive_loan().release();
  EXPECT_EQ(drained(queue).size(), 1u);
  statistics = queue.statistics();
  EXPECT_EQ(statistics.messages_received, 6u);
  EXPECT_EQ(statistics.bytes_received, statistics.bytes_sent);
}

TEST_P(BackendContract, WhatFailsIsNotCounted) {
  MQXX_NEEDS(statistics);
  Queue queue = make(1, 8);
  queue.send("x");
  EXPECT_FALSE(queue.try_send("y"));
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue.send("123456789"); }));
  EXPECT_EQ(queue.statistics().messages_sent, 1u);
  (void)queue.receive();
  EXPECT_FALSE(queue.try_receive());
  EXPECT_EQ(queue.statistics().messages_received, 1u);
}

TEST_P(BackendContract, HighWaterIsTheGreatestDepthThatAnybodyMet) {
  MQXX_NEEDS(statistics);
  Queue queue = make(10);
  send_numbers(queue, 7);
  EXPECT_EQ(queue.statistics().high_water, 7u);
  EXPECT_EQ(drained(queue).size(), 7u);
  EXPECT_EQ(queue.statistics().high_water, 7u);
  send_numbers(queue, 3);
  EXPECT_EQ(queue.statistics().high_water, 7u);
  send_numbers(queue, 6);
  EXPECT_EQ(queue.statistics().high_water, 9u);
}

TEST_P(BackendContract, HighWaterMayMissAPeakInsideABurstAndNeverInventsOne) {
  MQXX_NEEDS(statistics);
  Queue queue = make(10);
  send_numbers(queue, 2);
  (void)queue.receive();
  send_numbers(queue, 2);
  EXPECT_EQ(drained(queue).size(), 3u);
  EXPECT_GE(queue.statistics().high_water, 2u);
  EXPECT_LE(queue.statistics().high_water, 3u);
}

TEST_P(BackendContract, HighWaterSeesThePeakOfABatch) {
  MQXX_NEEDS(statistics);
  Queue queue = make(10);
  const std::vector<Outgoing> batch(8, Outgoing{"x"});
  EXPECT_EQ(queue.send_batch(batch), 8u);
  EXPECT_EQ(drained(queue).size(), 8u);
  EXPECT_EQ(queue.statistics().high_water, 8u);
}

TEST_P(BackendContract, StatisticsTellWhenAndByWhomItWasUsedLast) {
  MQXX_NEEDS(statistics);
  Queue queue = make();
  const auto before = system_clock::now() - 100ms;
  queue.send("x");
  EXPECT_EQ(queue.statistics().last_sender_pid, ::getpid());
  EXPECT_EQ(queue.statistics().last_receiver_pid, 0);
  EXPECT_GE(queue.statistics().last_send, before);
  EXPECT_LE(queue.statistics().last_send, system_clock::now());

  Child child([&] {
    Queue own = Queue::open(at());
    EXPECT_EQ(own.receive().text(), "x");
  });
  const pid_t pid = child.pid();
  expect_well(child);
  const Statistics statistics = queue.statistics();
  EXPECT_EQ(statistics.creator_pid, ::getpid());
  EXPECT_EQ(statistics.last_sender_pid, ::getpid());
  EXPECT_EQ(statistics.last_receiver_pid, pid);
  EXPECT_GE(statistics.last_receive, before);
  EXPECT_LE(statistics.last_receive, system_clock::now());
}

TEST_P(BackendContract, AForkedChildCountsAsItself) {
  MQXX_NEEDS(statistics);
  Queue queue = make();
  Child child([&] { queue.send("from the child"); });
  const pid_t pid = child.pid();
  expect_well(child);
  EXPECT_EQ(queue.statistics().last_sender_pid, pid);
  EXPECT_EQ(queue.receive().text(), "from the child");
  EXPECT_EQ(queue.statistics().last_receiver_pid, ::getpid());
}

TEST_P(BackendContract, StatisticsCountWhoWaits) {
  MQXX_NEEDS(statistics);
  Queue queue = make(1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { (void)queue.receive(); });
  }
  wait_until([&] { return queue.statistics().waiting_receivers == 3; });
  EXPECT_EQ(queue.statistics().waiting_senders, 0u);
  for (int i = 0; i < 3; ++i) queue.send("x");
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  EXPECT_EQ(queue.statistics().waiting_receivers, 0u);

  fill(queue);
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] { queue.send("y"); });
  }
  wait_until([&] { return queue.statistics().waiting_senders == 2; });
  EXPECT_EQ(queue.statistics().waiting_receivers, 0u);
  for (int i = 0; i < 3; ++i) (void)queue.receive();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(queue.statistics().waiting_senders, 0u);
}

TEST_P(BackendContract, AWaitThatEndedIsNoLongerCounted) {
  MQXX_NEEDS(statistics);
  Queue queue = make(1);
  EXPECT_FALSE(queue.receive_for(5ms));
  EXPECT_EQ(queue.statistics().waiting_receivers, 0u);
  fill(queue);
  EXPECT_FALSE(queue.send_for("x", 5ms));
  EXPECT_EQ(queue.statistics().waiting_senders, 0u);
}

TEST_P(BackendContract, AWaitThatEndedWhileAnotherWasWokenIsNoLongerCounted) {
  MQXX_NEEDS(statistics);
  Queue queue = make(1);
  std::jthread woken([&] { EXPECT_EQ(queue.receive().text(), "x"); });
  until_receivers_wait(queue, 1);
  std::jthread late([&] { EXPECT_FALSE(queue.receive_for(300ms)); });
  until_receivers_wait(queue, 2);
  queue.send("x");
  woken.join();
  late.join();
  EXPECT_EQ(queue.statistics().waiting_receivers, 0u);
}

TEST_P(BackendContract, TheTwinOfStatisticsReportsWithoutThrowing) {
  MQXX_NEEDS(statistics);
  Queue queue = make();
  queue.send("x");
  std::error_code ec = stale_code();
  EXPECT_EQ(queue.statistics(ec).messages_sent, 1u);
  EXPECT_FALSE(ec) << ec.message();
}

// ---- Peek ------------------------------------------------------------------------------------------------------

TEST_P(BackendContract, PeekShowsTheNextMessagesInOrderAndTakesNone) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  queue.send("b", 2);
  queue.send("c", 1);
  queue.send("a", 3);
  queue.send("b2", 2);
  EXPECT_EQ(texts_of(queue.peek()), std::vector<std::string>{"a"});
  EXPECT_EQ(texts_of(queue.peek(3)), (std::vector<std::string>{"a", "b", "b2"}));
  EXPECT_EQ(texts_of(queue.peek(100)), (std::vector<std::string>{"a", "b", "b2", "c"}));
  EXPECT_EQ(queue.peek(1).at(0).priority(), 3u);
  EXPECT_EQ(queue.attributes().depth, 4u);
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"a", "b", "b2", "c"}));
}

TEST_P(BackendContract, PeekIntoAnEmptyQueueShowsNothingAndDoesNotWait) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  EXPECT_TRUE(queue.peek(5).empty());
  queue.send("x");
  EXPECT_TRUE(queue.peek(0).empty());
}

TEST_P(BackendContract, PeekCountsAsNoReceive) {
  MQXX_NEEDS(peek);
  MQXX_NEEDS(statistics);
  Queue queue = make();
  queue.send("x");
  (void)queue.peek();
  EXPECT_EQ(queue.statistics().messages_received, 0u);
  EXPECT_EQ(queue.statistics().last_receiver_pid, 0);
}

TEST_P(BackendContract, PeekShowsLargeMessagesWhole) {
  MQXX_NEEDS(peek);
  MQXX_NEEDS_ROOM(3, 100000);
  Queue queue = make(3, 100000);
  for (std::uint64_t tag = 0; tag < 3; ++tag) queue.send(std::span<const std::byte>(pattern(100000 - tag, tag)));
  const std::vector<Message> messages = queue.peek(3);
  ASSERT_EQ(messages.size(), 3u);
  for (std::uint64_t tag = 0; tag < 3; ++tag) {
    EXPECT_EQ(messages[tag].size(), 100000 - tag);
    EXPECT_TRUE(is_pattern(messages[tag].bytes(), tag));
  }
}

TEST_P(BackendContract, PeekIsForReadersOnly) {
  MQXX_NEEDS(peek);
  Queue queue = make();
  queue.send("x");
  const Queue writer = Queue::open(at(), {.access = Access::write_only});
  EXPECT_TRUE(fails_with(Errc::not_readable, [&] { (void)writer.peek(); }));
  const Queue reader = Queue::open(at(), {.access = Access::read_only});
  std::error_code ec = stale_code();
  EXPECT_EQ(reader.peek(1, ec).size(), 1u);
  EXPECT_FALSE(ec) << ec.message();
}

TEST_P(BackendContract, PeekSeesThousandsInOrder) {
  MQXX_NEEDS(peek);
  const std::size_t count = std::min<std::size_t>(3000, home().deepest);
  MQXX_NEEDS_ROOM(count, 8);
  Queue queue = make(count, 8);
  for (std::size_t i = 0; i < count; ++i) queue.send(std::to_string(i), static_cast<Priority>(i % 7));
  const std::vector<std::string> seen = texts_of(queue.peek(count));
  EXPECT_EQ(seen.size(), count);
  EXPECT_EQ(seen, drained(queue));
}

}  // namespace
}  // namespace mqxx::test
