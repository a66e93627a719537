// The receivers' side: the order in which messages leave, copies, batches and loans.
//
// While the index is empty and all arrivals have one priority, the arrived ring itself is the queue: its order is the
// order of delivery, and nothing is sorted (run). As soon as a second priority shows, everything that arrived goes into
// the index.
#include "base/copy.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"
#include "shm/patience.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

/// Instead of a slot: the arrivals are no run.
constexpr std::uint32_t kMixed = 0xfffffffd;
/// Empty indexes that are filled without asking whether a run would do. Asking takes the line of the changes from the
/// senders, who write it with each message while priorities are mixed.
constexpr std::uint32_t kSortAtOnce = 32;

}  // namespace

bool Queue::sort_arrivals() noexcept {
  const Ring ring = segment_.arrived();
  std::uint64_t head = in_.arrived_head.get();
  RingEntry entry{};
  for (std::uint64_t steps = 0; steps < ring.size() && ring.read(head, entry); ++steps) {
    if (entry.slot() >= geometry().capacity || entry.priority() > kMaxPriority) return false;
    // On the list before it leaves the ring: who looks without a lock, the ring first, never misses it (seems_ready).
    if (!index_.push_back(entry.priority(), entry.slot())) return false;
    // HB3 room: release, after the entry was read. Meets the acquire in commit().
    in_.arrived_head.atomic().store(++head, std::memory_order_release);
  }
  in_.run_end.set(head);
  note_depth(index_.size());
  step(Step::arrivals_sorted);
  return true;
}

// Looks at all that has arrived behind the run. @return whether it is still of one priority
bool Queue::extend_run(std::uint64_t head, std::uint64_t& end) noexcept {
  const Ring ring = segment_.arrived();
  const std::uint64_t full = head + ring.size();
  RingEntry entry{};
  while (end != full && ring.read(end, entry)) {
    if (end == head) in_.run_priority.set(entry.priority());
    if (entry.priority() != in_.run_priority.get()) return false;
    ++end;
  }
  in_.run_end.set(end);
  note_depth(end - head);
  return true;
}

// What leaves next while the index is empty and the arrivals may be a run: kNoSlot, kDamaged, or kMixed.
std::uint32_t Queue::next_of_run() noexcept {
  const Ring ring = segment_.arrived();
  const std::uint64_t head = in_.arrived_head.get();
  std::uint64_t end = in_.run_end.get();
  if (end < head || end - head > ring.size()) return kDamaged;
  // HB4 change: acquire. While the count stands still, whatever came behind the run has its priority and may wait its
  // turn; the ring is looked at once for a burst, and its lines stay with the senders meanwhile.
  const std::uint64_t changes = segment_.header().changes.of_priority.atomic().load(std::memory_order_acquire);
  if (end == head || changes != in_.run_changes.get()) {
    in_.run_changes.set(changes);
    if (!extend_run(head, end)) return kMixed;
    if (end == head) return kNoSlot;
  }
  RingEntry entry{};
  if (!ring.read(head, entry) || entry.slot() >= geometry().capacity) return kDamaged;
  segment_.prefetch_slot(entry.slot());
  segment_.returned().prefetch_to_write(in_.returned_tail.get());
  in_.arrived_head.atomic().store(head + 1, std::memory_order_release);  // HB3, as in sort_arrivals()
  return entry.slot();
}

// As prefetch_returned(): a message that will be taken soon is on its way here meanwhile.
void Queue::prefetch_arrived(std::uint64_t position) const noexcept {
  RingEntry entry{};
  if (!segment_.arrived().read(position, entry) || entry.slot() >= geometry().capacity) return;
  segment_.prefetch_slot(entry.slot());
}

std::uint32_t Queue::next_slot() noexcept {
  if (index_.empty()) {
    const std::uint32_t mixed = in_.mixed.get();
    if (mixed == 0) {
      const std::uint32_t slot = next_of_run();
      if (slot != kMixed) return slot;
      in_.mixed.set(kSortAtOnce);
    } else {
      in_.mixed.set(mixed - 1);
    }
  }
  return sort_arrivals() ? index_.pop_front() : kDamaged;
}

bool Queue::queued(std::uint32_t slot, Received& message) const noexcept {
  if (slot == kDamaged) return false;
  const SlotHeader& header = segment_.slot(slot);
  message = {header.length.get(), header.priority.get()};
  return header.mark.get() == make_mark(SlotState::queued) && message.size <= geometry().message_size &&
         message.priority <= kMaxPriority;
}

void Queue::note_depth(std::uint64_t depth) noexcept {
  // Depth only grows between two receives, and each begins by looking at all that arrived: no maximum is missed.
  if (depth > in_.high_water.get()) in_.high_water.set(depth);
}

