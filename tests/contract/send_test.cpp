// What each form of send answers: sent, full, late, stopped, and every failure; and the same for its twin.
#include <array>
#include <thread>

#include "contract/backend_contract.hpp"
#include "support/forms.hpp"

namespace mqxx::test {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

TEST_P(BackendContract, EveryFormOfSendSendsWhenThereIsRoom) {
  Queue queue = make();
  for (const SendForm& form : send_forms()) {
    SCOPED_TRACE(form.name);
    EXPECT_TRUE(form.send(queue, "thrown", 5, nullptr));
    std::error_code ec = stale_code();
    EXPECT_TRUE(form.send(queue, "coded", 6, &ec));
    EXPECT_FALSE(ec) << ec.message();
    const Message second = queue.receive();
    EXPECT_EQ(second.text(), "coded");
    EXPECT_EQ(second.priority(), 6u);
    const Message first = queue.receive();
    EXPECT_EQ(first.text(), "thrown");
    EXPECT_EQ(first.priority(), 5u);
  }
}

TEST_P(BackendContract, FormsOfSendThatDoNotWaitReturnFalseWhenTheQueueIsFullAndQueueNothing) {
  Queue queue = make(2, 1);
  send_numbers(queue, 2);
  for (const SendForm& form : send_forms()) {
    if (form.waits) continue;
    SCOPED_TRACE(form.name);
    EXPECT_FALSE(form.send(queue, "x", 9, nullptr));
    std::error_code ec = stale_code();
    EXPECT_FALSE(form.send(queue, "x", 9, &ec));
    EXPECT_FALSE(ec) << ec.message();
  }
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"0", "1"}));
}

TEST_P(BackendContract, FormsOfSendThatWaitGoOnWhenAReceiverMakesRoom) {
  Queue queue = make(1);
  for (const SendForm& form : send_forms()) {
    if (!form.waits) continue;
    SCOPED_TRACE(form.name);
    fill(queue);
    std::thread sender([&] { EXPECT_TRUE(form.send(queue, "waited", 0, nullptr)); });
    until_senders_wait(queue);
    EXPECT_EQ(queue.receive().text(), filler_);
    EXPECT_EQ(queue.receive().text(), "waited");
    sender.join();

    fill(queue);
    std::error_code ec = stale_code();
    std::thread coded_sender([&] { EXPECT_TRUE(form.send(queue, "waited", 0, &ec)); });
    until_senders_wait(queue);
    EXPECT_EQ(queue.receive().text(), filler_);
    EXPECT_EQ(queue.receive().text(), "waited");
    coded_sender.join();
    EXPECT_FALSE(ec) << ec.message();
  }
}

TEST_P(BackendContract, EveryFormOfSendRefusesWhatIsWrongAndQueuesNothing) {
  Queue queue = make(1, 8);
  Queue reader = Queue::open(at(), {.access = Access::read_only});
  Queue closed;
  const std::vector<std::byte> big = pattern(9, 1);
  const auto refused = [&](const SendForm& form, Errc errc, Queue& target, Payload payload, Priority priority) {
    EXPECT_TRUE(fails_with(errc, [&] { form.send(target, payload, priority, nullptr); }));
    std::error_code ec = stale_code();
    EXPECT_FALSE(form.send(target, payload, priority, &ec));
    EXPECT_EQ(ec, errc) << ec.message();
  };
  for (const SendForm& form : send_forms()) {
    SCOPED_TRACE(form.name);
    refused(form, Errc::message_too_big, queue, std::span<const std::byte>(big), 0);
    refused(form, Errc::invalid_priority, queue, "x", kMaxPriority + 1);
    refused(form, Errc::not_writable, reader, "x", 0);
    refused(form, Errc::closed, closed, "x", 0);
  }
  EXPECT_EQ(queue.attributes().depth, 0u);
}

TEST_P(BackendContract, SendOnAReadOnlyHandleSaysHowItWasOpened) {
  Queue queue = make();
  Queue reader = Queue::open(at(), {.access = Access::read_only});
  EXPECT_EQ(reader.access(), Access::read_only);
  EXPECT_TRUE(says(sentence_of([&] { reader.send("x"); }), "send", queue.name(), "EBADF"));
  queue.send("for the reader");
  EXPECT_EQ(reader.receive().text(), "for the reader");
}

// ---- Nonblocking -----------------------------------------------------------------------------------------------

TEST_P(BackendContract, SendToFullQueueNonBlockingFailsAndQueuesNothing) {
  Queue queue = make(1);
  fill(queue);
  queue.set_nonblocking(true);
  EXPECT_TRUE(fails_with(Errc::would_block, [&] { queue.send("x"); }));
  std::error_code ec;
  queue.send("x", 0, ec);
  EXPECT_EQ(ec, Errc::would_block);
  EXPECT_EQ(ec, std::errc::resource_unavailable_try_again);
  EXPECT_EQ(queue.attributes().depth, 1u);
}

TEST_P(BackendContract, NoFormOfSendWaitsOnANonblockingHandle) {
  Queue queue = make(1);
  fill(queue);
  queue.set_nonblocking(true);
  for (const SendForm& form : send_forms()) {
    SCOPED_TRACE(form.name);
    std::error_code ec;
    EXPECT_FALSE(form.send(queue, "x", 0, &ec));
    if (ec) {
      EXPECT_EQ(ec, Errc::would_block);
    }
  }
  EXPECT_EQ(queue.attributes().depth, 1u);
}

