// Real processes: deaths among receivers that compete under one loop each. edges_test.cpp has those that live.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "loop/loop_test.hpp"
#include "support/child.hpp"
#include "support/seed.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

using Counter = std::atomic<std::uint32_t>;

std::span<const std::byte> bytes_of(const std::uint32_t& number) { return std::as_bytes(std::span(&number, 1)); }

std::uint32_t number_of(std::span<const std::byte> bytes) {
  std::uint32_t number = 0;
  EXPECT_EQ(bytes.size(), sizeof number);
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

/// How often each number has arrived, wherever.
struct Ledger {
  explicit Ledger(std::size_t count) : seen(count), total(1) {}
  void note(std::uint32_t number) const {
    seen[number].fetch_add(1);
    total[0].fetch_add(1);
  }
  [[nodiscard]] std::size_t missing() const {
    return static_cast<std::size_t>(std::ranges::count_if(seen, [](const Counter& times) { return times == 0; }));
  }
  void expect_none_twice() const {
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_LE(seen[i], 1u) << "message " << i;
  }
  SharedArray<Counter> seen;
  SharedArray<Counter> total;
};

void send_all(const std::string& name, std::size_t count) {
  Queue queue = Queue::open(name);
  for (std::uint32_t i = 0; i < count; ++i) queue.send(bytes_of(i));
}

TEST_P(LoopOnHome, TheDeathOfAReceiverLeavesReadinessRightForTheOthers) {
  if (!may_poll_in_a_child(GetParam())) GTEST_SKIP() << "a forked child may start no threads here";
  constexpr int kReceivers = 3;
  constexpr int kDeaths = 4;
  const auto count = static_cast<std::size_t>(scaled(6000));
  const Place place = make();
  const Ledger ledger(count);
  SharedArray<Counter> over(1);
  const auto receiver = [&] {
    EventLoop loop;
    Queue queue = Queue::open(place.name());
    loop.on_message(queue, [&](const Message& message) { ledger.note(number_of(message.bytes())); });
    loop.every(5ms, [&] {
      if (over[0] != 0) loop.stop();
    });
    EXPECT_EQ(loop.run(), LoopEnded::stopped);
  };
  std::vector<Child> receivers;
  receivers.reserve(kReceivers);
  for (int i = 0; i < kReceivers; ++i) receivers.emplace_back(receiver);
  Child sender([&] { send_all(place.name(), count); });
  Random random(fresh_seed());
  for (std::size_t death = 1; death <= kDeaths; ++death) {
    // Somewhere in each fifth of the stream, without waiting for the others' progress alone: all may be asleep.
    const std::size_t when = death * count / (kDeaths + 1) + random.below(50);
    wait_until([&] { return ledger.total[0] >= when || sender.has_ended(); });
    Child& victim = receivers[random.below(kReceivers)];
    victim.kill();
    victim = Child(receiver);
  }
  expect_well(sender);
  wait_until([&] { return place.depth() == 0; });
  over[0] = 1;
  for (Child& one : receivers) expect_well(one);
  ledger.expect_none_twice();
  EXPECT_LE(ledger.missing(), static_cast<std::size_t>(kDeaths)) << "what the dead had in their hands";
}

}  // namespace
}  // namespace mqxx::test
