// The storm: producers and consumers are killed at random while they work, and new ones take their places.
//
// What must hold afterwards (a message is acknowledged when its send has returned):
//  (a) every acknowledged message was received, but for those that a killed receiver had taken: at most one each
//      (one batch each where it takes batches);
//  (b) none of them was lost at all where receivers take loans and release them only when the work is done;
//  (c) no message was received twice, but for those that a killed receiver held in a loan;
//  (d) whatever was received unacknowledged comes from a killed sender: at most one each (or one batch);
//  (e) each living receiver saw the messages of one sender and priority in order, but for those that went back to the
//      queue when a receiver was killed: loans, and large messages, which are copied while they are on loan;
//  (f) the queue is whole: all invariants hold and all its room can be used.
#include <deque>
#include <iostream>

#include <gtest/gtest.h>

#include "process/traffic.hpp"
#include "support/child.hpp"
#include "support/queue_test.hpp"
#include "support/seed.hpp"

namespace mqxx::test {
namespace {

constexpr const char* kName = "/storm";
constexpr std::uint32_t kProducers = 3;
constexpr std::uint32_t kConsumers = 3;
constexpr std::uint64_t kMostMessages = 20'000'000;  // of one producer; the memory is touched only where used
constexpr std::size_t kBatch = 8;

struct StormSetting {
  std::string name;
  std::size_t capacity;
  std::size_t message_size;
  By by;
  bool large = false;
};

void PrintTo(const StormSetting& setting, std::ostream* out) { *out << setting.name; }

/// What all processes share, and what outlives each of them.
struct Shared {
  SharedArray<std::atomic<std::uint64_t>> next{kProducers};  // counter of each producer's next message
  SharedArray<std::atomic<std::uint8_t>> acknowledged{kProducers * kMostMessages};
  Account account{kProducers, kMostMessages};
  SharedArray<std::atomic<int>> stop{2};  // [0] producers, [1] consumers
};

class ProcessStorm : public testing::TestWithParam<StormSetting> {
 protected:
  void produce(std::uint32_t producer) const;
  void consume() const;
  void take(std::span<const std::byte> bytes, Priority priority, OrderCheck& order) const;
  void rage(std::chrono::milliseconds duration);
  void settle();
  void judge();

  [[nodiscard]] bool stopped(std::size_t who) const { return shared_.stop[who].load() != 0; }
  [[nodiscard]] Child producer(std::uint32_t number) const {
    return Child([this, number] { produce(number); });
  }
  [[nodiscard]] Child consumer() const {
    return Child([this] { consume(); });
  }

  PrivateDirectory directory_;
  Watchdog watchdog_{std::chrono::seconds(60)};
  Shared shared_;
  std::deque<Child> producers_;
  std::deque<Child> consumers_;
  std::uint64_t producers_killed_ = 0;
  std::uint64_t consumers_killed_ = 0;
};

void ProcessStorm::produce(std::uint32_t producer) const {
  const StormSetting& setting = GetParam();
  Queue queue = Queue::open(kName);
  const std::size_t count = setting.by == By::batch ? kBatch : 1;
  std::vector<std::vector<std::byte>> buffers(count, std::vector<std::byte>(setting.message_size));
  while (!stopped(0)) {
    // A counter is used up before its message is sent: whoever comes after a death sends other messages.
    const std::uint64_t first = shared_.next[producer].fetch_add(count);
    if (first + count >= kMostMessages) return;
    std::vector<Outgoing> batch;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = size_of_message(setting.message_size, producer, first + i);
      const std::span<std::byte> bytes = std::span(buffers[i]).first(size);
      const Priority priority = write_message(bytes, producer, first + i);
      batch.push_back({bytes, priority});
    }
    if (setting.by == By::loan) {
      SendLoan loan = queue.loan(batch[0].payload.size());
      std::ranges::copy(batch[0].payload.bytes(), loan.bytes().begin());
      loan.send(batch[0].priority);
    } else if (setting.by == By::batch) {
      ASSERT_EQ(queue.send_batch(batch), count);
    } else {
      queue.send(batch[0].payload, batch[0].priority);
    }
    for (std::size_t i = 0; i < count; ++i) shared_.acknowledged[producer * kMostMessages + first + i] = 1;
  }
}

void ProcessStorm::take(std::span<const std::byte> bytes, Priority priority, OrderCheck& order) const {
  const Stamp stamp = read_message(bytes, priority);
  ASSERT_LT(stamp.producer, kProducers);
  const std::uint32_t before = shared_.account.received(stamp);
  if (GetParam().by == By::loan) return;
  EXPECT_EQ(before, 0u) << "message " << stamp.counter << " of producer " << stamp.producer;  // (c)
  if (!GetParam().large) order.saw(stamp);                                                    // (e)
}

void ProcessStorm::consume() const {
  Queue queue = Queue::open(kName);
  OrderCheck order(kProducers);
  std::vector<std::vector<std::byte>> buffers(kBatch, std::vector<std::byte>(GetParam().message_size));
  std::vector<Incoming> room;
  for (auto& buffer : buffers) room.push_back({.buffer = buffer});
  while (!stopped(1)) {
    if (GetParam().by == By::loan) {
      const ReceiveLoan loan = queue.receive_loan(Wait::for_duration(20ms));
      if (loan) take(loan.bytes(), loan.priority(), order);
    } else if (GetParam().by == By::batch) {
      const std::size_t count = queue.receive_batch(room, Wait::for_duration(20ms));
      for (std::size_t i = 0; i < count; ++i) take(room[i].buffer.first(room[i].size), room[i].priority, order);
    } else {
      const std::optional<Received> received = queue.receive_for(room[0].buffer, 20ms);
      if (received) take(room[0].buffer.first(received->size), received->priority, order);
    }
  }
}

void ProcessStorm::rage(std::chrono::milliseconds duration) {
  Random random(fresh_seed());
  for (std::uint32_t i = 0; i < kProducers; ++i) producers_.push_back(producer(i));
  for (std::uint32_t i = 0; i < kConsumers; ++i) consumers_.push_back(consumer());
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(8000)));
    if (random.one_in(2)) {
      const auto victim = static_cast<std::uint32_t>(random.below(kProducers));
      producers_[victim].kill();
      ++producers_killed_;
      producers_[victim] = producer(victim);
    } else {
      const std::size_t victim = random.below(kConsumers);
      consumers_[victim].kill();
      ++consumers_killed_;
      consumers_[victim] = consumer();
    }
  }
}

