// What each form of receive answers: a message, empty, late, stopped, and every failure; and the same for its twin.
#include <array>
#include <thread>

#include "contract/backend_contract.hpp"
#include "support/forms.hpp"

namespace mqxx::test {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

TEST_P(BackendContract, EveryFormOfReceiveTakesAMessageThatIsThere) {
  Queue queue = make();
  for (const ReceiveForm& form : receive_forms()) {
    SCOPED_TRACE(form.name);
    queue.send("second", 5);
    queue.send("first", 6);
    const std::optional<Message> first = form.receive(queue, nullptr);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->text(), "first");
    EXPECT_EQ(first->priority(), 6u);
    std::error_code ec = stale_code();
    const std::optional<Message> second = form.receive(queue, &ec);
    EXPECT_FALSE(ec) << ec.message();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->text(), "second");
    EXPECT_EQ(second->priority(), 5u);
    EXPECT_EQ(queue.attributes().depth, 0u);
  }
}

TEST_P(BackendContract, FormsOfReceiveThatDoNotWaitReturnNothingWhenTheQueueIsEmpty) {
  Queue queue = make();
  for (const ReceiveForm& form : receive_forms()) {
    if (form.waits) continue;
    SCOPED_TRACE(form.name);
    EXPECT_FALSE(form.receive(queue, nullptr));
    std::error_code ec = stale_code();
    EXPECT_FALSE(form.receive(queue, &ec));
    EXPECT_FALSE(ec) << ec.message();
  }
}

TEST_P(BackendContract, FormsOfReceiveThatWaitGoOnWhenASenderSends) {
  Queue queue = make();
  for (const ReceiveForm& form : receive_forms()) {
    if (!form.waits) continue;
    SCOPED_TRACE(form.name);
    std::thread receiver([&] {
      const std::optional<Message> message = form.receive(queue, nullptr);
      ASSERT_TRUE(message);
      EXPECT_EQ(message->text(), "thrown");
    });
    until_receivers_wait(queue);
    queue.send("thrown");
    receiver.join();

    std::error_code ec = stale_code();
    std::thread coded_receiver([&] {
      const std::optional<Message> message = form.receive(queue, &ec);
      ASSERT_TRUE(message);
      EXPECT_EQ(message->text(), "coded");
    });
    until_receivers_wait(queue);
    queue.send("coded");
    coded_receiver.join();
    EXPECT_FALSE(ec) << ec.message();
  }
}

TEST_P(BackendContract, EveryFormOfReceiveRefusesWriteOnlyAndClosedHandlesAndTheMessageStays) {
  Queue queue = make();
  Queue writer = Queue::open(at(), {.access = Access::write_only});
  Queue closed;
  queue.send("kept");
  for (const ReceiveForm& form : receive_forms()) {
    SCOPED_TRACE(form.name);
    EXPECT_TRUE(fails_with(Errc::not_readable, [&] { form.receive(writer, nullptr); }));
    EXPECT_TRUE(fails_with(Errc::closed, [&] { form.receive(closed, nullptr); }));
    std::error_code ec;
    EXPECT_FALSE(form.receive(writer, &ec));
    EXPECT_EQ(ec, Errc::not_readable) << ec.message();
    ec.clear();
    EXPECT_FALSE(form.receive(closed, &ec));
    EXPECT_EQ(ec, Errc::closed) << ec.message();
  }
  EXPECT_EQ(drained(queue), std::vector<std::string>{"kept"});
}

TEST_P(BackendContract, AWriteOnlyHandleSendsAndSaysHowItWasOpened) {
  Queue queue = make();
  Queue writer = Queue::open(at(), {.access = Access::write_only});
  EXPECT_EQ(writer.access(), Access::write_only);
  writer.send("from the writer");
  EXPECT_TRUE(says(sentence_of([&] { (void)writer.receive(); }), "receive", queue.name(), "EBADF"));
  EXPECT_EQ(queue.receive().text(), "from the writer");
}

TEST_P(BackendContract, EveryFormWithABufferRefusesASmallOneInItsTwinToo) {
  MQXX_NEEDS(exact_sizes);
  Queue queue = make(2, 64);
  queue.send("kept");
  std::vector<std::byte> small(63);
  const std::span<std::byte> room(small);
  std::stop_source source;
  const auto refused = [&](const char* form, auto&& call) {
    SCOPED_TRACE(form);
    std::error_code ec;
    call(ec);
    EXPECT_EQ(ec, Errc::buffer_too_small) << ec.message();
  };
  refused("receive", [&](std::error_code& ec) { (void)queue.receive(room, ec); });
  refused("stop", [&](std::error_code& ec) { (void)queue.receive(room, source.get_token(), ec); });
  refused("try", [&](std::error_code& ec) { (void)queue.try_receive(room, ec); });
  refused("for", [&](std::error_code& ec) { (void)queue.receive_for(room, 1h, ec); });
  refused("until", [&](std::error_code& ec) { (void)queue.receive_until(room, steady_clock::now(), ec); });
  refused("batch", [&](std::error_code& ec) {
    std::array<Incoming, 1> batch{Incoming{.buffer = room}};
    EXPECT_EQ(queue.receive_batch(batch, Wait::forever(), ec), 0u);
  });
  EXPECT_EQ(queue.receive().text(), "kept");
}

// ---- Nonblocking -----------------------------------------------------------------------------------------------

TEST_P(BackendContract, ReceiveFromEmptyQueueNonBlockingFails) {
  Queue queue = make();
  queue.set_nonblocking(true);
  std::vector<std::byte> buffer = buffer_for(queue);
  EXPECT_TRUE(fails_with(Errc::would_block, [&] { (void)queue.receive(); }));
  EXPECT_TRUE(fails_with(Errc::would_block, [&] { (void)queue.receive(std::span(buffer)); }));
  std::error_code ec;
  EXPECT_TRUE(queue.receive(ec).empty());
  EXPECT_EQ(ec, Errc::would_block);
  ec.clear();
  (void)queue.receive(std::span(buffer), ec);
  EXPECT_EQ(ec, Errc::would_block);
}