TEST_P(BackendContract, TrySendReturnsFalseOnAFullQueueWhetherNonblockingOrNot) {
  Queue queue = make(1);
  fill(queue);
  EXPECT_FALSE(queue.try_send("x"));
  queue.set_nonblocking(true);
  EXPECT_FALSE(queue.try_send("x"));
}

TEST_P(BackendContract, ANonblockingHandleSendsWhenThereIsRoom) {
  Queue queue = Queue::create(at(), {.nonblocking = true});
  queue.send("x");
  EXPECT_EQ(queue.receive().text(), "x");
}

TEST_P(BackendContract, NonblockingCanBeTakenBack) {
  Queue queue = make(1);
  queue.set_nonblocking(true);
  std::error_code ec = stale_code();
  queue.set_nonblocking(false, ec);
  EXPECT_FALSE(ec) << ec.message();
  fill(queue);
  std::thread sender([&] { queue.send("waited"); });
  until_senders_wait(queue);
  EXPECT_EQ(queue.receive().text(), filler_);
  sender.join();
  EXPECT_EQ(queue.receive().text(), "waited");
}

// ---- Time ------------------------------------------------------------------------------------------------------

TEST_P(BackendContract, SendForIsLateNotBeforeItsTimeout) {
  Queue queue = make(1);
  fill(queue);
  const auto begin = steady_clock::now();
  EXPECT_FALSE(queue.send_for("x", 40ms));
  EXPECT_GE(steady_clock::now() - begin, 40ms);
  EXPECT_EQ(drained(queue), std::vector<std::string>{filler_});
}

TEST_P(BackendContract, SendUntilASteadyTimeIsLateNotBeforeIt) {
  Queue queue = make(1);
  fill(queue);
  const auto deadline = steady_clock::now() + 40ms;
  EXPECT_FALSE(queue.send_until("x", deadline));
  EXPECT_GE(steady_clock::now(), deadline);
  std::error_code ec = stale_code();
  EXPECT_FALSE(queue.send_until("x", deadline, 0, ec));
  EXPECT_FALSE(ec) << ec.message();
}

TEST_P(BackendContract, SendUntilASystemTimeIsLateNotBeforeIt) {
  Queue queue = make(1);
  fill(queue);
  const auto deadline = system_clock::now() + 40ms;
  EXPECT_FALSE(queue.send_until("x", deadline));
  EXPECT_GE(system_clock::now(), deadline);
}

TEST_P(BackendContract, SendForTakesAnyDuration) {
  Queue queue = make(1);
  fill(queue);
  EXPECT_FALSE(queue.send_for("x", std::chrono::duration<double>(0.001)));
  EXPECT_FALSE(queue.send_for("x", std::chrono::duration<float, std::milli>(0.5F)));
  EXPECT_FALSE(queue.send_for("x", std::chrono::nanoseconds(1)));
  EXPECT_FALSE(queue.send_for("x", std::chrono::hours::min()));
}

// ---- Stopping --------------------------------------------------------------------------------------------------

TEST_P(BackendContract, AStopTokenEndsABlockedSend) {
  Queue queue = make(1);
  fill(queue);
  std::stop_source source;
  std::thread sender([&] { EXPECT_FALSE(queue.send("stopped", source.get_token())); });
  until_senders_wait(queue);
  source.request_stop();
  sender.join();
  EXPECT_EQ(drained(queue), std::vector<std::string>{filler_});
}

TEST_P(BackendContract, TheTwinOfAStoppedSendHasAClearCode) {
  Queue queue = make(1);
  fill(queue);
  std::stop_source source;
  std::error_code ec = stale_code();
  std::thread sender([&] { EXPECT_FALSE(queue.send("stopped", source.get_token(), 0, ec)); });
  until_senders_wait(queue);
  source.request_stop();
  sender.join();
  EXPECT_FALSE(ec) << ec.message();
}

TEST_P(BackendContract, ATokenThatWasTriggeredBeforeDoesNotLetSendWait) {
  Queue queue = make(1);
  fill(queue);
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(queue.send("stopped", source.get_token()));
  EXPECT_EQ(queue.attributes().depth, 1u);
}

TEST_P(BackendContract, OneTokenEndsAllWaitsThatHoldIt) {
  Queue full = make(1, 64, "full");
  Queue empty = make(1, 64, "empty");
  fill(full);
  std::stop_source source;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { EXPECT_FALSE(full.send("x", source.get_token())); });
    threads.emplace_back([&] { EXPECT_FALSE(empty.receive(source.get_token())); });
  }
  until_senders_wait(full, 3);
  until_receivers_wait(empty, 3);
  source.request_stop();
  for (std::thread& thread : threads) thread.join();
}

TEST_P(BackendContract, AStoppedSenderTakesNoRoomFromTheOthers) {
  Queue queue = make(1);
  fill(queue);
  std::stop_source source;
  std::thread stopped([&] { EXPECT_FALSE(queue.send("stopped", source.get_token())); });
  std::thread waiting([&] { queue.send("waited"); });
  until_senders_wait(queue, 2);
  source.request_stop();
  stopped.join();
  EXPECT_EQ(queue.receive().text(), filler_);
  EXPECT_EQ(queue.receive().text(), "waited");
  waiting.join();
}

}  // namespace
}  // namespace mqxx::test
