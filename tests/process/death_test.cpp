// Processes that are killed: what they held comes back, and nobody waits for them.
#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/queue_test.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

class ProcessDeath : public QueueTest {
 protected:
  Queue make(std::size_t capacity, std::size_t message_size = 64) {
    return Queue::create("/q", {.capacity = capacity, .message_size = message_size});
  }

  /// A process that runs `hold` and then stays, until it is killed. Returns when it has come that far.
  template <class Hold>
  Child holder(Hold hold) {
    ready_[0] = 0;
    Child child([this, hold] {
      Queue own = Queue::open("/q");
      [[maybe_unused]] const auto held = hold(own);
      ready_[0] = 1;
      for (;;) ::pause();
    });
    wait_until([&] { return ready_[0] == 1; });
    return child;
  }

  SharedArray<std::atomic<int>> ready_{1};
};

TEST_F(ProcessDeath, TheSlotOfASendLoanComesBackToATrySend) {
  Queue queue = make(1);
  Child child = holder([](Queue& own) { return own.loan(10); });
  EXPECT_FALSE(queue.try_send("x"));
  child.kill();
  wait_until([&] { return queue.try_send("x"); });
  EXPECT_EQ(queue.receive().text(), "x");
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(ProcessDeath, TheSlotOfASendLoanComesBackToABlockedSender) {
  Queue queue = make(1);
  Child child = holder([](Queue& own) { return own.loan(10); });
  std::thread sender([&] { queue.send("waited"); });
  wait_until([&] { return queue.statistics().waiting_senders == 1; });
  child.kill();
  sender.join();
  EXPECT_EQ(drained(queue), std::vector<std::string>{"waited"});
}

TEST_F(ProcessDeath, AMessageInAReceiveLoanComesBackToATryReceive) {
  Queue queue = make(1);
  queue.send("not lost", 7);
  Child child = holder([](Queue& own) { return own.receive_loan(); });
  EXPECT_FALSE(queue.try_receive());
  child.kill();
  std::optional<Message> message;
  wait_until([&] { return (message = queue.try_receive()).has_value(); });
  EXPECT_EQ(message->text(), "not lost");
  EXPECT_EQ(message->priority(), 7u);
  EXPECT_EQ(queue.statistics().messages_received, 1u);
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(ProcessDeath, AMessageInAReceiveLoanComesBackToABlockedReceiver) {
  Queue queue = make(1);
  queue.send("not lost");
  Child child = holder([](Queue& own) { return own.receive_loan(); });
  std::thread receiver([&] { EXPECT_EQ(queue.receive().text(), "not lost"); });
  wait_until([&] { return queue.statistics().waiting_receivers == 1; });
  child.kill();
  receiver.join();
}

TEST_F(ProcessDeath, ManyLoansOfOneProcessAllComeBackInOrder) {
  Queue queue = make(6);
  send_numbers(queue, 3, 4);
  Child child = holder([](Queue& own) {
    std::vector<SendLoan> sending;
    for (int i = 0; i < 3; ++i) sending.push_back(own.loan(5));
    std::vector<ReceiveLoan> receiving;
    for (int i = 0; i < 3; ++i) receiving.push_back(own.receive_loan());
    return std::pair(std::move(sending), std::move(receiving));
  });
  EXPECT_FALSE(queue.try_send("x"));
  EXPECT_EQ(queue.statistics().loans, 6u);
  child.kill();
  EXPECT_EQ(queue.receive().text(), "0");
  EXPECT_EQ(queue.receive().text(), "1");
  EXPECT_EQ(queue.receive().text(), "2");
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(queue.send_for("x", 10s)) << i;
  EXPECT_FALSE(queue.try_send("x"));
  EXPECT_EQ(queue.statistics().loans, 0u);
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(ProcessDeath, LoansOfTheLivingOutlastTheDeathOfAnother) {
  Queue queue = make(4);
  queue.send("mine");
  queue.send("its");
  ReceiveLoan mine = queue.receive_loan();
  SendLoan my_room = queue.loan(4);
  Child child = holder([](Queue& own) { return own.receive_loan(); });
  child.kill();
  EXPECT_EQ(queue.receive().text(), "its");
  EXPECT_EQ(text_of(mine.bytes()), "mine");
  std::ranges::fill(my_room.bytes(), std::byte{'y'});
  my_room.send();
  mine.put_back();
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"mine", "yyyy"}));
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(ProcessDeath, ALoanOfAForkedChildDiesWithTheChildOnly) {
  Queue queue = make(2);
  Child child([&] {
    const SendLoan loan = queue.loan(1);
    ready_[0] = 1;
    for (;;) ::pause();
  });
  wait_until([&] { return ready_[0] == 1; });
  SendLoan mine = queue.loan(4);
  EXPECT_FALSE(queue.try_send("x"));
  child.kill();
  wait_until([&] { return queue.try_send("x"); });
  EXPECT_FALSE(queue.try_send("no room: the loan of the parent stands"));
  mine.send();
  EXPECT_EQ(drained(queue).size(), 2u);
}

TEST_F(ProcessDeath, AMessageIsNotOwedToAReceiverThatWasKilledInItsSleep) {
  Queue queue = make(4);
  Child killed([] { (void)Queue::open("/q").receive(); });
  wait_until([&] { return queue.statistics().waiting_receivers == 1; });
  Child waiting([] { EXPECT_EQ(Queue::open("/q").receive().text(), "for the living"); });
  wait_until([&] { return queue.statistics().waiting_receivers == 2; });
  killed.kill();
  queue.send("for the living");
  expect_well(waiting);
}

TEST_F(ProcessDeath, RoomIsNotOwedToASenderThatWasKilledInItsSleep) {
  Queue queue = make(1);
  queue.send("filler");
  Child killed([] { Queue::open("/q").send("of the dead"); });
  wait_until([&] { return queue.statistics().waiting_senders == 1; });
  Child waiting([] { Queue::open("/q").send("of the living"); });
  wait_until([&] { return queue.statistics().waiting_senders == 2; });
  killed.kill();
  EXPECT_EQ(queue.receive().text(), "filler");
  EXPECT_EQ(queue.receive().text(), "of the living");
  expect_well(waiting);
}

TEST_F(ProcessDeath, AKilledProcessIsNoLongerAUser) {
  Queue queue = make(1);
  Child child = holder([](Queue&) { return 0; });
  const auto pid = static_cast<std::int32_t>(child.pid());
  const auto is_user = [&] { return std::ranges::count(describe("/q").users, pid) == 1; };
  EXPECT_TRUE(is_user());
  child.kill();
  EXPECT_FALSE(is_user());
}

TEST_F(ProcessDeath, HundredsOfDeadUsersAreForgotten) {
  Queue queue = make(1);
  const int deaths = scaled(300);
  for (int i = 0; i < deaths; ++i) {
    Child child([] {
      Queue own = Queue::open("/q");
      ::_exit(0);  // no destructor runs: as good as killed
    });
    ASSERT_EQ(child.join().exit_status, 0) << i;
  }
  EXPECT_EQ(describe("/q").users.size(), 1u);
  queue.send("x");
  EXPECT_EQ(queue.receive().text(), "x");
}

TEST_F(ProcessDeath, TheMessagesOfADeadSenderStand) {
  Queue queue = make(100);
  Child child = holder([](Queue& own) {
    send_numbers(own, 50);
    return 0;
  });
  child.kill();
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(drained(queue), expected);
}

TEST_F(ProcessDeath, AQueueOutlivesEveryProcessThatHadItOpen) {
  Child child([] {
    Queue own = Queue::create("/q", {.capacity = 4, .message_size = 16});
    own.send("left behind");
    const SendLoan loan = own.loan(3);
    ::_exit(0);
  });
  expect_well(child);
  Queue queue = Queue::open("/q");
  EXPECT_EQ(queue.receive().text(), "left behind");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(queue.send_for("x", 10s)) << i;
  EXPECT_EQ(broken_invariants("/q"), "");
}

}  // namespace
}  // namespace mqxx::test
