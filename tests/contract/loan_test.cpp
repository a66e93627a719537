// Loans: messages written and read where they lie.
#include <algorithm>
#include <array>
#include <thread>

#include "contract/backend_contract.hpp"

namespace mqxx::test {
namespace {

void write(const SendLoan& loan, std::string_view text) {
  ASSERT_GE(loan.bytes().size(), text.size());
  std::ranges::copy(std::as_bytes(std::span(text)), loan.bytes().begin());
}

// ---- Sending in place ------------------------------------------------------------------------------------------

TEST_P(BackendContract, ASendLoanIsSentAsItWasWritten) {
  Queue queue = make();
  SendLoan loan = queue.loan(5);
  ASSERT_TRUE(loan);
  EXPECT_EQ(loan.bytes().size(), 5u);
  write(loan, "place");
  loan.send(8);
  EXPECT_FALSE(loan);
  const Message message = queue.receive();
  EXPECT_EQ(message.text(), "place");
  EXPECT_EQ(message.priority(), 8u);
}

TEST_P(BackendContract, ASendLoanCanBeSentShorterThanItIs) {
  Queue queue = make();
  SendLoan loan = queue.loan(64);
  write(loan, "short and the rest");
  loan.send(5, 1);
  EXPECT_EQ(queue.receive().text(), "short");
}

TEST_P(BackendContract, ASendLoanOfNoBytesIsAMessageWithoutBytes) {
  Queue queue = make();
  SendLoan loan = queue.loan(0);
  ASSERT_TRUE(loan);
  loan.send(2);
  const Message message = queue.receive();
  EXPECT_TRUE(message.empty());
  EXPECT_EQ(message.priority(), 2u);
}

TEST_P(BackendContract, TheBytesOfALoanAreAlignedForVectors) {
  for (const std::size_t size : {1u, 7u, 33u, 100u, 5000u}) {
    Queue queue = make(3, size);
    for (int i = 0; i < 3; ++i) {
      SendLoan loan = queue.loan(size);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(loan.bytes().data()) % 32, 0u);
      loan.send();
    }
    const ReceiveLoan loan = queue.receive_loan();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(loan.bytes().data()) % 32, 0u);
    queue.unlink();
  }
}

TEST_P(BackendContract, ASendLoanCountsAgainstTheCapacityAtOnce) {
  MQXX_NEEDS(loans_in_place);
  Queue queue = make(2);
  SendLoan first = queue.loan(1);
  SendLoan second = queue.loan(1);
  EXPECT_FALSE(queue.try_send("x"));
  EXPECT_FALSE(queue.try_loan(1));
  second.drop();
  EXPECT_TRUE(queue.try_send("x"));
  EXPECT_FALSE(queue.try_send("x"));
}

TEST_P(BackendContract, NobodySeesASendLoanBeforeItIsSent) {
  Queue queue = make();
  SendLoan loan = queue.loan(1);
  EXPECT_EQ(queue.attributes().depth, 0u);
  EXPECT_FALSE(queue.try_receive());
  if (can().peek) {
    EXPECT_TRUE(queue.peek(9).empty());
  }
  write(loan, "x");
  loan.send();
  EXPECT_EQ(queue.attributes().depth, 1u);
  EXPECT_TRUE(queue.try_receive());
}

TEST_P(BackendContract, ASendLoanTakesItsPlaceInTheOrderWhenItIsSent) {
  Queue queue = make();
  SendLoan early = queue.loan(5);
  write(early, "early");
  queue.send("first");
  early.send();
  queue.send("last");
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"first", "early", "last"}));
}

TEST_P(BackendContract, TheDestructorOfASendLoanGivesItsSlotBack) {
  MQXX_NEEDS(loans_in_place);
  Queue queue = make(1);
  {
    const SendLoan loan = queue.loan(1);
    EXPECT_FALSE(queue.try_send("x"));
  }
  EXPECT_TRUE(queue.try_send("x"));
  EXPECT_EQ(queue.statistics().messages_sent, 1u);
}

