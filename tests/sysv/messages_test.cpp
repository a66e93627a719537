// What is sent to a System V queue, and which message a selection takes.
#include <array>
#include <cerrno>
#include <climits>
#include <thread>
#include <vector>

#include <sys/msg.h>

#include "sysv/sysv_test.hpp"

namespace mqxx::test {
namespace {

using SysvMessages = SysvTest;
using sysv::Selection;
using sysv::Type;

std::vector<std::string> drained(sysv::Queue& queue, const Selection& selection) {
  std::vector<std::string> texts;
  while (const auto message = queue.try_receive(selection)) texts.push_back(text_of(message));
  return texts;
}

using Texts = std::vector<std::string>;

TEST_F(SysvMessages, LeaveInTheOrderInWhichTheyCameWhateverTheirType) {
  queue_.send("a", 5);
  queue_.send("b", 2);
  queue_.send("c", 9);
  EXPECT_EQ(drained(queue_, {}), (Texts{"5 a", "2 b", "9 c"}));
}

TEST_F(SysvMessages, OfOneTypeAreTakenFromAmongTheOthers) {
  queue_.send("a", 5);
  queue_.send("b", 2);
  queue_.send("c", 5);
  EXPECT_EQ(drained(queue_, {.type = 5}), (Texts{"5 a", "5 c"}));
  EXPECT_EQ(drained(queue_, {}), Texts{"2 b"});
}

TEST_F(SysvMessages, UpToATypeTheLowestLeavesFirst) {
  for (const auto& [text, type] : {std::pair{"a", 3}, {"b", 1}, {"c", 4}, {"d", 1}, {"e", 2}}) queue_.send(text, type);
  EXPECT_EQ(drained(queue_, {.type = -3}), (Texts{"1 b", "1 d", "2 e", "3 a"}));
  EXPECT_EQ(drained(queue_, {.type = LONG_MIN}), Texts{"4 c"}) << "the lowest type of all is up to the highest";
}

TEST_F(SysvMessages, OfAllOtherTypesAreTakenByException) {
  queue_.send("a", 5);
  queue_.send("b", 2);
  queue_.send("c", 9);
  EXPECT_EQ(drained(queue_, {.type = 5, .except = true}), (Texts{"2 b", "9 c"}));
  EXPECT_EQ(drained(queue_, {}), Texts{"5 a"});
}

TEST_F(SysvMessages, AnExceptionNeedsAType) {
  queue_.send("a", 5);
  for (const Type type : {0L, -5L}) {
    EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { (void)queue_.receive({.type = type, .except = true}); }));
    EXPECT_TRUE(says(sentence_of([&] { (void)queue_.receive({.type = type, .except = true}); }), "receive", "except",
                     std::to_string(type), "EINVAL"));
  }
  EXPECT_EQ(queue_.status().messages, 1u);
}

TEST_F(SysvMessages, TypesAreAboveZero) {
  for (const Type type : {0L, -1L, LONG_MIN}) {
    EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { queue_.send("x", type); }));
    EXPECT_TRUE(says(sentence_of([&] { queue_.send("x", type); }), "send", std::to_string(type), "1 or more"));
  }
  queue_.send("x", LONG_MAX);
  EXPECT_EQ(queue_.receive().type(), LONG_MAX);
}

TEST_F(SysvMessages, MayBeEmpty) {
  queue_.send("", 3);
  queue_.send({}, 4);
  std::array<std::byte, 1> buffer{};
  EXPECT_EQ(queue_.receive(buffer).size, 0u);
  EXPECT_EQ(queue_.receive(std::span<std::byte>()).type, 4);
  queue_.send("", 5);
  const sysv::Message empty = queue_.receive();
  EXPECT_TRUE(empty.empty());
  EXPECT_EQ(empty.type(), 5);
}

