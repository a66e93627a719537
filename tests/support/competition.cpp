#include "support/competition.hpp"

#include <array>
#include <atomic>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "support/child.hpp"
#include "support/seed.hpp"
#include "support/shared_array.hpp"
#include "support/stamp.hpp"

namespace mqxx::test {
namespace {

constexpr std::uint32_t kSenders = 3;
constexpr std::size_t kReceivers = 3;
constexpr Priority kPriorities = 3;

using Counter = std::atomic<std::uint8_t>;

void send_stamped(Queue& queue, std::size_t size, std::uint32_t sender, std::uint64_t number, Priority priority) {
  std::array<std::byte, kCompeted.message_size> bytes;
  const std::span<std::byte> message = std::span(bytes).first(size);
  write_stamped(message, sender, number, priority);
  queue.send(message, priority);
}

void send_all(Queue queue, std::uint32_t sender, std::size_t count, Random random) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t size = sizeof(Stamp) + random.below(kCompeted.message_size - sizeof(Stamp) + 1);
    send_stamped(queue, size, sender, i, static_cast<Priority>(random.below(kPriorities)));
  }
}

/// One receiver's look at what it gets. What is wrong ends it, and says so in the test.
class Witness {
 public:
  Witness(const SharedArray<Counter>& seen, std::size_t per_sender) : seen_(seen), per_sender_(per_sender) {}

  bool take(std::span<const std::byte> bytes) {
    const std::optional<Stamp> stamp = read_stamped(bytes);
    if (!stamp) throw std::runtime_error("a message of " + std::to_string(bytes.size()) + " bytes is not whole");
    if (stamp->producer == kEndMark) return false;
    if (stamp->producer >= kSenders || stamp->counter >= per_sender_) throw std::runtime_error("nobody sent this");
    const std::string which = std::to_string(stamp->counter) + " of sender " + std::to_string(stamp->producer);
    if (!order_.saw(*stamp)) throw std::runtime_error("message " + which + " came before one that goes first");
    if (seen_[stamp->producer * per_sender_ + stamp->counter]++ != 0) {
      throw std::runtime_error("message " + which + " came twice");
    }
    return true;
  }

 private:
  const SharedArray<Counter>& seen_;
  std::size_t per_sender_;
  OrderCheck order_{kSenders};
};

}  // namespace

void compete(const std::string& name, std::size_t count, const Receive& receive) {
  const std::size_t per_sender = count / kSenders;
  const SharedArray<Counter> seen(per_sender * kSenders);
  const std::uint64_t seed = fresh_seed();
  const Random announced(seed);
  std::vector<Child> receivers;
  for (std::size_t i = 0; i < kReceivers; ++i) {
    receivers.emplace_back([&] {
      Queue own = Queue::open(name);
      Witness witness(seen, per_sender);
      receive(own, [&](std::span<const std::byte> bytes) { return witness.take(bytes); });
    });
  }
  std::vector<Child> senders;
  for (std::uint32_t i = 0; i < kSenders; ++i) {
    senders.emplace_back([&, i] { send_all(Queue::open(name), i, per_sender, Random(seed + i, Random::kQuiet)); });
  }
  for (Child& sender : senders) expect_well(sender);
  Queue queue = Queue::open(name);
  for (std::size_t i = 0; i < kReceivers; ++i) send_stamped(queue, sizeof(Stamp), kEndMark, i, 0);
  for (Child& receiver : receivers) expect_well(receiver);
  EXPECT_EQ(queue.attributes().depth, 0u);
  std::size_t missing = 0;
  for (const Counter& times : seen) missing += times == 0 ? 1 : 0;
  EXPECT_EQ(missing, 0u) << "of " << seen.size();
}

}  // namespace mqxx::test
