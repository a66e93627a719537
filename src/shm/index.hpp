// Index: delivery order. A circular list for each priority, found through two levels of bits: O(1) whatever the depth.
//
// A cache of the slots (I3, I5, I6): recovery can always make it anew.
// Thread safety: the caller holds the receivers' lock.
// Contents are another process's bytes: whatever does not fit answers kDamaged or false, and no loop is longer than the
// capacity.
#pragma once

#include <cstdint>

#include "shm/segment.hpp"

namespace mqxx::shm {

class Index {
 public:
  explicit Index(const Segment& segment) noexcept : segment_(segment), side_(segment.receiver()) {}

  /// Behind all messages of the priority. REQUIRES: priority <= kMaxPriority, slot < capacity. false: damaged.
  bool push_back(Priority priority, std::uint32_t slot) noexcept;
  /// Among the messages of its priority where its sequence belongs: near the front, for messages that come back.
  bool insert(Priority priority, std::uint32_t slot) noexcept;
  /// The oldest message of the highest priority, kNoSlot or kDamaged.
  std::uint32_t front() const noexcept;
  std::uint32_t pop_front() noexcept;
  /// The oldest message of the highest priority below `limit`, kNoSlot or kDamaged. REQUIRES: limit <= kMaxPriority
  /// + 1.
  std::uint32_t front_below(std::uint32_t limit) const noexcept;
  /// What leaves after `slot`, which is in the index with that priority; kNoSlot at the end; kDamaged.
  std::uint32_t after(Priority priority, std::uint32_t slot) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return side_.indexed.get() == 0; }
  [[nodiscard]] std::uint32_t size() const noexcept { return side_.indexed.get(); }
  /// Forgets everything. Touches only pages that hold something.
  void clear() noexcept;

 private:
  struct Place {
    IndexPage* page = nullptr;  // nullptr: nowhere
    std::uint32_t number = 0;   // of the page
    std::uint32_t word = 0;
    std::uint32_t bit = 0;
    [[nodiscard]] Shared<std::uint32_t>& tail() const noexcept { return page->tails[word * 64 + bit]; }
  };

  [[nodiscard]] Place place_of(Priority priority) const noexcept;
  [[nodiscard]] bool highest_below(std::uint32_t limit, Place& place) const noexcept;
  [[nodiscard]] std::uint32_t tail_of(const Place& place) const noexcept;
  [[nodiscard]] std::uint32_t next_of(std::uint32_t slot) const noexcept;
  void mark(const Place& place) noexcept;
  void unmark(const Place& place) noexcept;

  const Segment& segment_;
  ReceiverSide& side_;
};

}  // namespace mqxx::shm
