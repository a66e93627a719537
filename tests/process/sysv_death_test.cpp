// Processes that wait on a System V queue and are killed in a storm: what they waited for is there for the others.
//
// The taking of a message is one system call, and who sleeps is told of a message but not handed it. So a receiver that
// is killed in that one call may take its message with it, and nothing else ever goes: not with those who wait, not
// with senders, not with those who poll.
#include <array>
#include <atomic>
#include <cstring>
#include <functional>

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/private_ipc.hpp"
#include "support/queue_test.hpp"
#include "support/seed.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

constexpr std::uint32_t kMost = 1U << 20;  // messages of a storm

std::span<const std::byte> bytes_of(const std::uint32_t& number) { return std::as_bytes(std::span(&number, 1)); }

std::uint32_t number_in(std::span<const std::byte> bytes) {
  std::uint32_t number = kMost;
  EXPECT_EQ(bytes.size(), sizeof number);
  if (bytes.size() == sizeof number) std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

class SysvDeath : public QueueTest {
 protected:
  void SetUp() override {
    std::error_code ec;
    const Queue none = Queue::open(address_, {}, ec);
    if (ec == std::errc::function_not_supported) GTEST_SKIP() << "this system has no System V message queues";
  }
  SysvDeath() = default;
  SysvDeath(const SysvDeath&) = delete;
  SysvDeath& operator=(const SysvDeath&) = delete;
  ~SysvDeath() override {
    std::error_code ignored;
    Queue::unlink(address_, ignored);
  }

  /// Keeps three processes at `work`, and kills one of them after another, at any instruction of theirs, until `over`.
  /// `killed` is told after each death. @return how many
  template <class Killed>
  int storm(const std::function<void(Queue&, int who)>& work, Killed killed) {
    constexpr int kVictims = 3;
    constexpr int kRounds = 150;
    const auto start = [&](int who) {
      return Child([this, &work, who] {
        Queue own = Queue::open(address_);
        work(own, who);
      });
    };
    std::vector<Child> victims;
    victims.reserve(kVictims);
    for (int who = 0; who < kVictims; ++who) victims.push_back(start(who));
    const int rounds = scaled(kRounds);
    for (int round = 0; round < rounds; ++round) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_.below(8000)));
      const int who = round % kVictims;
      const Ended ended = victims.at(static_cast<std::size_t>(who)).kill();
      EXPECT_EQ(ended.failures, "");
      killed(who);
      if (round + 1 < rounds) victims.at(static_cast<std::size_t>(who)) = start(who);
    }
    for (int who = 0; who < kVictims; ++who) {
      victims.at(static_cast<std::size_t>(who)).kill();
      killed(who);
    }
    return rounds + kVictims;
  }

  Random random_{fresh_seed()};
  const bool is_private_ = enter_private_ipc();
  std::string address_ = "sysv:" + std::to_string(0x4f000000 + ::getpid());
  SharedArray<std::atomic<std::uint8_t>> seen_{kMost};  // how often each message was received
  SharedArray<std::atomic<int>> calling_{3};            // whether a victim is in a call that receives
};

TEST_F(SysvDeath, ReceiversKilledWhileTheyWaitTakeNothingButTheMessageOfTheirCall) {
  Queue queue = Queue::create(address_, {.capacity = 8, .message_size = 16});
  std::stop_source over;
  std::atomic<std::uint32_t> sent{0};
  std::jthread sender([&] {
    Random pauses(1, Random::kQuiet);
    while (!over.stop_requested() && sent < kMost) {
      const std::uint32_t number = sent;
      queue.send(bytes_of(number), number % 3);
      ++sent;
      if (pauses.one_in(4)) std::this_thread::sleep_for(std::chrono::microseconds(pauses.below(300)));
    }
  });
  std::jthread survivor([&] {
    while (const std::optional<Message> message = queue.receive(over.get_token())) ++seen_[number_in(message->bytes())];
  });
  int in_call = 0;
  const auto receive = [&](Queue& own, int who) {
    std::stop_source stop;
    std::jthread stopper([&] {
      while (true) std::this_thread::sleep_for(1s);
    });
    for (std::uint32_t turn = 0;; ++turn) {
      calling_[static_cast<std::size_t>(who)] = 1;
      const std::optional<Message> message = who == 0   ? own.receive_for(std::chrono::microseconds(turn % 500))
                                             : who == 1 ? own.receive(stop.get_token())
                                                        : own.receive_until(std::chrono::system_clock::now() + 1ms);
      if (message) ++seen_[number_in(message->bytes())];
      calling_[static_cast<std::size_t>(who)] = 0;
    }
  };
  const int deaths = storm(receive, [&](int who) { in_call += calling_[static_cast<std::size_t>(who)].exchange(0); });
  over.request_stop();
  sender.join();
  survivor.join();
  while (const std::optional<Message> message = queue.try_receive()) ++seen_[number_in(message->bytes())];
  int lost = 0;
  for (std::uint32_t number = 0; number < sent; ++number) {
    ASSERT_LE(seen_[number], 1) << "received twice: " << number;
    lost += seen_[number] == 0 ? 1 : 0;
  }
  std::printf("%u messages, %d deaths, %d of them in a call, %d messages of such calls\n", sent.load(), deaths, in_call,
              lost);
  EXPECT_LE(lost, in_call);
}

