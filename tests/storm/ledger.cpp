#include "storm/ledger.hpp"

#include <algorithm>
#include <cstring>

namespace mqxx::test {
namespace {

constexpr std::size_t kMostSentences = 20;

std::string name_of(std::uint32_t seat, std::uint64_t counter) {
  return "message " + std::to_string(counter) + " of sender " + std::to_string(seat);
}

}  // namespace

void Verdict::find(std::string sentence) {
  ++wrongs;
  if (wrong.size() < kMostSentences) wrong.push_back(std::move(sentence));
}

void Verdict::add(const Verdict& other) {
  acknowledged += other.acknowledged;
  refused += other.refused;
  cut_short += other.cut_short;
  cut_but_sent += other.cut_but_sent;
  taken_by_dead += other.taken_by_dead;
  for (const std::string& sentence : other.wrong) find(sentence);
  wrongs += other.wrongs - other.wrong.size();
}

std::optional<std::uint64_t> Ledger::begin_send(std::uint32_t seat, std::size_t count) const {
  Sender& sender = senders_[seat];
  const std::uint64_t first = sender.next.load();
  if (first + count > kMostMessages) return std::nullopt;
  // The call before the counter: whoever dies in between has a call whose messages nobody was given yet.
  sender.call = first * (kBatch + 1) + count;
  sender.next = first + count;
  return first;
}

void Ledger::end_send(std::uint32_t seat, std::size_t sent) const {
  const std::uint64_t call = senders_[seat].call;
  const std::uint64_t first = call / (kBatch + 1);
  for (std::size_t i = 0; i < call % (kBatch + 1); ++i) {
    fate(seat, first + i) = static_cast<std::uint8_t>(i < sent ? Fate::acknowledged : Fate::refused);
  }
}

std::span<std::byte> Ledger::buffer(std::uint32_t seat, std::size_t i) const {
  return {buffers_.begin() + (seat * kBatch + i) * kLargest, kLargest};
}

void Ledger::begin_receive(std::uint32_t seat) const {
  for (std::size_t i = 0; i < kBatch; ++i) std::memset(buffer(seat, i).data(), 0, sizeof(Stamp));
  // What was counted is blank before anything new comes: the compiler may not see that others read the buffers.
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void Ledger::count(const Stamp& stamp) const {
  if (stamp.producer >= kSenders || stamp.counter >= senders_[stamp.producer].next) {  // L5
    return complain("received, but never sent: " + name_of(stamp.producer, stamp.counter));
  }
  counted(stamp.producer, stamp.counter).fetch_add(1);
}

void Ledger::complain(std::string_view sentence) const {
  const std::uint64_t number = control().complaints.fetch_add(1);
  if (number >= kComplaints) return;
  std::array<char, kComplaintBytes>& room = control().sentences[number];
  sentence.copy(room.data(), room.size() - 1);
}

void Ledger::dissect_sender(std::uint32_t seat) const {
  const Sender& sender = senders_[seat];
  const std::uint64_t call = sender.call;
  const std::uint64_t first = call / (kBatch + 1);
  const std::uint64_t end = std::min(first + call % (kBatch + 1), sender.next.load());
  for (std::uint64_t counter = first; counter < end; ++counter) {
    std::atomic<std::uint8_t>& mark = fate(seat, counter);
    if (mark == static_cast<std::uint8_t>(Fate::unknown)) mark = static_cast<std::uint8_t>(Fate::cut_short);
  }
}

void Ledger::dissect_receiver(std::uint32_t seat) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    const std::span<std::byte> bytes = buffer(seat, i);
    Stamp stamp{};
    std::memcpy(&stamp, bytes.data(), sizeof stamp);
    if (stamp.size > bytes.size()) continue;
    const std::optional<Stamp> whole = read_stamped(bytes.first(stamp.size));
    if (whole && whole->producer != kEndMark) in_dead_hands_.emplace(whole->producer, whole->counter);
  }
}

void Ledger::judge_message(std::uint32_t seat, std::uint64_t counter, Verdict& verdict) const {
  const std::uint32_t count = counted(seat, counter);
  const bool dead_had_it = in_dead_hands_.contains({seat, counter});
  const std::string times = ", received " + std::to_string(count) + " times";
  switch (static_cast<Fate>(fate(seat, counter).load())) {
    case Fate::acknowledged:  // L1
      ++verdict.acknowledged;
      if (count == 0 && dead_had_it) ++verdict.taken_by_dead;
      if (count == 0 && !dead_had_it) verdict.find("lost: " + name_of(seat, counter));
      if (count > 1) verdict.find("doubled: " + name_of(seat, counter) + times);
      return;
    case Fate::refused:  // L2
      ++verdict.refused;
      if (count > 0 || dead_had_it) verdict.find("refused, but sent: " + name_of(seat, counter) + times);
      return;
    case Fate::cut_short:  // L3
      ++verdict.cut_short;
      if (count > 0 || dead_had_it) ++verdict.cut_but_sent;
      if (count > 1) verdict.find("doubled: " + name_of(seat, counter) + times + ", and its sender was killed");
      return;
    case Fate::unknown:  // L4
      verdict.find("without a fate, though its sender was not killed: " + name_of(seat, counter) + times);
      return;
  }
  verdict.find("the ledger itself is spoilt at " + name_of(seat, counter));
}

Verdict Ledger::judge() const {
  Verdict verdict;
  for (std::uint32_t seat = 0; seat < kSenders; ++seat) {
    const std::uint64_t next = senders_[seat].next;
    for (std::uint64_t counter = 0; counter < next; ++counter) judge_message(seat, counter, verdict);
  }
  const std::uint64_t complaints = control().complaints;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(complaints, kComplaints); ++i) {
    verdict.find(control().sentences[i].data());
  }
  if (complaints > kComplaints) verdict.wrongs += complaints - kComplaints;
  return verdict;
}

}  // namespace mqxx::test