TEST_P(BackendContract, NoFormOfReceiveWaitsOnANonblockingHandle) {
  Queue queue = make();
  queue.set_nonblocking(true);
  for (const ReceiveForm& form : receive_forms()) {
    SCOPED_TRACE(form.name);
    std::error_code ec;
    EXPECT_FALSE(form.receive(queue, &ec));
    if (ec) {
      EXPECT_EQ(ec, Errc::would_block);
    }
  }
}

TEST_P(BackendContract, TryReceiveReturnsNothingOnAnEmptyQueueWhetherNonblockingOrNot) {
  Queue queue = make();
  EXPECT_FALSE(queue.try_receive());
  queue.set_nonblocking(true);
  EXPECT_FALSE(queue.try_receive());
}

// ---- Time ------------------------------------------------------------------------------------------------------

TEST_P(BackendContract, ReceiveForIsLateNotBeforeItsTimeout) {
  Queue queue = make();
  std::vector<std::byte> buffer = buffer_for(queue);
  auto begin = steady_clock::now();
  EXPECT_FALSE(queue.receive_for(40ms));
  EXPECT_GE(steady_clock::now() - begin, 40ms);
  begin = steady_clock::now();
  EXPECT_FALSE(queue.receive_for(std::span(buffer), 40ms));
  EXPECT_GE(steady_clock::now() - begin, 40ms);
}

TEST_P(BackendContract, ReceiveUntilASteadyTimeIsLateNotBeforeIt) {
  Queue queue = make();
  const auto deadline = steady_clock::now() + 40ms;
  EXPECT_FALSE(queue.receive_until(deadline));
  EXPECT_GE(steady_clock::now(), deadline);
}

TEST_P(BackendContract, ReceiveUntilASystemTimeIsLateNotBeforeIt) {
  Queue queue = make();
  const auto deadline = system_clock::now() + 40ms;
  EXPECT_FALSE(queue.receive_until(deadline));
  EXPECT_GE(system_clock::now(), deadline);
}

TEST_P(BackendContract, AMessageThatComesBeforeTheDeadlineEndsTheWait) {
  Queue queue = make();
  std::thread receiver([&] {
    const std::optional<Message> message = queue.receive_for(1h);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text(), "in time");
  });
  until_receivers_wait(queue);
  queue.send("in time");
  receiver.join();
}

TEST_P(BackendContract, ALateReceiverLeavesTheNextMessageToTheOthers) {
  Queue queue = make();
  EXPECT_FALSE(queue.receive_for(5ms));
  std::thread receiver([&] { EXPECT_EQ(queue.receive().text(), "for the other"); });
  until_receivers_wait(queue);
  queue.send("for the other");
  receiver.join();
}

// ---- Stopping --------------------------------------------------------------------------------------------------

TEST_P(BackendContract, AStopTokenEndsABlockedReceive) {
  Queue queue = make();
  std::vector<std::byte> buffer = buffer_for(queue);
  std::stop_source source;
  std::error_code ec = stale_code();
  std::error_code buffer_ec = stale_code();
  std::vector<std::thread> receivers;
  receivers.emplace_back([&] { EXPECT_FALSE(queue.receive(source.get_token())); });
  receivers.emplace_back([&] { EXPECT_FALSE(queue.receive(source.get_token(), ec)); });
  receivers.emplace_back([&] { EXPECT_FALSE(queue.receive(std::span(buffer), source.get_token(), buffer_ec)); });
  until_receivers_wait(queue, 3);
  source.request_stop();
  for (std::thread& receiver : receivers) receiver.join();
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_FALSE(buffer_ec) << buffer_ec.message();
}

TEST_P(BackendContract, ATokenThatWasTriggeredBeforeDoesNotLetReceiveWait) {
  Queue queue = make();
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(queue.receive(source.get_token()));
}

TEST_P(BackendContract, AStoppedReceiverTakesNoMessage) {
  Queue queue = make();
  std::stop_source source;
  std::thread receiver([&] { EXPECT_FALSE(queue.receive(source.get_token())); });
  until_receivers_wait(queue);
  source.request_stop();
  receiver.join();
  queue.send("still there");
  EXPECT_EQ(drained(queue), std::vector<std::string>{"still there"});
}

TEST_P(BackendContract, AStopTokenEndsABlockedLoanAndABlockedBatch) {
  Queue full = make(1, 64, "full");
  Queue empty = make(1, 64, "empty");
  fill(full);
  std::stop_source source;
  const std::stop_token token = source.get_token();
  std::vector<std::thread> threads;
  threads.emplace_back([&] { EXPECT_FALSE(full.loan(1, Wait::forever(token))); });
  threads.emplace_back([&] {
    const std::array<Outgoing, 2> batch{Outgoing{"a"}, Outgoing{"b"}};
    EXPECT_EQ(full.send_batch(batch, Wait::forever(token)), 0u);
  });
  threads.emplace_back([&] { EXPECT_FALSE(empty.receive_loan(Wait::forever(token))); });
  threads.emplace_back([&] {
    std::vector<std::byte> buffer = buffer_for(empty);
    std::array<Incoming, 1> room{Incoming{.buffer = buffer}};
    EXPECT_EQ(empty.receive_batch(room, Wait::forever(token)), 0u);
  });
  until_senders_wait(full, 2);
  until_receivers_wait(empty, 2);
  source.request_stop();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mqxx::test