// Both on one processor, where the receiver is nobody who comes before its sender: it is woken, and dies before it
// runs.
TEST_F(SysvDeath, ReceiverKilledBetweenItsWakeUpAndItsNextInstructionLeavesTheMessage) {
  Queue queue = Queue::create(address_, {.capacity = 8, .message_size = 16});
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  constexpr int kRounds = 12;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    std::stop_source stop;
    Child receiver([&] {
      const sched_param none{};
      ASSERT_EQ(::sched_setscheduler(0, SCHED_IDLE, &none), 0);
      Queue own = Queue::open(address_);
      calling_[0] = 1;
      const std::optional<Message> message = round % 3 == 0   ? own.receive_for(60s)
                                             : round % 3 == 1 ? own.receive(stop.get_token())
                                                              : std::optional(own.receive());
      if (message) ++seen_[number_in(message->bytes())];
    });
    wait_until([&] { return calling_[0] != 0; });
    std::this_thread::sleep_for(5ms);  // it falls asleep; if it does not, it is killed before it looks
    queue.send(bytes_of(round));
    receiver.kill();
    calling_[0] = 0;
    const std::optional<Message> left = queue.try_receive();
    EXPECT_TRUE(left.has_value() || seen_[round] == 1) << "round " << round;
  }
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
}

TEST_F(SysvDeath, WhoPollsAndIsKilledTakesNothing) {
  Queue queue = Queue::create(address_, {.capacity = 8, .message_size = 16});
  std::stop_source over;
  std::atomic<std::uint32_t> sent{0};
  std::atomic<std::uint32_t> received{0};
  std::jthread sender([&] {
    Random pauses(2, Random::kQuiet);
    while (!over.stop_requested()) {
      queue.send(pauses.one_in(2) ? "" : "some");  // those without bytes are the ones that a look could take
      ++sent;
      if (pauses.one_in(2)) std::this_thread::sleep_for(std::chrono::microseconds(pauses.below(300)));
    }
  });
  std::jthread survivor([&] {
    while (queue.receive(over.get_token())) ++received;
  });
  const auto watch = [&](Queue& own, int) {
    pollfd one{own.native_handle(), POLLIN, 0};
    for (;;) ::poll(&one, 1, 1);
  };
  const int deaths = storm(watch, [](int) {});
  over.request_stop();
  sender.join();
  survivor.join();
  received += static_cast<std::uint32_t>(drained(queue).size());
  std::printf("%u messages, %d deaths\n", sent.load(), deaths);
  EXPECT_EQ(received, sent);
}

TEST_F(SysvDeath, SendersKilledWhileTheyWaitHaveSentAMessageOnceOrNotAtAll) {
  Queue queue = Queue::create(address_, {.capacity = 2, .message_size = 4});
  SharedArray<std::atomic<std::uint32_t>> next(1);
  SharedArray<std::atomic<std::uint8_t>> answered(kMost);  // whether the sender was told that it was sent
  std::stop_source over;
  std::jthread survivor([&] {
    Random pauses(3, Random::kQuiet);
    while (const std::optional<Message> message = queue.receive(over.get_token())) {
      ++seen_[number_in(message->bytes())];
      if (pauses.one_in(8)) std::this_thread::sleep_for(std::chrono::microseconds(pauses.below(500)));
    }
  });
  const auto send = [&](Queue& own, int who) {
    std::stop_source stop;
    for (;;) {
      const std::uint32_t number = next[0]++;
      if (number >= kMost) return;
      const bool sent = who == 0   ? own.send_for(bytes_of(number), std::chrono::microseconds(number % 300))
                        : who == 1 ? own.send(bytes_of(number), stop.get_token())
                                   : own.send_until(bytes_of(number), std::chrono::system_clock::now() + 1ms);
      if (sent) answered[number] = 1;
    }
  };
  const int deaths = storm(send, [](int) {});
  wait_until([&] { return queue.attributes().depth == 0; });
  over.request_stop();
  survivor.join();
  int unanswered = 0;
  const std::uint32_t most = std::min(next[0].load(), kMost);
  for (std::uint32_t number = 0; number < most; ++number) {
    ASSERT_LE(seen_[number], 1) << number;
    ASSERT_GE(seen_[number], answered[number]) << "told that it was sent, and lost: " << number;
    unanswered += seen_[number] - answered[number];
  }
  std::printf("%u messages tried, %d deaths, %d sent by a process that did not live to hear it\n", most, deaths,
              unanswered);
  EXPECT_LE(unanswered, deaths);
}

}  // namespace
}  // namespace mqxx::test