void ProcessStorm::settle() {
  shared_.stop[0] = 1;
  for (Child& child : producers_) expect_well(child, std::chrono::seconds(15));
  // The consumers that are left empty it, what the dead had in loan included: that comes back when it is missed.
  const Queue queue = Queue::open(kName);
  wait_until([&] { return queue.attributes().depth == 0 && queue.statistics().loans == 0; });
  shared_.stop[1] = 1;
  for (Child& child : consumers_) expect_well(child, std::chrono::seconds(15));
}

void ProcessStorm::judge() {
  std::uint64_t acknowledged = 0;
  std::uint64_t lost = 0;
  std::uint64_t twice = 0;
  std::uint64_t unacknowledged = 0;
  for (std::uint32_t producer = 0; producer < kProducers; ++producer) {
    const std::uint64_t sent = shared_.next[producer];
    ASSERT_LT(sent, kMostMessages);
    for (std::uint64_t i = 0; i < sent; ++i) {
      const bool known = shared_.acknowledged[producer * kMostMessages + i] != 0;
      const std::uint32_t count = shared_.account.count(producer, i);
      acknowledged += known ? 1 : 0;
      if (known && count == 0) ++lost;
      if (!known && count > 0) ++unacknowledged;
      if (count > 1) twice += count - 1;
    }
  }
  std::cout << "killed " << producers_killed_ << " producers and " << consumers_killed_ << " consumers; "
            << acknowledged << " messages acknowledged, " << lost << " taken by the dead, " << twice
            << " received again, " << unacknowledged << " received unacknowledged\n";
  const std::uint64_t each = GetParam().by == By::batch ? kBatch : 1;
  EXPECT_LE(lost, GetParam().by == By::loan ? 0 : consumers_killed_ * each);
  EXPECT_LE(twice, GetParam().by == By::loan ? consumers_killed_ : 0);
  EXPECT_LE(unacknowledged, producers_killed_ * each);
  EXPECT_GT(acknowledged, 0u);
}

TEST_P(ProcessStorm, LosesAndRepeatsNothingButWhatTheDeadHeld) {
  const StormSetting& setting = GetParam();
  Queue queue = Queue::create(kName, {.capacity = setting.capacity, .message_size = setting.message_size});
  rage(std::chrono::milliseconds(1000));
  settle();
  judge();
  EXPECT_EQ(broken_invariants(kName), "");
  for (std::size_t i = 0; i < setting.capacity; ++i) ASSERT_TRUE(queue.send_for("room", 10s)) << i;
  EXPECT_FALSE(queue.try_send("too many"));
  EXPECT_EQ(broken_invariants(kName), "");
  std::cout << queue.statistics().recoveries << " recoveries\n";
}

std::string setting_name(const testing::TestParamInfo<StormSetting>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Settings, ProcessStorm,
                         testing::Values(StormSetting{"OneMessage", 1, 64, By::call},
                                         StormSetting{"SmallMessages", 10, 64, By::call},
                                         StormSetting{"LargeMessages", 10, 20000, By::call, true},
                                         StormSetting{"Batches", 100, 64, By::batch},
                                         StormSetting{"Loans", 10, 3000, By::loan}),
                         setting_name);

}  // namespace
}  // namespace mqxx::test
