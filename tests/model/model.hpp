// Model: a queue as the public headers describe it, made of a std::map. It is slow, obvious and surely right.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <mqxx/cursor.hpp>
#include <mqxx/types.hpp>

namespace mqxx::test {

class Model {
 public:
  /// The bytes of a message are pattern(size, tag).
  struct Entry {
    std::size_t size = 0;
    std::uint64_t tag = 0;
    Priority priority = 0;
    std::uint64_t sequence = 0;  ///< its place among those of its priority
  };

  explicit Model(std::size_t capacity) : capacity_(capacity) {}

  [[nodiscard]] std::size_t depth() const { return queued_.size(); }
  [[nodiscard]] bool empty() const { return queued_.empty(); }
  [[nodiscard]] std::size_t room() const { return capacity_ - queued_.size() - send_loans_ - receive_loans_; }

  /// REQUIRES: room() > 0.
  void send(std::size_t size, std::uint64_t tag, Priority priority) {
    put({size, tag, priority, next_sequence_++});
    ++statistics_.messages_sent;
    statistics_.bytes_sent += size;
  }

  /// REQUIRES: !empty().
  Entry receive() {
    const Entry entry = queued_.begin()->second;
    queued_.erase(queued_.begin());
    ++statistics_.messages_received;
    statistics_.bytes_received += entry.size;
    return entry;
  }

  void open_send_loan() { ++send_loans_; }
  void drop_send_loan() { --send_loans_; }
  void send_loan(std::size_t size, std::uint64_t tag, Priority priority) {
    --send_loans_;
    send(size, tag, priority);
  }

  /// A message in a loan counts as received, until it is put back.
  Entry open_receive_loan() {
    ++receive_loans_;
    return receive();
  }
  void release() { --receive_loans_; }
  void put_back(const Entry& entry) {
    --receive_loans_;
    --statistics_.messages_received;
    statistics_.bytes_received -= entry.size;
    put(entry);
  }

  [[nodiscard]] std::vector<Entry> first(std::size_t most) const {
    std::vector<Entry> entries;
    for (const auto& [place, entry] : queued_) {
      if (entries.size() == most) break;
      entries.push_back(entry);
    }
    return entries;
  }

  /// Where a walk stands: behind a message of that priority and sequence, whatever has become of it.
  using Stand = std::optional<std::pair<Priority, std::uint64_t>>;

  /// The next step of a walk, which then stands behind it.
  std::vector<Entry> walk(Stand& stand, const PeekOptions& options) const {
    std::vector<Entry> entries;
    std::size_t bytes = 0;
    for (const auto& [place, entry] : queued_) {
      const bool wanted = entry.priority >= options.lowest && entry.priority <= options.highest;
      if (!wanted || (stand && place <= *stand)) continue;
      if (entries.size() == options.most || (!entries.empty() && bytes >= options.bytes)) break;
      entries.push_back(entry);
      bytes += entry.size;
    }
    if (!entries.empty()) stand.emplace(kMaxPriority - entries.back().priority, entries.back().sequence);
    return entries;
  }

  /// Counts only; times and process ids are no business of a model.
  [[nodiscard]] Statistics statistics() const {
    Statistics statistics = statistics_;
    statistics.loans = send_loans_ + receive_loans_;
    return statistics;
  }
  [[nodiscard]] std::uint64_t queued_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [place, entry] : queued_) bytes += entry.size;
    return bytes;
  }

 private:
  void put(const Entry& entry) {
    queued_.emplace(std::pair(kMaxPriority - entry.priority, entry.sequence), entry);
    statistics_.high_water = std::max(statistics_.high_water, queued_.size());
  }

  std::size_t capacity_;
  std::map<std::pair<Priority, std::uint64_t>, Entry> queued_;
  std::uint64_t next_sequence_ = 0;
  std::size_t send_loans_ = 0;
  std::size_t receive_loans_ = 0;
  Statistics statistics_;
};

}  // namespace mqxx::test
