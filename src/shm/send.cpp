// The senders' side: free slots, commits, copies and batches.
//
// Where a slot comes from, in this order:
//  (a) fresh, while fewer than kCirculating slots were ever used: so many going round keep the two sides out of each
//  other's cache lines (b) the free list of this side: what recovery, dropped loans or an overflow left here (c) the
//  returned ring: what receivers gave back (d) fresh: a slot that was never used; its memory is reserved first, so a
//  full file system is an error and not a signal (e) the overflow list of the receivers' side, under both locks: what
//  did not fit the ring
#include <algorithm>

#include "base/copy.hpp"
#include "base/prefetch.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"
#include "shm/patience.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

constexpr std::uint64_t kMaxStep = 1U << 20;  // reserve at most so much ahead of use

// Reserves [.., end) of a region that grows from `begin`, in steps that grow with it. The watermark moves last.
Result<void> reserve_up_to(int fd, Shared<std::uint64_t>& watermark, std::uint64_t begin, std::uint64_t end,
                           std::uint64_t region_end) noexcept {
  const std::uint64_t have = watermark.get();
  if (end <= have) [[likely]]
    return {};
  if (have < begin || have > region_end || end > region_end) return Errc::queue_damaged;
  const std::uint64_t wanted = std::max(end, have + std::min(have - begin, kMaxStep));
  const std::uint64_t upto = std::min(round_up(wanted, kPage), region_end);
  Result<void> reserved = os::reserve(fd, have, upto - have);
  if (!reserved) return reserved;
  watermark.set(upto);
  return {};
}

}  // namespace

Result<void> Queue::check_outgoing(std::size_t size, Priority priority) const noexcept {
  if (priority > kMaxPriority) return Errc::invalid_priority;
  if (size > geometry().message_size) return Errc::message_too_big;
  return {};
}

std::uint32_t Queue::take_returned(Failure& why) noexcept {
  std::uint32_t slot = out_.free_head.get();
  if (slot != kNoSlot) {
    if (slot < geometry().capacity) out_.free_head.set(segment_.next(slot).get());
  } else {
    const std::uint64_t head = out_.returned_head.get();
    RingEntry entry{};
    if (!segment_.returned().read(head, entry)) return kNoSlot;
    // HB3 room: release. Meets the acquire in free_slot(): the entry was read before it is written over.
    out_.returned_head.atomic().store(head + 1, std::memory_order_release);
    slot = entry.slot();
  }
  if (slot < geometry().capacity) [[likely]]
    return slot;
  why = {Errc::queue_damaged};
  return kNoSlot;
}

std::uint32_t Queue::take_fresh(std::size_t size, Failure& why) noexcept {
  const std::uint32_t slot = out_.fresh.get();
  const Geometry& g = geometry();
  if (slot >= g.capacity) {
    if (slot > g.capacity) why = {Errc::queue_damaged};
    return kNoSlot;
  }
  Result<void> reserved = reserve_up_to(segment_.fd(), out_.next_reserved, g.next,
                                        g.next + (slot + std::uint64_t{1}) * sizeof(std::uint32_t), g.users);
  if (reserved && !g.sparse) {
    reserved =
        reserve_up_to(segment_.fd(), out_.slots_reserved, g.slots, segment_.slot_offset(slot) + g.stride, g.slots_end);
  } else if (reserved) {
    // The header comes with the first page of the message, before anybody looks at it.
    const std::uint64_t bytes = round_up(sizeof(SlotHeader) + size, kPage);
    reserved = os::reserve(segment_.fd(), segment_.slot_offset(slot), bytes);
    if (reserved) segment_.slot(slot).reserved_bytes.set(bytes);
  }
  if (!reserved) {
    why = reserved.failure();
    return kNoSlot;
  }
  step(Step::slot_reserved);
  out_.fresh.set(slot + 1);
  return slot;
}

std::uint32_t Queue::take_overflow(Failure& why) noexcept {
  add_receivers();
  // Recovery, or somebody before us, may have filled our own list meanwhile.
  if (out_.free_head.get() == kNoSlot) {
    out_.free_head.set(in_.free_head.get());
    in_.free_head.set(kNoSlot);
  }
  drop_receivers();
  return take_returned(why);
}

