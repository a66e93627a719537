// The contract of transfer, from every home to every home.
#include <algorithm>
#include <stop_token>
#include <thread>
#include <tuple>

#include "transfer/transfer_test.hpp"

namespace mqxx::test {
namespace {

using Ended = Transferred::Ended;

class Transfers : public TransferTest, public testing::WithParamInterface<std::tuple<In, In>> {
 protected:
  static In source() { return std::get<0>(GetParam()); }
  static In destination() { return std::get<1>(GetParam()); }
  /// Messages of the kernel are taken before their size is known.
  static bool shows_messages() { return source() != In::kernel; }

  static void send_some(Queue& queue) {
    queue.send("first", 3);
    queue.send("urgent", 32767);
    queue.send("", 3);
    queue.send("last", 0);
    queue.send("third", 3);
  }
  static Texts some() { return {"32767 urgent", "3 first", "3 ", "3 third", "0 last"}; }
};

TEST_P(Transfers, KeepPrioritiesAndTheOrderInEach) {
  for (const std::size_t batch : {1, 2, 64, 1000}) {
    Place from(source(), "from", kUsual);
    Place to(destination(), "to", kUsual);
    send_some(from.queue());
    const Transferred done = transfer(from.queue(), to.queue(), {.batch = batch});
    EXPECT_EQ(done.messages, 5u);
    EXPECT_EQ(done.ended, Ended::empty);
    EXPECT_EQ(from.depth(), 0u);
    EXPECT_EQ(drain(to.queue()), some()) << "in batches of " << batch;
  }
}

TEST_P(Transfers, OfAnEmptyQueueMoveNothing) {
  Place from(source(), "from", kUsual);
  Place to(destination(), "to", kUsual);
  const Transferred done = transfer(from.queue(), to.queue());
  EXPECT_EQ(done.messages, 0u);
  EXPECT_EQ(done.ended, Ended::empty);
}

TEST_P(Transfers, MoveAsManyAsTheyAreToldTheMostUrgentFirst) {
  Place from(source(), "from", kUsual);
  Place to(destination(), "to", kUsual);
  send_some(from.queue());
  const Transferred done = transfer(from.queue(), to.queue(), {.count = 2});
  EXPECT_EQ(done.messages, 2u);
  EXPECT_EQ(done.ended, Ended::count);
  EXPECT_EQ(drain(to.queue()), (Texts{"32767 urgent", "3 first"}));
  EXPECT_EQ(drain(from.queue()), (Texts{"3 ", "3 third", "0 last"}));
  EXPECT_EQ(transfer(from.queue(), to.queue(), {.count = 0}).ended, Ended::count);
}

TEST_P(Transfers, MoveTheLargestMessageWhole) {
  constexpr OpenOptions large{.capacity = 2, .message_size = 8000};
  Place from(source(), "from", large);
  Place to(destination(), "to", large);
  const std::vector<std::byte> bytes = pattern(8000, 42);
  from.queue().send(std::span(bytes), 7);
  EXPECT_EQ(transfer(from.queue(), to.queue()).messages, 1u);
  const Message message = to.queue().receive();
  EXPECT_EQ(message.priority(), 7u);
  EXPECT_EQ(message.size(), 8000u);
  EXPECT_TRUE(is_pattern(message.bytes(), 42));
}

class FullTransfers : public Transfers {
 protected:
  static std::string text(char letter) { return std::string(64, letter); }
  static std::string letters(const Texts& texts) {
    std::string letters;
    for (const std::string& one : texts) letters += one.back();
    return letters;
  }
  void send_five() {
    for (const char letter : {'a', 'b', 'c', 'd', 'e'}) from_.queue().send(text(letter));
  }
  Place from_{source(), "from", kUsual};
  Place to_{destination(), "to", {.capacity = 2, .message_size = 64}};
};

TEST_P(FullTransfers, LeaveInTheSourceWhatTheDestinationDoesNotTake) {
  send_five();
  const Transferred done = transfer(from_.queue(), to_.queue(), {.wait = Wait::none()});
  EXPECT_EQ(done.messages, 2u);
  EXPECT_EQ(done.ended, Ended::full);
  EXPECT_EQ(letters(drain(to_.queue())), "ab");
  EXPECT_EQ(letters(drain(from_.queue())), "cde");
}

TEST_P(FullTransfers, WaitForRoomUntilTheDeadline) {
  send_five();
  const auto deadline = std::chrono::steady_clock::now() + 20ms;
  const Transferred done = transfer(from_.queue(), to_.queue(), {.wait = Wait::until_time(deadline)});
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
  EXPECT_EQ(done.messages, 2u);
  EXPECT_EQ(done.ended, Ended::timed_out);
  EXPECT_EQ(letters(drain(from_.queue())), "cde");
}

TEST_P(FullTransfers, WaitForRoomUntilTheyAreStopped) {
  send_five();
  std::stop_source stop;
  Transferred done;
  std::thread mover([&] {
    const std::stop_token token = stop.get_token();
    done = transfer(from_.queue(), to_.queue(), {.wait = Wait::forever(token)});
  });
  wait_until([&] { return to_.depth() == 2; });
  stop.request_stop();
  mover.join();
  EXPECT_EQ(done.messages, 2u);
  EXPECT_EQ(done.ended, Ended::stopped);
  EXPECT_EQ(letters(drain(from_.queue())), "cde");
}

TEST_P(FullTransfers, GoOnWhenThereIsRoom) {
  send_five();
  std::string received;
  std::thread receiver([&] {
    for (int i = 0; i < 5; ++i) received += to_.queue().receive().text().back();
  });
  EXPECT_EQ(transfer(from_.queue(), to_.queue()).messages, 5u);
  receiver.join();
  EXPECT_EQ(received, "abcde");
}

TEST_P(Transfers, LeaveWhatIsTooBigInItsPlaceAndTellBothSizes) {
  Place from(source(), "from", {.capacity = 10, .message_size = 100});
  Place to(destination(), "to", {.capacity = 1, .message_size = 50});
  const std::string big(51, 'b');
  from.queue().send("small", 9);
  from.queue().send(big, 5);
  from.queue().send("tiny", 1);
  std::error_code ec;
  const Transferred done = transfer(from.queue(), to.queue(), {.count = 1}, ec);
  EXPECT_EQ(done.messages, shows_messages() ? 1u : 0u) << "the kernel's are not known to fit";
  EXPECT_EQ(drain(to.queue()).size(), done.messages);
  const auto rest = [&] { (void)transfer(from.queue(), to.queue()); };
  EXPECT_TRUE(fails_with(Errc::message_too_big, rest));
  EXPECT_TRUE(says(sentence_of(rest), "transfer from '" + from.name() + "' to '" + to.name() + "'",
                   shows_messages() ? "51 bytes" : "100 bytes", "at most 50", "stays in the source", "EMSGSIZE"));
  Texts left{"9 small", "5 " + big, "1 tiny"};
  left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(done.messages));
  EXPECT_EQ(drain(from.queue()), left);
}

TEST_P(Transfers, FollowTheSourceUntilTheyAreStopped) {
  Place from(source(), "from", kUsual);
  Place to(destination(), "to", kUsual);
  std::stop_source stop;
  Transferred done;
  std::thread mover([&] {
    const std::stop_token token = stop.get_token();
    done = transfer(from.queue(), to.queue(), {.follow = true, .wait = Wait::forever(token)});
  });
  for (int i = 0; i < 20; ++i) {
    from.queue().send(std::to_string(i), static_cast<Priority>(i));
    EXPECT_EQ(told(to.queue().receive()), std::to_string(i) + " " + std::to_string(i));
  }
  wait_until([&] { return from.depth() == 0; });
  stop.request_stop();
  mover.join();
  EXPECT_EQ(done.messages, 20u);
  EXPECT_EQ(done.ended, Ended::stopped);
  const auto deadline = std::chrono::steady_clock::now() + 20ms;
  const TransferOptions patient{.follow = true, .wait = Wait::until_time(deadline)};
  EXPECT_EQ(transfer(from.queue(), to.queue(), patient).ended, Ended::timed_out);
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
}

TEST_P(Transfers, NeedTheRightToReceiveAndToSend) {
  Place from(source(), "from", kUsual);
  Place to(destination(), "to", kUsual);
  send_some(from.queue());
  Queue cannot_receive = Queue::open(from.name(), {.access = Access::write_only});
  Queue cannot_send = Queue::open(to.name(), {.access = Access::read_only});
  EXPECT_TRUE(fails_with(Errc::not_readable, [&] { (void)transfer(cannot_receive, to.queue()); }));
  EXPECT_TRUE(fails_with(Errc::not_writable, [&] { (void)transfer(from.queue(), cannot_send); }));
  EXPECT_EQ(drain(from.queue()), some());
  EXPECT_EQ(to.depth(), 0u);
}

TEST_P(Transfers, ByDescriptionsThatDoNotWaitDoNotWait) {
  Place from(source(), "from", kUsual);
  Place to(destination(), "to", {.capacity = 1, .message_size = 64});
  Queue source = Queue::open(from.name(), {.nonblocking = true});
  Queue destination = Queue::open(to.name(), {.nonblocking = true});
  EXPECT_EQ(transfer(source, destination, {.follow = true}).ended, Ended::empty);
  for (int i = 0; i < 2; ++i) from.queue().send(std::string(64, 'x'));
  const Transferred done = transfer(source, destination);
  EXPECT_EQ(done.messages, 1u);
  EXPECT_EQ(done.ended, Ended::full);
  EXPECT_EQ(from.depth(), 1u);
}

TEST_P(Transfers, RefuseWhatMakesNoSense) {
  Place from(source(), "from", kUsual);
  Place to(destination(), "to", kUsual);
  send_some(from.queue());
  Queue same = Queue::open(from.name());
  Queue closed;
  EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { (void)transfer(from.queue(), to.queue(), {.batch = 0}); }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { (void)transfer(from.queue(), same); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)transfer(from.queue(), closed); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)transfer(closed, to.queue()); }));
  std::error_code ec;
  EXPECT_EQ(transfer(closed, to.queue(), {}, ec).ended, Ended::failed);
  EXPECT_EQ(ec, Errc::closed);
  EXPECT_EQ(transfer(from.queue(), to.queue(), {}, ec).messages, 5u);
  EXPECT_FALSE(ec);
}