TEST_P(BackendContract, DropGivesTheSlotBackAndCanBeRepeated) {
  Queue queue = make(1);
  SendLoan loan = queue.loan(1);
  loan.drop();
  loan.drop();
  EXPECT_FALSE(loan);
  EXPECT_TRUE(queue.try_send("x"));
}

TEST_P(BackendContract, AThousandDroppedLoansCostNoRoom) {
  Queue queue = make(3);
  for (int i = 0; i < 1000; ++i) {
    SendLoan loan = queue.try_loan(1);
    ASSERT_TRUE(loan) << i;
  }
  fill(queue);
  EXPECT_EQ(queue.attributes().depth, 3u);
}

TEST_P(BackendContract, ALoanOfMoreThanTheMessageSizeIsRefused) {
  Queue queue = make(1, 64);
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { (void)queue.loan(65); }));
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { (void)queue.loan(static_cast<std::size_t>(-1)); }));
  if (can().statistics) {
    EXPECT_EQ(queue.statistics().loans, 0u);
  }
}

TEST_P(BackendContract, ALoanThatCannotBeSentStaysAsItWas) {
  Queue queue = make(1);
  SendLoan loan = queue.loan(4);
  write(loan, "kept");
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { loan.send(5, 0); }));
  EXPECT_TRUE(fails_with(Errc::invalid_priority, [&] { loan.send(kMaxPriority + 1); }));
  ASSERT_TRUE(loan);
  loan.send(1);
  EXPECT_EQ(queue.receive().text(), "kept");
}

TEST_P(BackendContract, AnEmptyLoanSaysClosed) {
  Queue queue = make();
  SendLoan loan = queue.loan(1);
  loan.send();
  EXPECT_TRUE(fails_with(Errc::closed, [&] { loan.send(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [] { SendLoan().send(); }));
  EXPECT_EQ(queue.attributes().depth, 1u);
}

TEST_P(BackendContract, AMovedSendLoanIsTheSameLoanAndLeavesAnEmptyOne) {
  MQXX_NEEDS(loans_in_place);
  Queue queue = make(1);
  SendLoan first = queue.loan(5);
  write(first, "moved");
  SendLoan second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that state is a promise
  EXPECT_FALSE(queue.try_send("x"));
  second.send();
  EXPECT_EQ(queue.receive().text(), "moved");
}

TEST_P(BackendContract, AssigningToASendLoanGivesItsOldSlotBack) {
  MQXX_NEEDS(loans_in_place);
  Queue queue = make(2);
  SendLoan loan = queue.loan(1);
  loan = queue.loan(2);
  EXPECT_EQ(loan.bytes().size(), 2u);
  EXPECT_TRUE(queue.try_send("x"));
  EXPECT_FALSE(queue.try_send("x"));
}

TEST_P(BackendContract, ALoanKeepsAClosedQueueInUse) {
  Queue queue = make();
  Queue other = Queue::open(at());
  SendLoan loan = queue.loan(4);
  queue.close();
  write(loan, "late");
  loan.send();
  EXPECT_EQ(other.receive().text(), "late");
}

TEST_P(BackendContract, ALoanMayBeSentByAnotherThread) {
  Queue queue = make();
  SendLoan loan = queue.loan(5);
  std::thread([loan = std::move(loan)]() mutable {
    write(loan, "other");
    loan.send();
  }).join();
  EXPECT_EQ(queue.receive().text(), "other");
}

TEST_P(BackendContract, ADroppedLoanWakesABlockedSender) {
  Queue queue = make(1);
  SendLoan loan = queue.loan(1);
  std::thread sender([&] { queue.send("waited"); });
  until_senders_wait(queue);
  loan.drop();
  sender.join();
  EXPECT_EQ(queue.receive().text(), "waited");
}

TEST_P(BackendContract, ASentLoanWakesABlockedReceiver) {
  Queue queue = make(1);
  SendLoan loan = queue.loan(1);
  std::thread receiver([&] { EXPECT_EQ(queue.receive().size(), 1u); });
  until_receivers_wait(queue);
  loan.send();
  receiver.join();
}

// ---- Receiving in place ----------------------------------------------------------------------------------------

TEST_P(BackendContract, AReceiveLoanShowsTheNextMessageWhereItLies) {
  Queue queue = make();
  queue.send("low", 1);
  queue.send("high", 2);
  const ReceiveLoan loan = queue.receive_loan();
  ASSERT_TRUE(loan);
  EXPECT_EQ(text_of(loan.bytes()), "high");
  EXPECT_EQ(loan.priority(), 2u);
}

TEST_P(BackendContract, AReceiveLoanIsNotQueuedButCountsAgainstTheCapacity) {
  MQXX_NEEDS(loans_in_place);
  Queue queue = make(1);
  queue.send("x");
  ReceiveLoan loan = queue.receive_loan();
  EXPECT_EQ(queue.attributes().depth, 0u);
  EXPECT_FALSE(queue.try_receive());
  EXPECT_FALSE(queue.try_receive_loan());
  EXPECT_TRUE(queue.peek(9).empty());
  EXPECT_FALSE(queue.try_send("y"));
  loan.release();
  EXPECT_FALSE(loan);
  EXPECT_TRUE(queue.try_send("y"));
}

TEST_P(BackendContract, TheDestructorOfAReceiveLoanReleasesIt) {
  Queue queue = make(1);
  queue.send("x");
  { const ReceiveLoan loan = queue.receive_loan(); }
  EXPECT_EQ(queue.attributes().depth, 0u);
  EXPECT_TRUE(queue.try_send("y"));
  EXPECT_EQ(queue.receive().text(), "y");
}

TEST_P(BackendContract, AMessagePutBackIsReceivedBeforeYoungerOnesOfItsPriority) {
  MQXX_NEEDS(loans_in_place);
  Queue queue = make();
  send_numbers(queue, 3);
  ReceiveLoan loan = queue.receive_loan();
  queue.send("3");
  loan.put_back();
  EXPECT_FALSE(loan);
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"0", "1", "2", "3"}));
}

