// Stamp: what every message of a test with many processes begins with. All other bytes follow from it, so a message
// that is torn, mixed up or cut short is told from a whole one by looking at nothing but the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include <mqxx/types.hpp>

namespace mqxx::test {

struct Stamp {
  std::uint32_t producer;
  std::uint32_t priority;
  std::uint64_t counter;  // of the producer's messages
  std::uint64_t size;     // of the message, with this
  std::uint64_t tag;      // follows from the four above, and the other bytes from it
};

inline constexpr std::uint32_t kEndMark = 0xFFFFFFFF;  // as a producer: there is no more

/// Fills all of `bytes`. REQUIRES: bytes.size() >= sizeof(Stamp)
void write_stamped(std::span<std::byte> bytes, std::uint32_t producer, std::uint64_t counter, Priority priority);

/// The stamp of a whole message; nullopt when any byte is not what it was.
std::optional<Stamp> read_stamped(std::span<const std::byte> bytes);

/// What one receiver saw of each producer. A producer sends one message after the other, so whoever receives both of
/// two messages of his gets the later one first only if its priority is higher.
class OrderCheck {
 public:
  explicit OrderCheck(std::uint32_t producers) : seen_(producers) {}

  /// @return whether it was this message's turn. REQUIRES: stamp.producer < producers
  bool saw(const Stamp& stamp);

 private:
  // For each producer, by priority: the latest counter among the messages of at most that priority. Counters rise with
  // it; what would not rise says nothing new and is left out.
  std::vector<std::map<Priority, std::uint64_t>> seen_;
};

}  // namespace mqxx::test
