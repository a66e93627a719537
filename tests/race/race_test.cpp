// Threads that use one handle for everything at once, for the thread sanitizer: it sees races through one mapping
// only, so these are threads on one handle, and short. Without a sanitizer they still find what gets lost.
#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "support/forms.hpp"
#include "support/queue_test.hpp"
#include "support/seed.hpp"

namespace mqxx::test {
namespace {

class Race : public QueueTest {
 protected:
  using Work = std::function<void(Random&)>;

  /// One thread that calls `work` `times` times.
  void also(int times, Work work) {
    const std::uint64_t seed = seed_ + threads_.size();
    threads_.emplace_back([seed, times, work = std::move(work)] {
      Random random(seed, Random::kQuiet);
      for (int i = 0; i < times; ++i) work(random);
    });
  }
  /// One thread that calls `work` until everything that counts is done.
  void meanwhile(Work work) {
    const std::uint64_t seed = seed_ + 1000 + companions_.size();
    companions_.emplace_back([this, seed, work = std::move(work)] {
      Random random(seed, Random::kQuiet);
      while (!done_.load(std::memory_order_relaxed)) work(random);
    });
  }
  void run() {
    for (std::thread& thread : threads_) thread.join();
    done_ = true;
    for (std::thread& companion : companions_) companion.join();
  }

  static Priority any_priority(Random& random) {
    return static_cast<Priority>(random.one_in(2) ? random.below(3) : random.below(kMaxPriority + 1));
  }

