// Repair after a dead owner: everything but the slots is made anew from the slots.
//
// Whoever finds a lock whose owner died comes here, holding both locks, before anything else; and whoever finds that
// the owner of a loan has died. A death in here is the same case again. The slots tell all there is to know, one by
// one, whatever the dead process was doing:
//  (a) free: it may stand on any list or none; it goes to the senders' free list
//  (b) queued: the message was sent and not received; it goes to the index
//  (c) writing, reading: its owner lives, or has died too; the living keep it, the dead one's is free or queued again
// Slots from `fresh` on were never used. Counters that can be derived are; those that cannot (bytes) may miss the dead
// process's own call.
#include <algorithm>

#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

// Bottom-up merge sort of a list linked through next(), by sequence: no memory, bounded loops, and no order assumed
// beforehand.
class SequenceSort {
 public:
  explicit SequenceSort(const Segment& segment) noexcept : segment_(segment) {
    for (std::uint32_t& run : runs_) run = kNoSlot;
  }

  void add(std::uint32_t slot) noexcept {
    segment_.next(slot).set(kNoSlot);
    std::uint32_t run = slot;
    std::size_t level = 0;
    for (; runs_[level] != kNoSlot; ++level) {
      run = merge(runs_[level], run);
      runs_[level] = kNoSlot;
    }
    runs_[level] = run;
  }

  std::uint32_t sorted() noexcept {
    std::uint32_t all = kNoSlot;
    for (std::uint32_t& run : runs_) {
      if (run != kNoSlot) all = all == kNoSlot ? run : merge(run, all);
      run = kNoSlot;
    }
    return all;
  }

 private:
  std::uint32_t merge(std::uint32_t a, std::uint32_t b) noexcept {
    std::uint32_t head = kNoSlot;
    std::uint32_t tail = kNoSlot;
    // Bounded by the lengths of two lists that only we link, under both locks; another process that writes into them
    // now is caught by the count.
    for (std::uint32_t steps = 0; steps < segment_.geometry().capacity && a != kNoSlot && b != kNoSlot; ++steps) {
      if (a >= segment_.geometry().capacity || b >= segment_.geometry().capacity) break;
      std::uint32_t& lesser = segment_.slot(b).sequence.get() < segment_.slot(a).sequence.get() ? b : a;
      if (tail == kNoSlot) {
        head = lesser;
      } else {
        segment_.next(tail).set(lesser);
      }
      tail = lesser;
      lesser = segment_.next(lesser).get();
    }
    const std::uint32_t rest = a != kNoSlot ? a : b;
    if (tail == kNoSlot) return rest;
    segment_.next(tail).set(rest);
    return head;
  }

  static constexpr std::size_t kLevels = 33;  // 2^32 slots
  const Segment& segment_;
  std::uint32_t runs_[kLevels];
};

}  // namespace

void Queue::forget_derived() noexcept {
  segment_.arrived().clear();
  segment_.returned().clear();
  out_.arrived_tail.set(0);
  in_.arrived_head.set(0);
  in_.run_end.set(0);
  in_.returned_tail.set(0);
  out_.returned_head.set(0);
  out_.arrived_limit.set(geometry().ring_entries);
  in_.returned_limit.set(geometry().ring_entries);
  out_.free_head.set(kNoSlot);
  in_.free_head.set(kNoSlot);
  index_.clear();
  out_.writing.set(0);
  in_.reading.set(0);
  const std::uint32_t users = std::min(out_.user_count.get(), kMaxUsers);
  for (std::uint32_t number = 0; number < users; ++number) {
    segment_.user(number).writing.set(0);
    segment_.user(number).reading.set(0);
  }
}

void Queue::tell_everybody() noexcept {
  // Q2: whoever sleeps looks for himself, since the dead process may have owed a wake-up.
  wake_everybody();
  // And a notice, perhaps: one too many does no harm. Pollers see what is.
  recount_watchers();
  was_empty_ = true;
  woken_ = 0;
  sent_before_ = out_.sent.get() - 1;
  notify();
  settle();
}

