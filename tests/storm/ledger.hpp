// Ledger: who sent what and who received it, in memory that outlives every process of a storm, so that the verdict on
// each single message is exact.
//
// A sender writes down which messages its next call is about, calls, and writes down what became of each. A receiver
// has its buffers in the ledger, blanks them before a call, and counts what it got after it. So when a process was
// killed, an autopsy knows
//  (a) of a sender: the messages of its one call under way, which may have been sent or not;
//  (b) of a receiver: which messages, by name, it may have taken without counting them: those that stand whole in its
//      buffers. The queue copies a message out before it lets go of it, so one that was not copied whole was not taken.
// From which follows what is right (judge()):
//  L1  acknowledged: counted exactly once; or not at all, and it stood in the buffer of a dead receiver
//  L2  refused (full, too late, a loan dropped): never counted, and in no buffer
//  L3  under way when its sender was killed: counted at most once
//  L4  every other message of a call has one of these fates, once all processes have ended
//  L5  nobody received a message that nobody had begun to send
// and what the receivers see at once: that a message is whole, and its turn (OrderCheck).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/shared_array.hpp"
#include "support/stamp.hpp"

namespace mqxx::test {

inline constexpr std::uint32_t kSenders = 32;    // seats; a process that is killed leaves its seat to its successor
inline constexpr std::uint32_t kReceivers = 16;  // likewise
inline constexpr std::uint64_t kMostMessages = std::uint64_t{1} << 24;  // of one seat; the memory is taken when used
inline constexpr std::size_t kBatch = 8;                                // messages of one call, at most
inline constexpr std::size_t kLargest = 12'000;                         // bytes of one message, at most

enum class Fate : std::uint8_t { unknown, acknowledged, refused, cut_short };

/// What judge() found. `wrong` are the first of `wrongs` sentences, each about one message.
struct Verdict {
  std::uint64_t acknowledged = 0;
  std::uint64_t refused = 0;
  std::uint64_t cut_short = 0;      // calls of killed senders: messages that may be there or not
  std::uint64_t cut_but_sent = 0;   // and were received
  std::uint64_t taken_by_dead = 0;  // acknowledged, and gone with the receiver in whose buffer it stood
  std::uint64_t wrongs = 0;
  std::vector<std::string> wrong;

  void find(std::string sentence);
  void add(const Verdict& other);
};

class Ledger {
 public:
  // ---- Sender

  /// The next `count` messages of this seat are about to be sent in one call. @return the counter of the first, or
  /// nullopt when the seat has used up its room. REQUIRES: count <= kBatch
  std::optional<std::uint64_t> begin_send(std::uint32_t seat, std::size_t count) const;
  /// The call has returned: its first `sent` messages were acknowledged, the others refused.
  void end_send(std::uint32_t seat, std::size_t sent) const;

  // ---- Receiver

  /// Room for message `i` of a call. Blanked by begin_receive().
  [[nodiscard]] std::span<std::byte> buffer(std::uint32_t seat, std::size_t i) const;
  void begin_receive(std::uint32_t seat) const;
  /// Counts a message, all of a call before the next begins. REQUIRES: stamp.producer is not kEndMark
  void count(const Stamp& stamp) const;

  /// A process has seen something that must not be. For any process; the first are kept.
  void complain(std::string_view sentence) const;

  // ---- Supervisor, when the process in that seat is dead

  void dissect_sender(std::uint32_t seat) const;
  void dissect_receiver(std::uint32_t seat);

  /// REQUIRES: every process has ended, and each that was killed was dissected.
  [[nodiscard]] Verdict judge() const;

  [[nodiscard]] bool senders_stop() const { return control().senders_stop.load() != 0; }
  [[nodiscard]] bool receivers_stop() const { return control().receivers_stop.load() != 0; }
  [[nodiscard]] bool flood() const { return control().flood.load() != 0; }
  void stop_senders() const { control().senders_stop = 1; }
  void stop_receivers() const { control().receivers_stop = 1; }
  void set_flood(bool flood) const { control().flood = flood ? 1 : 0; }

 private:
  static constexpr std::size_t kComplaints = 16;
  static constexpr std::size_t kComplaintBytes = 240;

  struct Control {
    std::atomic<int> senders_stop;
    std::atomic<int> receivers_stop;
    std::atomic<int> flood;
    std::atomic<std::uint64_t> complaints;
    std::array<std::array<char, kComplaintBytes>, kComplaints> sentences;
  };
  struct alignas(64) Sender {
    std::atomic<std::uint64_t> call;  // the first message of the newest call, times kBatch + 1, and how many they are
    std::atomic<std::uint64_t> next;  // counters below were given to a call
  };

  [[nodiscard]] Control& control() const { return control_[0]; }
  [[nodiscard]] std::atomic<std::uint8_t>& fate(std::uint32_t seat, std::uint64_t counter) const {
    return fates_[seat * kMostMessages + counter];
  }
  [[nodiscard]] std::atomic<std::uint8_t>& counted(std::uint32_t seat, std::uint64_t counter) const {
    return counts_[seat * kMostMessages + counter];
  }
  void judge_message(std::uint32_t seat, std::uint64_t counter, Verdict& verdict) const;

  SharedArray<Control> control_{1};
  SharedArray<Sender> senders_{kSenders};
  SharedArray<std::atomic<std::uint8_t>> fates_{kSenders * kMostMessages};
  SharedArray<std::atomic<std::uint8_t>> counts_{kSenders * kMostMessages};
  SharedArray<std::byte> buffers_{kReceivers * kBatch * kLargest};
  std::set<std::pair<std::uint32_t, std::uint64_t>> in_dead_hands_;  // the supervisor's own
};

}  // namespace mqxx::test
