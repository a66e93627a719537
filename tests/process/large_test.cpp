// Queues that the kernel would not give an ordinary user: a million messages, and very large ones.
#include <gtest/gtest.h>

#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

class LargeQueues : public QueueTest {
 protected:
  /// Runs `body` as a user without any privilege.
  template <class Body>
  void as_ordinary_user(Body body) {
    directory_.share_with_everybody();
    Child child([body] {
      become_ordinary_user();
      body();
    });
    expect_well(child);
  }
};

TEST_F(LargeQueues, AnOrdinaryUserCanUseAQueueOfAMillionMessagesOf64KiB) {
  as_ordinary_user([] {
    constexpr std::size_t kSize = 64 << 10;
    Queue queue = Queue::create("/million", {.capacity = 1'000'000, .message_size = kSize});
    EXPECT_LT(describe("/million").memory_bytes, std::uint64_t{1} << 20) << "nothing was queued yet";
    for (Priority tag = 0; tag < 500; ++tag) queue.send(std::span<const std::byte>(pattern(kSize, tag)), tag % 3);
    EXPECT_LT(describe("/million").memory_bytes, std::uint64_t{64} << 20) << "500 messages of 64 KiB are 32 MiB";
    std::size_t received = 0;
    for (const Priority priority : {2u, 1u, 0u}) {
      for (Priority tag = priority; tag < 500; tag += 3, ++received) {
        const Message message = queue.receive();
        ASSERT_EQ(message.priority(), priority);
        ASSERT_EQ(message.size(), kSize);
        ASSERT_TRUE(is_pattern(message.bytes(), tag));
      }
    }
    EXPECT_EQ(received, 500u);
    EXPECT_EQ(broken_invariants("/million"), "");
    queue.unlink();
  });
}

TEST_F(LargeQueues, AnOrdinaryUserCanFillAQueueOfAMillionMessages) {
  as_ordinary_user([] {
    constexpr std::uint64_t kCount = 1'000'000;
    Queue queue = Queue::create("/million", {.capacity = kCount, .message_size = 8});
    for (std::uint64_t i = 0; i < kCount; ++i) ASSERT_TRUE(queue.try_send({&i, sizeof i})) << i;
    EXPECT_FALSE(queue.try_send("x"));
    EXPECT_EQ(broken_invariants("/million"), "");
    std::uint64_t number = 0;
    const auto buffer = std::as_writable_bytes(std::span(&number, 1));
    for (std::uint64_t i = 0; i < kCount; ++i) {
      ASSERT_TRUE(queue.try_receive(buffer));
      ASSERT_EQ(number, i);
    }
    EXPECT_FALSE(queue.try_receive(buffer));
  });
}

TEST_F(LargeQueues, AnOrdinaryUserCanUseAQueueOf64MiBMessages) {
  as_ordinary_user([] {
    constexpr std::size_t kSize = std::size_t{64} << 20;
    Queue queue = Queue::create("/huge", {.capacity = 10, .message_size = kSize});
    queue.send(std::span<const std::byte>(pattern(kSize, 1)));
    queue.send("small");
    SendLoan loan = queue.loan(kSize);
    fill_pattern(loan.bytes(), 2);
    loan.send();
    Message message = queue.receive();
    EXPECT_EQ(message.size(), kSize);
    EXPECT_TRUE(is_pattern(message.bytes(), 1));
    EXPECT_EQ(queue.receive().text(), "small");
    const ReceiveLoan third = queue.receive_loan();
    EXPECT_EQ(third.bytes().size(), kSize);
    EXPECT_TRUE(is_pattern(third.bytes(), 2));
  });
}

TEST_F(LargeQueues, TheLargestMessageSizeAndTheLargestCapacityCanBeCreated) {
  as_ordinary_user([] {
    Queue wide = Queue::create("/wide", {.capacity = 2, .message_size = kMaxMessageSize});
    wide.send("x");
    EXPECT_EQ(wide.receive().text(), "x");
    Queue deep = Queue::create("/deep", {.capacity = kMaxCapacity, .message_size = 1});
    deep.send("y");
    EXPECT_EQ(deep.receive().text(), "y");
    EXPECT_EQ(deep.attributes().capacity, kMaxCapacity);
  });
}

TEST_F(LargeQueues, AnOrdinaryUserCanHaveHundredsOfQueues) {
  as_ordinary_user([] {
    std::vector<Queue> queues;
    for (int i = 0; i < 300; ++i) queues.push_back(Queue::create("/queue" + std::to_string(i)));
    EXPECT_EQ(list().size(), 300u);
    for (std::size_t i = 0; i < 300; ++i) queues[i].send(std::to_string(i));
    for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(queues[i].receive().text(), std::to_string(i));
  });
}

}  // namespace
}  // namespace mqxx::test