[[gnu::noinline, gnu::cold]] void Queue::recover() noexcept {
  step(Step::recovery_begun);
  forget_derived();
  const std::uint32_t used = std::min(out_.fresh.get(), geometry().capacity);
  const std::uint32_t users = std::min(out_.user_count.get(), kMaxUsers);

  SequenceSort queued(segment_);
  std::uint64_t sequence = out_.sequence.get();
  std::uint32_t asked = kNoUser;  // the system, last: neighbours often have one owner
  bool owner_lives = false;
  // A page that the file has lost ends it: there may be as many as slots, and the queue is not to be saved.
  for (std::uint32_t slot = used; slot-- > 0 && intact();) {
    SlotHeader& header = segment_.slot(slot);
    const std::uint64_t mark = header.mark.get();
    const auto state = static_cast<SlotState>(mark_state(mark));
    const std::uint32_t owner = mark_user(mark);
    const bool owned = (state == SlotState::writing || state == SlotState::reading) && owner < users;
    if (owned && owner != asked) {
      asked = owner;
      owner_lives = !user_is_dead(owner);
    }
    const bool lives = owned && owner_lives;
    if (lives && state == SlotState::writing) {
      out_.writing.add(1);
      segment_.user(owner).writing.add(1);
    } else if (lives) {
      in_.reading.add(1);
      segment_.user(owner).reading.add(1);
    } else if (state == SlotState::queued || state == SlotState::reading) {
      // Before the mark: a death in between counts it off twice, which the larger total below puts right.
      if (state == SlotState::reading) {
        in_.received.add(static_cast<std::uint64_t>(-1));
        in_.received_bytes.add(-std::uint64_t{header.length.get()});
      }
      header.mark.set(make_mark(SlotState::queued));
      sequence = std::max(sequence, header.sequence.get() + 1);
      queued.add(slot);
    } else {
      header.mark.set(make_mark(SlotState::free));
      give_back(slot);
    }
  }
  step(Step::recovery_sorted);
  std::uint32_t slot = queued.sorted();
  for (std::uint32_t steps = 0; steps < used && slot < used && intact(); ++steps) {
    const std::uint32_t following = segment_.next(slot).get();
    (void)index_.push_back(segment_.slot(slot).priority.get() & kMaxPriority,
                           slot);  // into an empty index: cannot fail
    slot = following;
  }
  step(Step::recovery_listed);
  out_.sequence.set(sequence);
  // One of the two may lack the dead process's own call: the larger total is the true one.
  const std::uint64_t total = std::max(out_.sent.get(), in_.received.get() + index_.size());
  out_.sent.set(total);
  in_.received.set(total - index_.size());
  note_depth(index_.size());
  out_.recoveries.add(1);
  tell_everybody();
  step(Step::recovery_done);
}

// No receive would ever get past them, and recovery, which trusts the slots, lists them again.
std::size_t Queue::drop_impossible() noexcept {
  std::size_t dropped = 0;
  const std::uint32_t used = std::min(out_.fresh.get(), geometry().capacity);
  for (std::uint32_t slot = 0; slot < used && intact(); ++slot) {
    SlotHeader& header = segment_.slot(slot);
    const auto state = static_cast<SlotState>(mark_state(header.mark.get()));
    const bool holds = state == SlotState::queued || state == SlotState::reading;
    const bool possible = header.length.get() <= geometry().message_size && header.priority.get() <= kMaxPriority;
    if (!holds || possible) continue;
    header.mark.set(make_mark(SlotState::free));
    ++dropped;
  }
  return dropped;
}

Result<std::size_t> Queue::repair() noexcept {
  if (!lock_both()) return not_entered();
  const std::size_t dropped = drop_impossible();
  if (out_.fresh.get() > geometry().capacity) out_.fresh.set(geometry().capacity);
  recover();
  unlock_both();
  if (!intact()) return Errc::queue_damaged;
  return dropped;
}

}  // namespace mqxx::shm
