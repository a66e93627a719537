// Threads on one mapping that poll, register, send and receive at once, for the thread sanitizer; and a notice or a
// ring of the doorbell that is lost is a thread that waits for ever, which the watchdog tells.
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

#include "shm/check.hpp"
#include "shm/queue.hpp"
#include "support/private_directory.hpp"
#include "support/seed.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

using test::fresh_seed;
using test::Random;
using test::scaled;

constexpr std::uint32_t kCapacity = 4;

class WatchRace : public testing::Test {
 protected:
  bool send() { return static_cast<bool>(queue_->send(std::vector<std::byte>(8), 0, Wait::none())); }
  bool receive() {
    std::vector<std::byte> buffer(8);
    Received received;
    return static_cast<bool>(queue_->receive(buffer, Wait::none(), received));
  }
  /// Waits as a program does that has nothing but the descriptor.
  void await(short events) {
    pollfd bell{queue_->bell(), events, 0};
    EXPECT_EQ(::poll(&bell, 1, -1), 1);
  }
  void also(std::function<void(Random&)> work) {
    threads_.emplace_back([seed = seed_ + threads_.size(), work = std::move(work)] {
      Random random(seed, Random::kQuiet);
      work(random);
    });
  }
  void join() {
    for (std::thread& thread : threads_) thread.join();
    const auto broken = check(*queue_);
    ASSERT_TRUE(broken);
    for (const Broken& finding : *broken) ADD_FAILURE() << finding.invariant << ": " << finding.text;
    EXPECT_EQ(queue_->segment().header().common.watched.get(), 0U);
  }
  /// Makes the queue watched and not watched, over and over, until `left` is 0.
  void come_and_go(Random& random, const std::atomic<int>& left) {
    while (left > 0) {
      const Edges edges = random.one_in(2) ? Edges::yes : Edges::no;
      EXPECT_TRUE(queue_->begin_poll(edges));
      if (random.one_in(2)) std::this_thread::yield();
      queue_->end_poll(edges);
    }
  }

  const test::Watchdog watchdog_{std::chrono::seconds(60)};
  const test::PrivateDirectory directory_;
  std::unique_ptr<Queue> queue_ = std::move(*Queue::join(std::move(*publish({"/q", kCapacity, 8, 0600}))));
  const std::uint64_t seed_ = fresh_seed();
  const Random announced_{seed_};
  std::vector<std::thread> threads_;
};

// One receives by polling alone, one sends so; the others send and receive without a thought, or come and go as
// pollers.
TEST_F(WatchRace, WhoPollsIsToldOfEveryMessageAndOfEveryFreeSlot) {
  constexpr int kOthers = 2;
  const int each = scaled(2000);
  std::atomic<int> left{(kOthers + 1) * each};
  for (int i = 0; i < kOthers; ++i) {
    also([&](Random&) {
      for (int n = 0; n < each;) send() ? void(++n) : std::this_thread::yield();
    });
    also([&](Random& random) { come_and_go(random, left); });
  }
  also([&](Random&) {
    EXPECT_TRUE(queue_->begin_poll(Edges::no));
    for (int n = 0; n < each;) send() ? void(++n) : await(POLLOUT);
    queue_->end_poll(Edges::no);
  });
  also([&](Random&) {
    EXPECT_TRUE(queue_->begin_poll(Edges::no));
    while (left > 0) receive() ? void(--left) : await(POLLIN);
    queue_->end_poll(Edges::no);
  });
  join();
  EXPECT_FALSE(receive());
}

// Every message comes to an empty queue with somebody registered, while the way in which calls lock changes under it.
TEST_F(WatchRace, WhoIsRegisteredIsToldOfEveryMessageThatComesToAnEmptyQueue) {
  const int rounds = scaled(2000);
  std::atomic<int> left{rounds};
  std::atomic<int> registered{0};
  also([&](Random&) {
    for (int round = 1; round <= rounds; ++round) {
      const Result<std::uint32_t> number = queue_->register_notice({Notice::thread, 0, 0});
      ASSERT_TRUE(number);
      registered = round;
      const Told told = queue_->await_notice(*number);
      EXPECT_EQ(told.state, Told::State::owed);
      EXPECT_TRUE(receive());
      --left;
    }
  });
  also([&](Random&) {
    for (int round = 1; round <= rounds; ++round) {
      while (registered < round) std::this_thread::yield();
      while (!send()) std::this_thread::yield();
    }
  });
  also([&](Random& random) { come_and_go(random, left); });
  join();
}

TEST_F(WatchRace, RegistrationsAndTheirEndsKeepOutOfEachOthersWay) {
  const int each = scaled(2000);
  std::atomic<int> senders{1};
  std::atomic<int> registrations{0};
  for (int i = 0; i < 3; ++i) {
    also([&](Random& random) {
      for (int n = 0; n < each; ++n) {
        const Result<std::uint32_t> number = queue_->register_notice({Notice::silent, 0, 0});
        if (number) {
          ++registrations;
        } else {
          EXPECT_TRUE(number.is(Errc::already_exists));
        }
        if (random.one_in(2)) (void)queue_->cancel_notice();
      }
    });
  }
  also([&](Random&) {
    for (int n = 0; n < each; ++n) {
      (void)send();
      (void)receive();
    }
    senders = 0;
  });
  also([&](Random& random) { come_and_go(random, senders); });
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  (void)queue_->cancel_notice();
  join();
  EXPECT_GT(registrations, 0);
}

}  // namespace
}  // namespace mqxx::shm
