// Queues as ranges, and queues of one type.
#include <thread>
#include <type_traits>

#include <mqxx/typed_queue.hpp>

#include "contract/backend_contract.hpp"

namespace mqxx::test {
namespace {

TEST_P(BackendContract, DrainGivesEverythingInOrderAndEnds) {
  Queue queue = make();
  queue.send("b", 1);
  queue.send("a", 2);
  queue.send("c", 1);
  std::vector<std::string> texts;
  for (const Message& message : queue.drain()) texts.push_back(text_of(message));
  EXPECT_EQ(texts, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(queue.attributes().depth, 0u);
}

TEST_P(BackendContract, DrainOfAnEmptyQueueIsEmpty) {
  Queue queue = make();
  EXPECT_TRUE(drained(queue).empty());
  queue.set_nonblocking(true);
  EXPECT_TRUE(drained(queue).empty());
}

TEST_P(BackendContract, DrainThatIsLeftEarlyLeavesTheRest) {
  Queue queue = make();
  send_numbers(queue, 4);
  for (const Message& message : queue.drain()) {
    if (message.text() == "1") break;
  }
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"2", "3"}));
}

TEST_P(BackendContract, MessagesOfARangeCanBeMovedOut) {
  Queue queue = make();
  send_numbers(queue, 3);
  std::vector<Message> kept;
  for (Message& message : queue.drain()) kept.push_back(std::move(message));
  EXPECT_EQ(texts_of(kept), (std::vector<std::string>{"0", "1", "2"}));
}

TEST_P(BackendContract, MessagesWaitsForEachUntilItIsStopped) {
  Queue queue = make(1);
  std::stop_source source;
  std::vector<std::string> texts;
  std::thread receiver([&] {
    for (const Message& message : queue.messages(source.get_token())) texts.push_back(text_of(message));
  });
  for (int i = 0; i < 10; ++i) queue.send(std::to_string(i));
  wait_until([&] { return queue.attributes().depth == 0; });
  until_receivers_wait(queue);
  source.request_stop();
  receiver.join();
  EXPECT_EQ(texts.size(), 10u);
}

TEST_P(BackendContract, MessagesWithoutATokenWaitsForTheNext) {
  Queue queue = make();
  std::thread receiver([&] {
    std::size_t count = 0;
    for (const Message& message : queue.messages()) {
      EXPECT_EQ(message.text(), std::to_string(count));
      if (++count == 3) break;
    }
  });
  for (int i = 0; i < 3; ++i) {
    until_receivers_wait(queue);
    queue.send(std::to_string(i));
    wait_until([&] { return queue.attributes().depth == 0; });
    if (i < 2) until_receivers_wait(queue);
  }
  receiver.join();
}

TEST_P(BackendContract, TheRangeIsAnInputRange) {
  static_assert(std::input_iterator<MessageRange::Iterator>);
  static_assert(std::ranges::input_range<MessageRange>);
  Queue queue = make();
  send_numbers(queue, 2);
  auto range = queue.drain();
  auto at_first = range.begin();
  EXPECT_EQ((*at_first).text(), "0");
  ++at_first;
  EXPECT_EQ((*at_first).text(), "1");
  at_first++;
  EXPECT_TRUE(at_first == range.end());
}

TEST_P(BackendContract, ARangeOverAHandleThatMayNotReadThrows) {
  Queue queue = make();
  Queue writer = Queue::open(at(), {.access = Access::write_only});
  EXPECT_TRUE(fails_with(Errc::not_readable, [&] { drained(writer); }));
}

// ---- TypedQueue ------------------------------------------------------------------------------------------------

struct Order {
  std::uint64_t number;
  double price;
  char symbol[8];
};

TEST_P(BackendContract, ATypedQueueCarriesValues) {
  auto orders = TypedQueue<Order>::create(at());
  if (can().exact_sizes) {
    EXPECT_EQ(orders.untyped().attributes().message_size, sizeof(Order));
  }
  orders.send({1, 2.5, "ABC"}, 3);
  const auto [order, priority] = orders.receive();
  EXPECT_EQ(order.number, 1u);
  EXPECT_EQ(order.price, 2.5);
  EXPECT_STREQ(order.symbol, "ABC");
  EXPECT_EQ(priority, 3u);
}

TEST_P(BackendContract, ATypedQueueHasEveryForm) {
  auto numbers = TypedQueue<int>::create(at(), {.capacity = 5});
  std::stop_source source;
  numbers.send(1);
  EXPECT_TRUE(numbers.send(2, source.get_token()));
  EXPECT_TRUE(numbers.try_send(3));
  EXPECT_TRUE(numbers.send_for(4, 1s));
  EXPECT_TRUE(numbers.send_until(5, std::chrono::steady_clock::now()));
  EXPECT_FALSE(numbers.try_send(6));
  EXPECT_FALSE(numbers.send_for(6, 1ms));
  EXPECT_EQ(numbers.receive().value, 1);
  EXPECT_EQ(numbers.receive(source.get_token())->value, 2);
  EXPECT_EQ(numbers.try_receive()->value, 3);
  EXPECT_EQ(numbers.receive_for(1s)->value, 4);
  EXPECT_EQ(numbers.receive_until(std::chrono::system_clock::now())->value, 5);
  EXPECT_FALSE(numbers.try_receive());
  EXPECT_FALSE(numbers.receive_for(1ms));
  source.request_stop();
  EXPECT_FALSE(numbers.receive(source.get_token()));
}

TEST_P(BackendContract, ATypedQueueIgnoresTheMessageSizeItIsAskedFor) {
  auto numbers = TypedQueue<int>::create(at(), {.capacity = 1, .message_size = 999});
  EXPECT_EQ(numbers.untyped().attributes().message_size, sizeof(int));
}

TEST_P(BackendContract, OpeningATypedQueueOfAnotherSizeIsATypeMismatch) {
  MQXX_NEEDS(exact_sizes);
  const auto numbers = TypedQueue<int>::create(at());
  EXPECT_TRUE(fails_with(Errc::type_mismatch, [&] { (void)TypedQueue<Order>::open(at()); }));
  EXPECT_TRUE(fails_with(Errc::type_mismatch, [&] { (void)TypedQueue<Order>::open_or_create(at()); }));
  EXPECT_TRUE(says(sentence_of([&] { (void)TypedQueue<Order>::open(at()); }), at(), std::to_string(sizeof(int)),
                   std::to_string(sizeof(Order))));
  EXPECT_NO_THROW((void)TypedQueue<float>::open(at())) << "only the size is known";
}

TEST_P(BackendContract, ATypedReceiveOfAMessageOfAnotherSizeIsATypeMismatch) {
  auto numbers = TypedQueue<int>::create(at());
  numbers.untyped().send("x");
  EXPECT_TRUE(fails_with(Errc::type_mismatch, [&] { (void)numbers.receive(); }));
  numbers.untyped().send("");
  EXPECT_TRUE(fails_with(Errc::type_mismatch, [&] { (void)numbers.try_receive(); }));
  EXPECT_EQ(numbers.untyped().attributes().depth, 0u);
  numbers.send(7);
  EXPECT_EQ(numbers.receive().value, 7);
}

}  // namespace
}  // namespace mqxx::test
