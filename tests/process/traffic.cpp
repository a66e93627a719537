#include "process/traffic.hpp"

#include <deque>

#include <gtest/gtest.h>

#include "support/child.hpp"
#include "support/payload.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

constexpr const char* kName = "/traffic";
constexpr std::size_t kBatch = 16;

Priority priority_of(std::uint32_t producer, std::uint64_t counter) {
  return 1 + static_cast<Priority>((counter * 7 + counter / 3 + producer) % kPriorities);
}

void produce_by_batch(Queue& queue, const Traffic& traffic, std::uint32_t producer) {
  for (std::uint64_t begin = 0; begin < traffic.messages; begin += kBatch) {
    std::vector<std::vector<std::byte>> payloads;
    std::vector<Outgoing> batch;
    for (std::uint64_t i = begin; i < std::min(begin + kBatch, traffic.messages); ++i) {
      payloads.emplace_back(size_of_message(traffic.message_size, producer, i));
      const Priority priority = write_message(payloads.back(), producer, i);
      batch.push_back({std::span<const std::byte>(payloads.back()), priority});
    }
    ASSERT_EQ(queue.send_batch(batch), batch.size());
  }
}

void produce(Queue& queue, const Traffic& traffic, std::uint32_t producer) {
  if (traffic.by == By::batch) return produce_by_batch(queue, traffic, producer);
  std::vector<std::byte> buffer(traffic.message_size);
  for (std::uint64_t i = 0; i < traffic.messages; ++i) {
    const std::size_t size = size_of_message(traffic.message_size, producer, i);
    if (traffic.by == By::loan) {
      SendLoan loan = queue.loan(size);
      const Priority priority = write_message(loan.bytes(), producer, i);
      loan.send(priority);
    } else {
      const std::span<std::byte> bytes = std::span(buffer).first(size);
      const Priority priority = write_message(bytes, producer, i);
      queue.send(bytes, priority);
    }
  }
}

/// Takes one message; false after an end mark.
bool consume_one(std::span<const std::byte> bytes, Priority priority, const Account& account, OrderCheck& order) {
  const Stamp stamp = read_message(bytes, priority);
  if (stamp.producer == kEndMark) return false;
  EXPECT_TRUE(order.saw(stamp)) << "message " << stamp.counter << " of producer " << stamp.producer;
  EXPECT_EQ(account.received(stamp), 0u) << "message " << stamp.counter << " of producer " << stamp.producer;
  return true;
}

void consume_by_batch(Queue& queue, const Traffic& traffic, const Account& account, OrderCheck& order) {
  std::vector<std::vector<std::byte>> buffers(kBatch, std::vector<std::byte>(traffic.message_size));
  std::vector<Incoming> room;
  for (auto& buffer : buffers) room.push_back({.buffer = buffer});
  for (;;) {
    const std::size_t count = queue.receive_batch(room);
    ASSERT_GE(count, 1u);
    std::size_t ends = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!consume_one(room[i].buffer.first(room[i].size), room[i].priority, account, order)) ++ends;
    }
    if (ends == 0) continue;
    // A batch may take the end marks of others: they are given on.
    std::vector<std::byte> mark(sizeof(Stamp));
    while (ends-- > 1) queue.send(std::span<const std::byte>(mark), write_message(mark, kEndMark, 0));
    return;
  }
}

void consume(Queue& queue, const Traffic& traffic, const Account& account) {
  OrderCheck order(traffic.producers);
  if (traffic.by == By::batch) return consume_by_batch(queue, traffic, account, order);
  std::vector<std::byte> buffer(traffic.message_size);
  for (bool more = true; more;) {
    if (traffic.by == By::loan) {
      const ReceiveLoan loan = queue.receive_loan();
      more = consume_one(loan.bytes(), loan.priority(), account, order);
    } else {
      const Received received = queue.receive(buffer);
      more = consume_one(std::span(buffer).first(received.size), received.priority, account, order);
    }
  }
}

}  // namespace

std::size_t size_of_message(std::size_t message_size, std::uint32_t producer, std::uint64_t counter) {
  if (counter % 3 == 0) return message_size;
  return sizeof(Stamp) + (counter * 7919 + producer * 31) % (message_size - sizeof(Stamp) + 1);
}

Priority write_message(std::span<std::byte> bytes, std::uint32_t producer, std::uint64_t counter) {
  const Priority priority = producer == kEndMark ? 0 : priority_of(producer, counter);
  write_stamped(bytes, producer, counter, priority);
  return priority;
}

Stamp read_message(std::span<const std::byte> bytes, Priority priority) {
  const std::optional<Stamp> stamp = read_stamped(bytes);
  EXPECT_TRUE(stamp.has_value()) << "a torn message of " << bytes.size() << " bytes";
  if (!stamp) return {};
  EXPECT_EQ(stamp->priority, priority);
  return *stamp;
}

void run_traffic(const Traffic& traffic) {
  const Account account(traffic.producers, traffic.messages);
  Queue queue = Queue::create(kName, {.capacity = traffic.capacity, .message_size = traffic.message_size});
  const auto in_child = [&](auto work) {
    return [&queue, &traffic, work] {
      if (!traffic.fork_before_open) return work(queue);
      Queue own = Queue::open(kName);
      work(own);
    };
  };
  std::deque<Child> consumers;
  for (std::uint32_t i = 0; i < traffic.consumers; ++i) {
    consumers.emplace_back(in_child([&](Queue& own) { consume(own, traffic, account); }));
  }
  std::deque<Child> producers;
  for (std::uint32_t i = 0; i < traffic.producers; ++i) {
    producers.emplace_back(in_child([&traffic, i](Queue& own) { produce(own, traffic, i); }));
  }
  for (Child& producer : producers) expect_well(producer);
  std::vector<std::byte> mark(sizeof(Stamp));
  for (std::uint32_t i = 0; i < traffic.consumers; ++i) {
    queue.send(std::span<const std::byte>(mark), write_message(mark, kEndMark, 0));
  }
  for (Child& consumer : consumers) expect_well(consumer);

  for (std::uint32_t producer = 0; producer < traffic.producers; ++producer) {
    for (std::uint64_t i = 0; i < traffic.messages; ++i) {
      ASSERT_EQ(account.count(producer, i), 1u) << "message " << i << " of producer " << producer;
    }
  }
  EXPECT_EQ(queue.attributes().depth, 0u);
  EXPECT_EQ(queue.statistics().messages_sent, queue.statistics().messages_received);
  EXPECT_EQ(queue.statistics().bytes_sent, queue.statistics().bytes_received);
  EXPECT_EQ(queue.statistics().recoveries, 0u);
  EXPECT_EQ(broken_invariants(kName), "");
}

}  // namespace mqxx::test