// The time of the first message in each second: to read it for every message took a sixth of the fast path.
void Queue::note_time(Shared<std::int64_t>& last_ns) noexcept {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto second_ns = static_cast<std::uint64_t>(os::coarse_wall_s() * kSecond);
  if (static_cast<std::uint64_t>(last_ns.get()) - second_ns >= kSecond) [[unlikely]]
    last_ns.set(os::coarse_wall_ns());
}

void Queue::note_processor(Shared<std::int32_t>& where) noexcept {
  const std::int32_t here = os::current_cpu();
  if (where.get() != here) where.set(here);
}

void Queue::note_received(std::uint64_t messages, std::uint64_t bytes) noexcept {
  in_.received.add(messages);
  in_.received_bytes.add(bytes);
  note_time(in_.last_ns);
  in_.last_pid.set(os::process_id());
  note_processor(segment_.header().common.receiver_cpu);
}

void Queue::free_slot(std::uint32_t slot) noexcept {
  // Q1: release, so that the payload was read before a sender, or recovery, may use the slot.
  segment_.slot(slot).mark.atomic().store(make_mark(SlotState::free), std::memory_order_release);
  step(Step::slot_freed);
  const std::uint64_t tail = in_.returned_tail.get();
  if (tail >= in_.returned_limit.get()) {
    // HB3 room: acquire. Meets the release in take_returned().
    const std::uint64_t head = out_.returned_head.atomic().load(std::memory_order_acquire);
    in_.returned_limit.set(head + geometry().ring_entries);
    if (tail - head >= geometry().ring_entries) {
      segment_.next(slot).set(in_.free_head.get());
      in_.free_head.set(slot);
      return;
    }
  }
  segment_.returned().write(tail, 0, slot);
  in_.returned_tail.set(tail + 1);
  step(Step::slot_returned);
}

Result<void> Queue::receive_now(std::span<std::byte> buffer, Received& received) noexcept {
  bool both = false;
  if (!enter_receivers(both)) return not_entered();
  step(Step::receive_locked);
  const std::uint32_t slot = next_slot();
  Received message;
  if (slot == kNoSlot || !queued(slot, message)) {
    leave_receivers(both);
    return slot == kNoSlot ? Errc::would_block : Errc::queue_damaged;
  }
  step(Step::message_chosen);
  received = message;
  if (message.size >= kCopyOutside) {
    const Loan loan = mark_reading(slot, message);
    leave_receivers(both);
    return receive_large(loan, buffer);
  }
  copy_bytes(buffer.data(), segment_.payload(slot), message.size);
  if (!intact()) [[unlikely]] {  // zeros, perhaps
    leave_receivers(both);
    return Errc::queue_damaged;
  }
  step(Step::payload_read);
  free_slot(slot);
  note_received(1, message.size);
  wake_senders(1);
  leave_receivers(both);
  return {};
}

[[gnu::noinline]] Result<void> Queue::receive_large(const Loan& loan, std::span<std::byte> buffer) noexcept {
  copy_bytes(buffer.data(), loan.bytes.data(), loan.bytes.size());
  step(Step::loan_copied);
  return release_loan(loan.slot);
}

[[gnu::noinline]] Result<void> Queue::receive_patiently(std::span<std::byte> buffer, const Wait& wait,
                                                        Received& received) {
  return wait_and_try(
      Side::receivers, wait, [&]() __attribute__((flatten)) { return receive_now(buffer, received); });
}

[[gnu::flatten]] Result<void> Queue::receive(std::span<std::byte> buffer, const Wait& wait, Received& received) {
  if (buffer.size() < geometry().message_size) [[unlikely]]
    return Errc::buffer_too_small;
  if (geometry().message_size >= kCopyOutside) [[unlikely]] {
    const Result<void> user = be_user();
    if (!user) return user;
  }
  const Result<void> taken = receive_now(buffer, received);
  if (taken.is(Errc::would_block)) [[unlikely]]
    return receive_patiently(buffer, wait, received);
  return taken;
}