Result<void> Queue::reserve_index_page(Priority priority) noexcept {
  const std::uint32_t page = priority / kPagePriorities;
  const std::uint64_t bit = std::uint64_t{1} << page;
  const std::uint64_t reserved = out_.index_pages.get();
  if ((reserved & bit) != 0) [[likely]]
    return {};
  Result<void> done =
      os::reserve(segment_.fd(), geometry().index + page * std::uint64_t{kIndexPageBytes}, kIndexPageBytes);
  if (done) out_.index_pages.set(reserved | bit);
  return done;
}

Result<void> Queue::reserve_slot(std::uint32_t slot, std::size_t size) noexcept {
  const std::uint64_t bytes = sizeof(SlotHeader) + size;
  if (bytes <= segment_.slot(slot).reserved_bytes.get()) return {};
  const std::uint64_t pages = round_up(bytes, kPage);
  Result<void> done = os::reserve(segment_.fd(), segment_.slot_offset(slot), pages);
  if (done) segment_.slot(slot).reserved_bytes.set(pages);
  return done;
}

std::uint32_t Queue::take_slot(std::size_t size, Priority priority, Failure& why) noexcept {
  why = {Errc::would_block};
  Result<void> reserved = reserve_index_page(priority);
  if (!reserved) [[unlikely]] {
    why = reserved.failure();
    return kNoSlot;
  }
  std::uint32_t slot = kNoSlot;
  if (out_.fresh.get() < circulating_) [[unlikely]]
    slot = take_fresh(size, why);
  if (slot == kNoSlot && why.code == Errc::would_block) slot = take_returned(why);
  if (slot == kNoSlot && why.code == Errc::would_block) slot = take_fresh(size, why);
  if (slot == kNoSlot && why.code == Errc::would_block) slot = take_overflow(why);
  if (slot == kNoSlot) return kNoSlot;
  step(Step::slot_taken);
  if (slot >= out_.fresh.get() || segment_.slot(slot).mark.get() != make_mark(SlotState::free)) {
    why = {Errc::queue_damaged};
    return kNoSlot;
  }
  if (geometry().sparse) {
    reserved = reserve_slot(slot, size);
    if (!reserved) {
      why = reserved.failure();
      give_back(slot);
      return kNoSlot;
    }
  }
  return slot;
}

void Queue::give_back(std::uint32_t slot) noexcept {
  segment_.next(slot).set(out_.free_head.get());
  out_.free_head.set(slot);
}

