// What every message carries, so that its receiver can tell a lost, doubled, reordered or torn one.
//
//   0          8          12     16                  size - 8
//   +----------+----------+------+--- - - - - - ---+----------+
//   | sequence | producer | kind | not touched     | check    |   a small, equal price for every peer
//   +----------+----------+------+--- - - - - - ---+----------+
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

enum class Kind : std::uint32_t { data, stop };

struct Stamp {
  std::uint64_t sequence;  // counted by each producer from 1
  std::uint32_t producer;
  Kind kind;
};

inline constexpr std::size_t kSmallestMessage = 64;

inline std::uint64_t check_of(const Stamp& stamp) {
  return (stamp.sequence + 1) * 0x9e3779b97f4a7c15ULL + stamp.producer;
}

inline void write_stamp(std::span<std::byte> message, const Stamp& stamp) {
  const std::uint64_t check = check_of(stamp);
  std::memcpy(message.data(), &stamp, sizeof stamp);
  std::memcpy(message.data() + message.size() - sizeof check, &check, sizeof check);
}

/// One consumer's view of all producers.
class Verifier {
 public:
  /// @param all_seen  this consumer gets every message, so that a gap is a loss
  Verifier(unsigned producers, bool all_seen) : last_(producers, 0), all_seen_(all_seen) {}

  /// @throws std::runtime_error  naming what is wrong
  Stamp verify(std::span<const std::byte> message) {
    Stamp stamp{};
    std::uint64_t check = 0;
    std::memcpy(&stamp, message.data(), sizeof stamp);
    std::memcpy(&check, message.data() + message.size() - sizeof check, sizeof check);
    if (check != check_of(stamp) || stamp.producer >= last_.size()) fail("torn", stamp);
    std::uint64_t& last = last_[stamp.producer];
    if (stamp.kind == Kind::stop) return stamp;
    if (stamp.sequence <= last) fail("doubled or out of order", stamp);
    if (all_seen_ && stamp.sequence != last + 1) fail("lost before", stamp);
    last = stamp.sequence;
    return stamp;
  }

 private:
  [[noreturn]] static void fail(const std::string& what, const Stamp& stamp) {
    throw std::runtime_error("wrong message: " + what + ", producer " + std::to_string(stamp.producer) + " sequence " +
                             std::to_string(stamp.sequence));
  }

  std::vector<std::uint64_t> last_;
  bool all_seen_;
};

}  // namespace bench