TEST_P(BackendContract, MessagesPutBackInAnyOrderReturnToTheirPlaces) {
  MQXX_NEEDS(loans_in_place);
  std::array<std::size_t, 4> order{0, 1, 2, 3};
  do {
    Queue queue = make();
    send_numbers(queue, 6, 4);
    std::array<ReceiveLoan, 4> loans;
    for (ReceiveLoan& loan : loans) loan = queue.receive_loan();
    for (const std::size_t i : order) loans.at(i).put_back();
    ASSERT_EQ(drained(queue), (std::vector<std::string>{"0", "1", "2", "3", "4", "5"}))
        << order[0] << order[1] << order[2] << order[3];
    queue.unlink();
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_P(BackendContract, AMessagePutBackDoesNotOvertakeHigherPriorities) {
  Queue queue = make();
  queue.send("low", 1);
  ReceiveLoan loan = queue.receive_loan();
  queue.send("high", 2);
  loan.put_back();
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"high", "low"}));
}

TEST_P(BackendContract, SomeReleasedSomePutBackKeepTheOrderOfTheRest) {
  MQXX_NEEDS(loans_in_place);
  Queue queue = make();
  send_numbers(queue, 5);
  ReceiveLoan zero = queue.receive_loan();
  ReceiveLoan one = queue.receive_loan();
  ReceiveLoan two = queue.receive_loan();
  two.put_back();
  one.release();
  zero.put_back();
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"0", "2", "3", "4"}));
}