[[gnu::flatten]] Result<std::size_t> Queue::receive_some(std::span<Incoming> room) noexcept {
  bool both = false;
  if (!enter_receivers(both)) return not_entered();
  std::size_t received = 0;
  std::uint64_t bytes = 0;
  Errc why = Errc::would_block;
  Loan large;  // the batch ends with the first large message, which is copied outside the lock
  for (Incoming& place : room) {
    const std::uint32_t slot = next_slot();
    if (slot == kNoSlot) break;
    Received message;
    if (!queued(slot, message)) {
      why = Errc::queue_damaged;
      break;
    }
    // Not behind the run: the ring's lines stay with the senders there.
    const std::uint64_t ahead = in_.arrived_head.get() + kAhead;
    if (ahead < in_.run_end.get()) prefetch_arrived(ahead);
    place.size = message.size;
    place.priority = message.priority;
    ++received;
    if (message.size >= kCopyOutside) {
      large = mark_reading(slot, message);
      break;
    }
    copy_bytes(place.buffer.data(), segment_.payload(slot), message.size);
    if (!intact()) [[unlikely]] {
      why = Errc::queue_damaged;
      --received;
      break;
    }
    free_slot(slot);
    bytes += message.size;
  }
  const std::size_t small = received - (large.slot == kNoSlot ? 0 : 1);
  if (small != 0) {
    note_received(small, bytes);
    wake_senders(small);
  }
  leave_receivers(both);
  if (received == 0) return why;
  if (large.slot != kNoSlot) {
    copy_bytes(room[received - 1].buffer.data(), large.bytes.data(), large.bytes.size());
    const Result<void> released = release_loan(large.slot);
    // The small ones before it are the caller's whatever has become of this one.
    if (!released && --received == 0) return released.failure();
  }
  return received;
}

Result<std::size_t> Queue::receive_batch(std::span<Incoming> room, const Wait& wait) {
  for (const Incoming& place : room) {
    if (place.buffer.size() < geometry().message_size) return Errc::buffer_too_small;
  }
  if (room.empty()) return std::size_t{0};
  if (geometry().message_size >= kCopyOutside) {
    const Result<void> user = be_user();
    if (!user) return user.failure();
  }
  // After a large message there may be more.
  std::size_t received = 0;
  for (;;) {
    const std::span<Incoming> rest = room.subspan(received);
    const Result<std::size_t> some =
        persist(Side::receivers, received == 0 ? wait : Wait::none(), [&] { return receive_some(rest); });
    if (!some && received == 0) return some;
    if (!some) break;
    received += *some;
    if (received == room.size() || room[received - 1].size < kCopyOutside) break;
  }
  return received;
}

Loan Queue::mark_reading(std::uint32_t slot, const Received& message) noexcept {
  SlotHeader& header = segment_.slot(slot);
  const std::uint32_t user = user_.load(std::memory_order_relaxed);
  segment_.user(user).reading.add(1);  // counts first, as in loan()
  in_.reading.add(1);
  header.mark.atomic().store(make_mark(SlotState::reading, user), std::memory_order_release);
  step(Step::loan_marked);
  note_received(1, message.size);
  return Loan{slot, {segment_.payload(slot), message.size}, message.priority};
}

Result<Loan> Queue::receive_loan_now() noexcept {
  bool both = false;
  if (!enter_receivers(both)) return not_entered();
  const std::uint32_t slot = next_slot();
  Received message;
  Result<Loan> loan = Errc::would_block;
  if (slot != kNoSlot && queued(slot, message)) {
    loan = mark_reading(slot, message);
  } else if (slot != kNoSlot) {
    loan = Errc::queue_damaged;
  }
  leave_receivers(both);
  if (loan && !intact()) return Errc::queue_damaged;
  return loan;
}

Result<Loan> Queue::receive_loan(const Wait& wait) {
  const Result<void> user = be_user();
  if (!user) return user.failure();
  return persist(Side::receivers, wait, [&] { return receive_loan_now(); });
}

Result<void> Queue::release_loan(std::uint32_t slot) noexcept {
  if (inherited()) return Errc::closed;
  bool both = false;
  if (!enter_receivers(both)) return not_entered();
  const std::uint32_t user = user_.load(std::memory_order_relaxed);
  Result<void> result;
  if (segment_.slot(slot).mark.get() != make_mark(SlotState::reading, user)) {
    result = not_on_loan();
  } else {
    free_slot(slot);
    segment_.user(user).reading.add(static_cast<std::uint32_t>(-1));
    in_.reading.add(static_cast<std::uint32_t>(-1));
    step(Step::loan_ended);
    wake_senders(1);
  }
  leave_receivers(both);
  return result;
}

Result<void> Queue::put_back_loan(std::uint32_t slot) noexcept {
  if (inherited()) return Errc::closed;
  // Both locks: the receivers that may have it are woken under the senders'.
  if (!lock_both()) return not_entered();
  const std::uint32_t user = user_.load(std::memory_order_relaxed);
  Result<void> result;
  if (segment_.slot(slot).mark.get() != make_mark(SlotState::reading, user)) {
    result = not_on_loan();
  } else {
    segment_.user(user).reading.add(static_cast<std::uint32_t>(-1));
    in_.reading.add(static_cast<std::uint32_t>(-1));
    put_back(slot);
    step(Step::loan_ended);
    wake_receivers(1);
  }
  unlock_both();
  return result;
}

}  // namespace mqxx::shm