TEST_F(TransferTest, GoesToAnotherQueueThatHasTheNameOfTheSource) {
  Queue from = Queue::create("/q");
  from.send("moved");
  from.unlink();
  Queue to = Queue::create("/q");
  EXPECT_EQ(transfer(from, to).messages, 1u);
  EXPECT_EQ(drain(to), Texts{"0 moved"});
}

// Each message is sent to the first queue by some thread, and goes through two movers at a time.
TEST_P(Transfers, ByManyAtATimeLoseAndDoubleNothing) {
  if (source() == In::sysv) GTEST_SKIP() << "of System V queues one at a time moves, or messages are doubled: below";
  Place from(source(), "from", kUsual);
  Place to(destination(), "to", kUsual);
  constexpr int kMessages = 2000;
  std::stop_source stop;
  std::vector<std::thread> movers;
  for (int i = 0; i < 2; ++i) {
    movers.emplace_back([&] {
      const std::stop_token token = stop.get_token();
      (void)transfer(from.queue(), to.queue(), {.batch = 3, .follow = true, .wait = Wait::forever(token)});
    });
  }
  std::thread sender([&] {
    for (int i = 0; i < kMessages; ++i) from.queue().send(std::to_string(i), static_cast<Priority>(i % 3));
  });
  std::vector<int> seen(kMessages);
  for (int i = 0; i < kMessages; ++i) ++seen[std::stoul(std::string(to.queue().receive().text()))];
  sender.join();
  stop.request_stop();
  for (std::thread& mover : movers) mover.join();
  EXPECT_EQ(std::ranges::count(seen, 1), kMessages);
  EXPECT_EQ(to.depth(), 0u);
}

std::string pair_name(const testing::TestParamInfo<std::tuple<In, In>>& info) {
  return home_name(std::get<0>(info.param)) + "To" + home_name(std::get<1>(info.param));
}
const auto kAllPairs = testing::Combine(testing::ValuesIn(kHomes), testing::ValuesIn(kHomes));
INSTANTIATE_TEST_SUITE_P(, Transfers, kAllPairs, pair_name);
INSTANTIATE_TEST_SUITE_P(, FullTransfers, kAllPairs, pair_name);

}  // namespace
}  // namespace mqxx::test