TEST_P(BackendContract, AMessagePutBackIsWholeAndKeepsItsPriority) {
  Queue queue = make(2, 5000);
  queue.send(std::span<const std::byte>(pattern(4999, 7)), 12);
  queue.receive_loan().put_back();
  const Message message = queue.receive();
  EXPECT_EQ(message.priority(), 12u);
  EXPECT_EQ(message.size(), 4999u);
  EXPECT_TRUE(is_pattern(message.bytes(), 7));
}

TEST_P(BackendContract, AMessagePutBackWakesABlockedReceiver) {
  Queue queue = make();
  queue.send("again");
  ReceiveLoan loan = queue.receive_loan();
  std::thread receiver([&] { EXPECT_EQ(queue.receive().text(), "again"); });
  until_receivers_wait(queue);
  loan.put_back();
  receiver.join();
}

TEST_P(BackendContract, AReleasedLoanWakesABlockedSender) {
  Queue queue = make(1);
  queue.send("read");
  ReceiveLoan loan = queue.receive_loan();
  std::thread sender([&] { queue.send("waited"); });
  until_senders_wait(queue);
  loan.release();
  sender.join();
  EXPECT_EQ(queue.receive().text(), "waited");
}

TEST_P(BackendContract, AMovedReceiveLoanIsTheSameLoanAndLeavesAnEmptyOne) {
  Queue queue = make();
  queue.send("moved", 3);
  ReceiveLoan first = queue.receive_loan();
  ReceiveLoan second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that state is a promise
  EXPECT_EQ(text_of(second.bytes()), "moved");
  EXPECT_EQ(second.priority(), 3u);
  queue.send("next");
  second = queue.receive_loan();
  EXPECT_EQ(text_of(second.bytes()), "next");
  second.put_back();
  EXPECT_EQ(drained(queue), std::vector<std::string>{"next"});
}

TEST_P(BackendContract, AReceiveLoanKeepsAClosedQueueInUse) {
  Queue queue = make();
  Queue other = Queue::open(at());
  queue.send("kept");
  ReceiveLoan loan = queue.receive_loan();
  queue.close();
  EXPECT_EQ(text_of(loan.bytes()), "kept");
  loan.put_back();
  EXPECT_EQ(other.receive().text(), "kept");
}

TEST_P(BackendContract, EndingAnEmptyReceiveLoanDoesNothing) {
  ReceiveLoan loan;
  loan.release();
  loan.put_back();
  EXPECT_FALSE(loan);
  EXPECT_TRUE(loan.bytes().empty());
}

TEST_P(BackendContract, AMessageCanBeReadWhileTheNextOnesAreReceivedAndSent) {
  Queue queue = make(3, 16);
  queue.send("held");
  const ReceiveLoan held = queue.receive_loan();
  for (int i = 0; i < 1000; ++i) {
    queue.send(std::to_string(i));
    ASSERT_EQ(queue.receive().text(), std::to_string(i));
    ASSERT_EQ(text_of(held.bytes()), "held");
  }
}

TEST_P(BackendContract, StatisticsCountLoansOfBothKinds) {
  MQXX_NEEDS(statistics);
  Queue queue = make(4);
  queue.send("x");
  SendLoan sending = queue.loan(1);
  ReceiveLoan receiving = queue.receive_loan();
  EXPECT_EQ(queue.statistics().loans, 2u);
  sending.drop();
  EXPECT_EQ(queue.statistics().loans, 1u);
  receiving.put_back();
  EXPECT_EQ(queue.statistics().loans, 0u);
}

TEST_P(BackendContract, AMessagePutBackAndReceivedCountsAsOneReceived) {
  MQXX_NEEDS(statistics);
  Queue queue = make(4);
  queue.send("12345");
  for (int i = 0; i < 3; ++i) queue.receive_loan().put_back();
  queue.receive_loan().release();
  EXPECT_EQ(queue.statistics().messages_sent, 1u);
  EXPECT_EQ(queue.statistics().messages_received, 1u);
  EXPECT_EQ(queue.statistics().bytes_received, 5u);
}

}  // namespace
}  // namespace mqxx::test