TEST_F(SysvMessages, AreWholeUpToTheLargestThatTheKernelTakes) {
  const std::string large(sysv::limits().message_size, 'z');
  queue_.send(large);
  EXPECT_EQ(queue_.receive().text(), large);
  const std::string beyond = large + "z";
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue_.send(beyond); }));
  EXPECT_TRUE(says(sentence_of([&] { queue_.send(beyond); }), "message is " + std::to_string(beyond.size()),
                   std::to_string(large.size()), "sysctl kernel.msgmax=" + std::to_string(beyond.size()), "EMSGSIZE"));
}

TEST_F(SysvMessages, ThatAreTooLongForTheBufferStayOrLoseTheirEnd) {
  queue_.send("hello", 4);
  std::array<std::byte, 2> small{};
  EXPECT_TRUE(fails_with(Errc::buffer_too_small, [&] { (void)queue_.receive(small); }));
  EXPECT_TRUE(says(sentence_of([&] { (void)queue_.receive(small); }), "buffer is 2 bytes", "stays queued"));
  EXPECT_EQ(queue_.status().messages, 1u);
  const sysv::Received received = queue_.receive(small, {.truncate = true});
  EXPECT_EQ(received.size, 2u);
  EXPECT_EQ(received.type, 4);
  EXPECT_EQ(small[1], std::byte{'e'});
  EXPECT_EQ(queue_.status().messages, 0u) << "and the rest is lost";
}

TEST_F(SysvMessages, ArePeekedAtInTheOrderInWhichTheyCame) {
  queue_.send("a", 5);
  queue_.send("b", 2);
  EXPECT_EQ(text_of(queue_.peek()), "5 a");
  EXPECT_EQ(text_of(queue_.peek(1)), "2 b");
  EXPECT_EQ(text_of(queue_.peek(2)), "");
  EXPECT_EQ(text_of(queue_.peek(SIZE_MAX)), "");
  EXPECT_EQ(queue_.status().messages, 2u);
  EXPECT_EQ(queue_.status().last_receiver_pid, 0) << "nobody has received";
}

TEST_F(SysvMessages, TwinsTellByCodeAndClearIt) {
  std::error_code ec = stale_code();
  queue_.send("a", 1, ec);
  EXPECT_FALSE(ec);
  queue_.send("a", 0, ec);
  EXPECT_EQ(ec, std::errc::invalid_argument);
  EXPECT_TRUE(queue_.try_send("b", 2, ec));
  EXPECT_FALSE(ec);
  EXPECT_EQ(queue_.peek(0, ec)->text(), "a");
  std::array<std::byte, 8> buffer{};
  EXPECT_EQ(queue_.receive(buffer, {}, ec).size, 1u);
  EXPECT_FALSE(ec);
  EXPECT_EQ(queue_.receive({.type = 2}, ec).text(), "b");
  ec = stale_code();
  EXPECT_FALSE(queue_.try_receive(Selection{}, ec));
  EXPECT_FALSE(ec) << "empty is no error";
  EXPECT_FALSE(queue_.try_receive(buffer, {}, ec));
  EXPECT_FALSE(ec);
  EXPECT_FALSE(queue_.peek(0, ec));
  EXPECT_FALSE(ec);
}

// Every message carries its sender's number as its type and a count: each receiver selects one sender.
TEST_F(SysvMessages, OfManyThreadsKeepTheirOrderWithinAType) {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  std::vector<std::thread> threads;
  std::array<int, kThreads> in_order{};
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kEach; ++i) queue_.send(std::to_string(i), thread + 1);
    });
    threads.emplace_back([this, thread, &in_order] {
      for (int i = 0; i < kEach; ++i) {
        if (queue_.receive({.type = thread + 1}).text() == std::to_string(i))
          ++in_order[static_cast<std::size_t>(thread)];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : in_order) EXPECT_EQ(count, kEach);
  EXPECT_EQ(queue_.status().messages, 0u);
}

}  // namespace
}  // namespace mqxx::test