 private:
  std::uint64_t seed_ = fresh_seed();
  Random announced_{seed_};
  std::atomic<bool> done_{false};
  std::vector<std::thread> threads_;
  std::vector<std::thread> companions_;
};

// Every message is the pattern of its own size, so that whoever receives it can tell that it is whole.
Payload payload_of(std::vector<std::byte>& bytes, std::size_t size) {
  bytes = pattern(size, size);
  return std::span<const std::byte>(bytes);
}

TEST_F(Race, EveryFormOfSendAndReceiveOnOneHandleLosesNothing) {
  Queue queue = Queue::create("/q", {.capacity = 8, .message_size = 300});
  constexpr int kThreads = 3;
  const int each = scaled(8000);
  std::atomic<int> left{kThreads * each};
  for (int i = 0; i < kThreads; ++i) {
    also(each, [&](Random& random) {
      std::vector<std::byte> bytes;
      const Payload payload = payload_of(bytes, random.below(301));
      while (!send_forms()[random.below(send_forms().size())].send(queue, payload, any_priority(random), nullptr)) {
        std::this_thread::yield();
      }
    });
    meanwhile([&](Random& random) {
      const ReceiveForm& form = receive_forms()[random.below(receive_forms().size())];
      // A form that waits would wait for ever after the last message.
      if (form.waits) return;
      const std::optional<Message> message = form.receive(queue, nullptr);
      if (!message) return std::this_thread::yield();
      EXPECT_TRUE(is_pattern(message->bytes(), message->size()));
      --left;
    });
  }
  also(1, [&](Random&) { wait_until([&] { return left == 0; }); });
  run();
  EXPECT_EQ(queue.attributes().depth, 0u);
  EXPECT_EQ(queue.statistics().loans, 0u);
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(Race, SendersAndReceiversThatSleepWakeEachOther) {
  for (const std::size_t capacity : {1u, 3u, 100u}) {
    Queue queue = Queue::create("/q", {.capacity = capacity, .message_size = 8});
    std::vector<std::thread> threads;
    std::atomic<std::uint64_t> sum{0};
    const int each = scaled(10000);
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        for (int n = 1; n <= each; ++n) {
          const auto number = static_cast<std::uint64_t>(n);
          queue.send({&number, sizeof number}, static_cast<Priority>(n % 3));
        }
      });
      threads.emplace_back([&] {
        for (int n = 0; n < each; ++n) {
          std::uint64_t number = 0;
          (void)queue.receive(std::as_writable_bytes(std::span(&number, 1)));
          sum += number;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(sum, 3 * static_cast<std::uint64_t>(each) * (static_cast<std::uint64_t>(each) + 1) / 2);
    queue.unlink();
  }
}

TEST_F(Race, LookingWhileOthersSendAndReceiveDisturbsNobody) {
  Queue queue = Queue::create("/q", {.capacity = 16, .message_size = 5000});
  const int each = scaled(4000);
  for (int i = 0; i < 2; ++i) {
    also(each, [&](Random& random) {
      std::vector<std::byte> bytes;
      queue.send(payload_of(bytes, random.below(5001)), any_priority(random));
    });
    also(each, [&](Random&) {
      const Message message = queue.receive();
      EXPECT_TRUE(is_pattern(message.bytes(), message.size()));
    });
  }
  meanwhile([&](Random& random) {
    switch (random.below(5)) {
      case 0: EXPECT_LE(queue.attributes().depth, 16u); break;
      case 1: {
        const Statistics statistics = queue.statistics();
        EXPECT_GE(statistics.messages_sent, statistics.messages_received);
        EXPECT_LE(statistics.high_water, 16u);
        break;
      }
      case 2:
        for (const Message& message : queue.peek(16)) EXPECT_TRUE(is_pattern(message.bytes(), message.size()));
        break;
      case 3: EXPECT_FALSE(describe("/q").error); break;
      default: EXPECT_EQ(broken_invariants("/q"), ""); break;
    }
  });
  run();
}

/// What the walks of the next test look for in a message.
struct Numbered {
  std::uint32_t sender = 0;
  std::uint32_t number = 0;
  auto operator<=>(const Numbered&) const = default;
};

/// One walk to its end: in order, nothing twice, and of sender 0, whose messages stay, everything.
void expect_good_walk(const Queue& queue, Random& random, std::uint32_t staying) {
  Cursor cursor;
  std::set<Numbered> seen;
  std::map<std::pair<Priority, std::uint32_t>, std::uint32_t> last;
  Priority lowest = kMaxPriority;
  for (;;) {
    const std::vector<Message> step = queue.peek(cursor, {.most = 1 + random.below(5)});
    if (step.empty()) break;
    for (const Message& message : step) {
      Numbered one;
      ASSERT_EQ(message.size(), sizeof one);
      std::memcpy(&one, message.bytes().data(), sizeof one);
      ASSERT_LE(message.priority(), lowest);
      lowest = message.priority();
      ASSERT_TRUE(seen.insert(one).second) << one.number << " of " << one.sender << " was seen twice";
      std::uint32_t& before = last[{message.priority(), one.sender}];
      ASSERT_LT(before, one.number) << "of sender " << one.sender;
      before = one.number;
    }
  }
  for (std::uint32_t number = 1; number <= staying; ++number) ASSERT_TRUE(seen.contains({0, number})) << number;
}

TEST_F(Race, WalksSeeWhatStaysAndNothingTwiceWhileOthersSendReceiveAndPutBack) {
  constexpr std::uint32_t kStaying = 20;
  Queue queue = Queue::create("/q", {.capacity = 32, .message_size = sizeof(Numbered)});
  const auto send = [&](Numbered one, Priority priority) { queue.send({&one, sizeof one}, priority); };
  for (std::uint32_t number = 1; number <= kStaying; ++number) send({0, number}, number % 2);
  // Each receives as many as it has sent, so those of the lowest priorities are never the first.
  for (std::uint32_t sender = 1; sender <= 3; ++sender) {
    also(scaled(4000), [&, sender, number = 0U](Random& random) mutable {
      send({sender, ++number}, static_cast<Priority>(2 + random.below(3)));
      for (;;) {
        ReceiveLoan loan = queue.receive_loan();
        if (!random.one_in(3)) return;
        loan.put_back();
      }
    });
  }
  for (int i = 0; i < 2; ++i) meanwhile([&](Random& random) { expect_good_walk(queue, random, kStaying); });
  run();
  EXPECT_EQ(queue.attributes().depth, kStaying);
}

TEST_F(Race, LoansOfManyThreadsKeepOutOfEachOthersWay) {
  Queue queue = Queue::create("/q", {.capacity = 6, .message_size = 2000});
  const int each = scaled(4000);
  for (int i = 0; i < 2; ++i) {
    also(each, [&](Random& random) {
      for (;;) {
        SendLoan loan = queue.loan(random.below(2001));
        if (!loan.bytes().empty()) fill_pattern(loan.bytes(), loan.bytes().size());
        if (random.one_in(4)) continue;  // dropped by its destructor
        loan.send(any_priority(random));
        return;
      }
    });
    also(each, [&](Random& random) {
      for (;;) {
        ReceiveLoan loan = queue.receive_loan();
        EXPECT_TRUE(is_pattern(loan.bytes(), loan.bytes().size()));
        if (!random.one_in(4)) return;
        loan.put_back();
      }
    });
  }
  run();
  EXPECT_EQ(queue.attributes().depth, 0u);
  EXPECT_EQ(queue.statistics().loans, 0u);
}

TEST_F(Race, BatchesOfManyThreadsLoseNothing) {
  Queue queue = Queue::create("/q", {.capacity = 20, .message_size = 8});
  const int each = scaled(2000);
  constexpr std::size_t kBatch = 7;
  std::atomic<std::size_t> left{2 * static_cast<std::size_t>(each) * kBatch};
  for (int i = 0; i < 2; ++i) {
    also(each, [&](Random& random) {
      const std::vector<Outgoing> batch(kBatch, Outgoing{"batch", any_priority(random)});
      EXPECT_EQ(queue.send_batch(batch), kBatch);
    });
    meanwhile([&](Random&) {
      std::vector<std::vector<std::byte>> buffers(5, std::vector<std::byte>(8));
      std::vector<Incoming> room;
      for (auto& buffer : buffers) room.push_back({.buffer = buffer});
      left -= queue.receive_batch(room, Wait::for_duration(5ms));
    });
  }
  also(1, [&](Random&) { wait_until([&] { return left == 0; }); });
  run();
  EXPECT_EQ(queue.attributes().depth, 0u);
}

// Some are copied under the lock and some outside it, where a batch is interrupted.
TEST_F(Race, BatchesOfSmallAndLargeMessagesLoseNothing) {
  Queue queue = Queue::create("/q", {.capacity = 8, .message_size = 9000});
  const int each = scaled(600);
  constexpr std::size_t kBatch = 6;
  std::atomic<std::size_t> left{2 * static_cast<std::size_t>(each) * kBatch};
  for (int i = 0; i < 2; ++i) {
    also(each, [&](Random& random) {
      std::vector<std::vector<std::byte>> bytes(kBatch);
      std::vector<Outgoing> batch;
      for (auto& message : bytes) {
        const Payload payload = payload_of(message, random.one_in(2) ? random.below(100) : random.below(9001));
        batch.push_back({payload, any_priority(random)});
      }
      EXPECT_EQ(queue.send_batch(batch), kBatch);
    });
    meanwhile([&](Random&) {
      std::vector<std::vector<std::byte>> buffers(4, std::vector<std::byte>(9000));
      std::vector<Incoming> room;
      for (auto& buffer : buffers) room.push_back({.buffer = buffer});
      const std::size_t got = queue.receive_batch(room, Wait::for_duration(5ms));
      for (std::size_t n = 0; n < got; ++n) {
        EXPECT_TRUE(is_pattern(std::span(buffers[n]).first(room[n].size), room[n].size));
      }
      left -= got;
    });
  }
  also(1, [&](Random&) { wait_until([&] { return left == 0; }); });
  run();
  EXPECT_EQ(queue.statistics().loans, 0u);
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(Race, LoansThatAreStoppedLeaveNothingBehind) {
  Queue queue = Queue::create("/q", {.capacity = 2, .message_size = 5000});
  const int each = scaled(400);
  std::atomic<int> sent{0};
  std::atomic<int> received{0};
  // Calls with a token that is used up while they wait, or before, or after.
  const auto with_stop = [](const auto& call) {
    std::stop_source source;
    std::thread stopper([&] { source.request_stop(); });
    const std::stop_token token = source.get_token();
    call(Wait::forever(token));
    stopper.join();
  };
  for (int i = 0; i < 2; ++i) {
    also(each, [&](Random& random) {
      with_stop([&](const Wait& wait) {
        SendLoan loan = queue.loan(random.below(5001), wait);
        if (!loan || random.one_in(4)) return;
        if (!loan.bytes().empty()) fill_pattern(loan.bytes(), loan.bytes().size());
        loan.send(any_priority(random));
        ++sent;
      });
    });
    also(each, [&](Random& random) {
      with_stop([&](const Wait& wait) {
        ReceiveLoan loan = queue.receive_loan(wait);
        if (!loan) return;
        EXPECT_TRUE(is_pattern(loan.bytes(), loan.bytes().size()));
        if (random.one_in(4)) return loan.put_back();
        ++received;
      });
    });
  }
  run();
  while (queue.try_receive()) ++received;
  EXPECT_EQ(received, sent);
  EXPECT_EQ(queue.statistics().loans, 0u);
  EXPECT_EQ(broken_invariants("/q"), "");
}

// The description goes with its last handle, in whichever thread that is.
TEST_F(Race, HandlesAreDuplicatedAndClosedWhileOthersCall) {
  const int rounds = scaled(200);
  for (int round = 0; round < rounds; ++round) {
    Queue first = Queue::open_or_create("/q", {.capacity = 4, .message_size = 8});
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([own = first.duplicate()]() mutable {
        for (int call = 0; call < 10; ++call) {
          Queue copy = own.duplicate();
          (void)copy.try_send("x");
          own.close();
          const ReceiveLoan loan = copy.try_receive_loan();  // outlives the handle that it came from
          own = std::move(copy);
        }
      });
    }
    first.close();
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(broken_invariants("/q"), "");
  EXPECT_EQ(Queue::open("/q").statistics().loans, 0u);
}

TEST_F(Race, StopTokensAndTimeoutsWhileMessagesFly) {
  Queue queue = Queue::create("/q", {.capacity = 1, .message_size = 8});
  const int each = scaled(500);
  std::atomic<int> sent{0};
  std::atomic<int> received{0};
  for (int i = 0; i < 2; ++i) {
    also(each, [&](Random& random) {
      std::stop_source source;
      std::thread stopper([&] { source.request_stop(); });
      if (queue.send("x", source.get_token(), any_priority(random))) ++sent;
      stopper.join();
    });
    also(each, [&](Random& random) {
      if (queue.receive_for(std::chrono::microseconds(random.below(300)))) ++received;
    });
    also(each, [&](Random&) {
      std::stop_source source;
      std::thread stopper([&] { source.request_stop(); });
      if (queue.receive(source.get_token())) ++received;
      stopper.join();
    });
  }
  run();
  while (queue.try_receive()) ++received;
  EXPECT_EQ(received, sent);
  EXPECT_EQ(queue.statistics().waiting_senders, 0u);
  EXPECT_EQ(queue.statistics().waiting_receivers, 0u);
}

TEST_F(Race, DuplicatesAndNonblockingChangeWhileInUse) {
  Queue queue = Queue::create("/q", {.capacity = 2, .message_size = 8});
  const int each = scaled(5000);
  for (int i = 0; i < 2; ++i) {
    also(each, [&](Random&) {
      std::error_code ec;
      queue.send("x", 0, ec);
      if (ec) {
        EXPECT_EQ(ec, Errc::would_block);
      }
    });
    meanwhile([&](Random&) {
      std::error_code ec;
      (void)queue.receive_for(1ms, ec);
      if (ec) {
        EXPECT_EQ(ec, Errc::would_block);
      }
    });
  }
  also(each, [&](Random& random) {
    Queue copy = queue.duplicate();
    copy.set_nonblocking(random.one_in(2));
    (void)queue.is_nonblocking();
  });
  // A sender that began to wait when waiting was allowed goes on: receivers run until all senders are through.
  run();
}

TEST_F(Race, QueuesAreOpenedCreatedListedAndRemovedByManyThreads) {
  const int each = scaled(400);
  for (int i = 0; i < 4; ++i) {
    also(each, [&](Random& random) {
      const std::string name = "/q" + std::to_string(random.below(3));
      std::error_code ec;
      switch (random.below(5)) {
        case 0: Queue::unlink(name, ec); break;
        case 1: (void)list(); break;
        default: {
          Queue queue = Queue::open_or_create(name, {.capacity = 3, .message_size = 8}, ec);
          // Others may remove it between the two halves of open_or_create, but that must not show.
          ASSERT_FALSE(ec) << ec.message();
          (void)queue.try_send("x");
          (void)queue.try_receive();
          break;
        }
      }
    });
  }
  run();
  for (const QueueInfo& info : list()) {
    EXPECT_FALSE(info.error) << info.error.message();
    EXPECT_EQ(broken_invariants(info.name), "");
  }
}

}  // namespace
}  // namespace mqxx::test