void Queue::commit(std::uint32_t slot, std::size_t size, Priority priority) noexcept {
  SlotHeader& header = segment_.slot(slot);
  const std::uint64_t sequence = out_.sequence.get();
  header.sequence.set(sequence);
  header.length.set(static_cast<std::uint32_t>(size));
  header.priority.set(priority);
  out_.sequence.set(sequence + 1);
  // Q1, and HB2 with the ring: release, so that the fields above stand before the mark even if the next instruction
  // never comes.
  header.mark.atomic().store(make_mark(SlotState::queued), std::memory_order_release);
  step(Step::message_committed);

  const std::uint64_t tail = out_.arrived_tail.get();
  if (tail >= out_.arrived_limit.get()) [[unlikely]] {
    // HB3 room: acquire. Meets the release in next_slot() and sort_arrivals(): the entries up to there were read.
    std::uint64_t head = in_.arrived_head.atomic().load(std::memory_order_acquire);
    if (tail - head >= geometry().ring_entries) {
      add_receivers();
      (void)sort_arrivals();  // damage shows again, and is told, at the next receive
      head = in_.arrived_head.get();
      drop_receivers();
    }
    out_.arrived_limit.set(head + geometry().ring_entries);
  }
  // Recovery inside add_receivers() has listed the message already, and has emptied the ring: then tail has moved.
  if (out_.arrived_tail.get() == tail) {
    segment_.arrived().write(tail, priority, slot);
    out_.arrived_tail.set(tail + 1);
    out_.sent.add(1);
  }
  if (priority != out_.last_priority.get()) {
    // HB4 change: release, behind the entry. Meets the acquire in next_slot(): who has seen a count has seen every
    // entry that it speaks of. An entry that is not counted yet belongs to a send that has not returned.
    out_.last_priority.set(priority);
    auto& changes = segment_.header().changes.of_priority.atomic();
    changes.store(changes.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  out_.sent_bytes.add(size);
  step(Step::message_listed);
}

// A slot that will be taken soon: its lines come here while the program does something else.
void Queue::prefetch_returned(std::uint64_t ahead) const noexcept {
  RingEntry entry{};
  if (!segment_.returned().read(out_.returned_head.get() + ahead, entry) || entry.slot() >= geometry().capacity) return;
  const auto* slot = reinterpret_cast<const std::byte*>(&segment_.slot(entry.slot()));
  prefetch_to_write(slot);
  prefetch_to_write(slot + kLine);
}

void Queue::note_sent() noexcept {
  note_time(out_.last_ns);
  out_.last_pid.set(os::process_id());
  note_processor(segment_.header().common.sender_cpu);
}

Result<void> Queue::send_small(std::span<const std::byte> bytes, Priority priority) noexcept {
  bool both = false;
  if (!enter_senders(both)) return not_entered();
  step(Step::send_locked);
  Failure why;
  const std::uint32_t slot = take_slot(bytes.size(), priority, why);
  if (slot == kNoSlot) {
    leave_senders(both);
    return why;
  }
  copy_bytes(segment_.payload(slot), bytes.data(), bytes.size());
  step(Step::payload_written);
  commit(slot, bytes.size(), priority);
  note_sent();
  wake_receivers(1);
  prefetch_returned(0);
  leave_senders(both);
  if (!intact()) [[unlikely]]  // then it went nowhere
    return Errc::queue_damaged;
  return {};
}

[[gnu::noinline]] Result<void> Queue::send_large(std::span<const std::byte> bytes, Priority priority,
                                                 const Wait& wait) {
  Result<Loan> room = loan(bytes.size(), wait);
  if (!room) return room.failure();
  copy_bytes(room->bytes.data(), bytes.data(), bytes.size());
  step(Step::loan_copied);
  Result<void> sent = send_loan(room->slot, bytes.size(), priority);
  if (!sent) (void)drop_loan(room->slot);
  return sent;
}

// The second half of persist(), and apart from it: a closure that both halves share keeps the arguments in memory, 22
// instructions and 1.4 ns of the 36 of a send and a receive. receive() likewise.
[[gnu::noinline]] Result<void> Queue::send_patiently(std::span<const std::byte> bytes, Priority priority,
                                                     const Wait& wait) {
  return wait_and_try(
      Side::senders, wait, [&]() __attribute__((flatten)) { return send_small(bytes, priority); });
}

[[gnu::flatten]] Result<void> Queue::send(std::span<const std::byte> bytes, Priority priority, const Wait& wait) {
  const Result<void> fits = check_outgoing(bytes.size(), priority);
  if (!fits) [[unlikely]]
    return fits;
  if (bytes.size() >= kCopyOutside) [[unlikely]]
    return send_large(bytes, priority, wait);
  const Result<void> sent = send_small(bytes, priority);
  if (sent.is(Errc::would_block)) [[unlikely]]
    return send_patiently(bytes, priority, wait);
  return sent;
}

[[gnu::flatten]] Result<std::size_t> Queue::send_some(std::span<const Outgoing> messages) noexcept {
  bool both = false;
  if (!enter_senders(both)) return not_entered();
  step(Step::send_locked);
  std::size_t sent = 0;
  Failure why;
  for (const Outgoing& message : messages) {
    const std::span<const std::byte> bytes = message.payload.bytes();
    if (bytes.size() >= kCopyOutside) break;  // its turn comes outside the lock
    const std::uint32_t slot = take_slot(bytes.size(), message.priority, why);
    if (slot == kNoSlot) break;
    prefetch_returned(kAhead);
    copy_bytes(segment_.payload(slot), bytes.data(), bytes.size());
    commit(slot, bytes.size(), message.priority);
    if (!intact()) [[unlikely]] {
      why = {Errc::queue_damaged};
      break;
    }
    ++sent;
  }
  if (sent != 0) {
    note_sent();
    wake_receivers(sent);
  }
  leave_senders(both);
  if (sent == 0) return why;
  return sent;
}

Result<std::size_t> Queue::send_batch(std::span<const Outgoing> messages, const Wait& wait) {
  for (const Outgoing& message : messages) {
    const Result<void> fits = check_outgoing(message.payload.size(), message.priority);
    if (!fits) return fits.failure();
  }
  std::size_t sent = 0;
  while (sent < messages.size()) {
    const Outgoing& first = messages[sent];
    Result<std::size_t> some = std::size_t{1};
    if (first.payload.size() >= kCopyOutside) {
      const Result<void> one = send_large(first.payload.bytes(), first.priority, wait);
      if (!one) some = one.failure();
    } else {
      some = persist(Side::senders, wait, [&] { return send_some(messages.subspan(sent)); });
    }
    if (!some && sent == 0) return some;
    if (!some) break;
    sent += *some;
  }
  return sent;
}

Result<Loan> Queue::loan(std::size_t size, const Wait& wait) {
  Result<void> fits = check_outgoing(size, 0);
  if (fits) fits = be_user();
  if (!fits) return fits.failure();
  return persist(Side::senders, wait, [&]() -> Result<Loan> {
    bool both = false;
    if (!enter_senders(both)) return not_entered();
    Failure why;
    const std::uint32_t slot = take_slot(size, 0, why);
    if (slot == kNoSlot) {
      leave_senders(both);
      return why;
    }
    const std::uint32_t user = user_.load(std::memory_order_relaxed);
    // Counts first: a count too high is put right by recovery, a slot that nobody counts would be looked for in vain.
    segment_.user(user).writing.add(1);
    out_.writing.add(1);
    segment_.slot(slot).mark.atomic().store(make_mark(SlotState::writing, user), std::memory_order_release);
    step(Step::loan_marked);
    leave_senders(both);
    if (!intact()) return Errc::queue_damaged;
    return Loan{slot, {segment_.payload(slot), size}, 0};
  });
}

Result<void> Queue::send_loan(std::uint32_t slot, std::size_t size, Priority priority) noexcept {
  const Result<void> fits = check_outgoing(size, priority);
  if (!fits) return fits;
  if (inherited()) return Errc::closed;
  bool both = false;
  if (!enter_senders(both)) return not_entered();
  const std::uint32_t user = user_.load(std::memory_order_relaxed);
  Result<void> result = reserve_index_page(priority);
  if (result && segment_.slot(slot).mark.get() != make_mark(SlotState::writing, user)) result = not_on_loan();
  if (result) {
    // Before the commit, which may run into a recovery that counts anew.
    segment_.user(user).writing.add(static_cast<std::uint32_t>(-1));
    out_.writing.add(static_cast<std::uint32_t>(-1));
    commit(slot, size, priority);
    step(Step::loan_ended);
    note_sent();
    wake_receivers(1);
  }
  leave_senders(both);
  if (!intact()) result = Errc::queue_damaged;
  return result;
}

Result<void> Queue::drop_loan(std::uint32_t slot) noexcept {
  if (inherited()) return Errc::closed;
  // Both locks: the senders that wait for the slot are woken under the receivers'.
  if (!lock_both()) return not_entered();
  const std::uint32_t user = user_.load(std::memory_order_relaxed);
  Result<void> result;
  if (segment_.slot(slot).mark.get() != make_mark(SlotState::writing, user)) {
    result = not_on_loan();
  } else {
    segment_.slot(slot).mark.set(make_mark(SlotState::free));
    segment_.user(user).writing.add(static_cast<std::uint32_t>(-1));
    out_.writing.add(static_cast<std::uint32_t>(-1));
    give_back(slot);
    step(Step::loan_ended);
    wake_senders(1);
  }
  unlock_both();
  return result;
}

}  // namespace mqxx::shm
