// What is particular to System V queues: messages of others, other receivers, and removal.
#include <array>
#include <atomic>
#include <thread>

#include <mqxx/sysv.hpp>

#include "transfer/transfer_test.hpp"

namespace mqxx::test {
namespace {

using SysvTransfers = TransferTest;

sysv::Queue as_it_is(const Place& place) {
  return sysv::Queue::from_id(std::stoi(place.name().substr(place.name().find('=') + 1)));
}

TEST_F(SysvTransfers, MoveForeignTypesAsTheLowestPriority) {
  Place from(In::sysv, "from", kUsual);
  Place to(In::shm, "to", kUsual);
  sysv::Queue raw = as_it_is(from);
  raw.send("far", 1'000'000);
  raw.send("near", 40'000);
  raw.send("near too", 40'000);
  raw.send("ours", 32'768 - 5);
  EXPECT_EQ(transfer(from.queue(), to.queue()).messages, 4u);
  EXPECT_EQ(drain(to.queue()), (Texts{"5 ours", "0 near", "0 near too", "0 far"}));
}

TEST_F(SysvTransfers, ByPriorityAmongTheOldest256) {
  Place from(In::sysv, "from", {.capacity = 1000, .message_size = 16});
  Place to(In::shm, "to", {.capacity = 1000, .message_size = 16000});
  for (int i = 0; i < 300; ++i) from.queue().send("x", i == 255 || i == 299 ? 9 : 1);
  EXPECT_EQ(transfer(from.queue(), to.queue(), {.count = 1}).messages, 1u);
  EXPECT_EQ(told(to.queue().receive()), "9 x");
  EXPECT_EQ(transfer(from.queue(), to.queue(), {.count = 45, .batch = 1}).messages, 45u);
  EXPECT_EQ(told(to.queue().receive()), "9 x") << "once it was among them";
  EXPECT_EQ(transfer(from.queue(), to.queue()).messages, 254u);
  EXPECT_EQ(drain(to.queue()).size(), 298u);
}

// Receivers beside a mover may get what it has sent and not yet taken: twice at most, and none is lost.
TEST_F(SysvTransfers, BesideOtherReceiversLoseNothing) {
  constexpr int kMessages = 3000;
  Place from(In::sysv, "from", {.capacity = 200, .message_size = 64});
  Place to(In::shm, "to", {.capacity = 2 * kMessages, .message_size = 16384});
  std::array<std::atomic<int>, kMessages> seen{};
  std::atomic<bool> done{false};
  const auto receive_all = [&](Queue& queue) {
    while (const auto message = queue.receive_for(done ? 0ms : 2ms)) ++seen[std::stoul(std::string(message->text()))];
  };
  std::thread sender([&] {
    for (int i = 0; i < kMessages; ++i) from.queue().send(std::to_string(i), static_cast<Priority>(i % 3));
    done = true;
  });
  std::thread receiver([&] {
    while (!done) receive_all(from.queue());
  });
  std::thread mover([&] {
    while (!done || from.depth() != 0) (void)transfer(from.queue(), to.queue());
  });
  sender.join();
  receiver.join();
  mover.join();
  receive_all(to.queue());
  int doubled = 0;
  for (int i = 0; i < kMessages; ++i) {
    EXPECT_GE(seen[static_cast<std::size_t>(i)], 1) << i;
    EXPECT_LE(seen[static_cast<std::size_t>(i)], 2) << i;
    if (seen[static_cast<std::size_t>(i)] > 1) ++doubled;
  }
  RecordProperty("doubled", doubled);
}

TEST_F(SysvTransfers, EndWithEitherQueue) {
  Place from(In::sysv, "from", kUsual);
  Place to(In::sysv, "to", kUsual);
  from.queue().send("kept", 4);
  as_it_is(to).remove();
  const auto move = [&] { (void)transfer(from.queue(), to.queue()); };
  EXPECT_TRUE(fails_with(Errc::queue_removed, move));
  EXPECT_TRUE(says(sentence_of(move), "to '" + to.name() + "'", "removed"));
  EXPECT_EQ(drain(from.queue()), Texts{"4 kept"});
  as_it_is(from).remove();
  Place other(In::shm, "other", kUsual);
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)transfer(from.queue(), other.queue()); }));
}

TEST_F(SysvTransfers, EndWhenAQueueGoesWhileTheyWait) {
  Place from(In::sysv, "from", kUsual);
  Place to(In::shm, "to", kUsual);
  std::error_code ec;
  std::thread mover([&] { (void)transfer(from.queue(), to.queue(), {.follow = true}, ec); });
  std::this_thread::sleep_for(kMoment);
  as_it_is(from).remove();
  mover.join();
  EXPECT_EQ(ec, Errc::queue_removed);
}

}  // namespace
}  // namespace mqxx::test
