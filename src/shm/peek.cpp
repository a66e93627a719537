// Looking at messages without taking them: the step of a walk that others may hurry past.
//
// A walk stands at a priority and a sequence, and what comes next is of that priority and younger, or of a lower one.
// So nothing is seen twice, whatever comes and goes, and a list that goes round in circles is noticed.
#include <cstring>

#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

/// Instead of a slot: look on under another lock.
constexpr std::uint32_t kUnfinished = 0xfffffffc;

}  // namespace

/// Whether the slot holds the message of that sequence, and not one that came later. All arrivals are in the index.
bool Queue::stands(std::uint32_t slot, Priority priority, std::uint64_t sequence) const noexcept {
  if (slot >= out_.fresh.get() || slot >= geometry().capacity) return false;
  const SlotHeader& header = segment_.slot(slot);
  return header.mark.get() == make_mark(SlotState::queued) && header.sequence.get() == sequence &&
         header.priority.get() == priority;
}

// Where the message at the cursor has left. With it went those before it, and so the front of its priority is the
// place, but for older ones that came back. Those are passed, a part under each lock; in lists that change under every
// one of them the last lock is held for the rest.
std::uint32_t Queue::first_behind(PeekCursor& cursor) noexcept {
  const std::uint32_t capacity = geometry().capacity;
  const std::uint32_t most = cursor.locks++ <= capacity / kMostPassed ? kMostPassed : capacity;
  std::uint32_t slot = stands(cursor.passed, cursor.priority, cursor.passed_sequence)
                           ? index_.after(cursor.priority, cursor.passed)
                           : index_.front_below(cursor.priority + 1);
  for (std::uint32_t steps = 0; slot < capacity; ++steps) {
    const SlotHeader& header = segment_.slot(slot);
    const std::uint64_t sequence = header.sequence.get();
    if (header.priority.get() != cursor.priority || sequence > cursor.sequence) return slot;
    if (steps == most) return most == capacity ? kDamaged : kUnfinished;
    cursor.passed = slot;
    cursor.passed_sequence = sequence;
    slot = index_.after(cursor.priority, slot);
  }
  return slot;
}

std::uint32_t Queue::peek_slot(PeekCursor& cursor, const PeekRange& range) noexcept {
  if (!sort_arrivals()) return kDamaged;
  if (!cursor.begun || cursor.priority > range.highest) return index_.front_below(range.highest + 1);
  if (stands(cursor.slot, cursor.priority, cursor.sequence)) return index_.after(cursor.priority, cursor.slot);
  return first_behind(cursor);
}

Result<Peeked> Queue::peek(PeekCursor& cursor, const PeekRange& range, std::span<std::byte> buffer) noexcept {
  if (!lock_receivers()) return not_entered();
  const std::uint32_t slot = peek_slot(cursor, range);
  Received message;
  Result<Peeked> peeked = Peeked{};
  if (slot == kUnfinished) {
    peeked->unfinished = true;
  } else if (slot != kNoSlot && !queued(slot, message)) {
    peeked = Errc::queue_damaged;
  } else if (slot != kNoSlot && message.priority >= range.lowest) {
    const std::uint64_t sequence = segment_.slot(slot).sequence.get();
    const bool is_behind = !cursor.begun || message.priority < cursor.priority ||
                           (message.priority == cursor.priority && sequence > cursor.sequence);
    if (!is_behind || message.priority > range.highest) {
      peeked = Errc::queue_damaged;
    } else {
      peeked = Peeked{.found = true, .size = message.size, .priority = message.priority};
      if (message.size <= buffer.size()) {
        if (message.size != 0) std::memcpy(buffer.data(), segment_.payload(slot), message.size);
        cursor = {.begun = true, .slot = slot, .priority = message.priority, .sequence = sequence};
      }
    }
  }
  unlock_receivers();
  if (!intact()) return Errc::queue_damaged;
  return peeked;
}

}  // namespace mqxx::shm
