// Waiting: polling for a moment, then sleeping; and waking those who sleep.
//
// Polling pays when the other side runs on another processor at this moment, and harms otherwise. So a waiter polls
//  (a) only while the other side was last seen on another processor,
//  (b) for no longer than a sleep and a wake-up would take,
//  (c) as long as polling has paid lately: each failure halves the time, each success gives it back,
//  (d) after a pause where messages come in a stream.
// A sleeper looks up by itself now and then (kLookUpNs): should a process have died between making the queue ready and waking,
// nobody else would tell.
#include <algorithm>

#include "os/pause.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"
#include "shm/patience.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

constexpr std::int64_t kLookUpNs = 500'000'000;
constexpr std::int32_t kSpinNs = 20'000;  // about the price of a sleep and a wake-up
constexpr std::int32_t kLeastSpinNs = 1'000;
constexpr int kProbeEvery = 32;  // waits without polling before it is tried again
constexpr int kLooks = 64;       // a round: about 100 ns without pauses
constexpr int kEagerRounds = 8;  // without pauses: a pause takes as long as a cache line
constexpr int kMostPauses = 16;
constexpr int kMostGather = 8;
constexpr int kNoGather = 64;    // short waits until gathering is tried again

}  // namespace

Sleepers& Queue::sleepers(Side side) const noexcept {
  return side == Side::receivers ? out_.receivers : in_.senders;
}

bool Queue::seems_ready(Side side) const noexcept {
  RingEntry entry{};
  if (side == Side::receivers) {
    // The ring first: sort_arrivals() lists a message before it leaves the ring.
    const std::uint64_t head = in_.arrived_head.atomic().load(std::memory_order_acquire);
    return segment_.arrived().read(head, entry) || in_.indexed.get() != 0;
  }
  return segment_.returned().read(out_.returned_head.get(), entry) || out_.free_head.get() != kNoSlot;
}

bool Queue::ready(Side side) const noexcept {
  if (seems_ready(side)) return true;
  return side == Side::senders && (out_.fresh.get() < geometry().capacity || in_.free_head.get() != kNoSlot);
}

// (d) How many pauses to let pass before the first look. A waiter that catches each message as it comes moves a cache line for each; one
// that lets a few gather moves it once for them all. So when the wait was short and brought one message, the next one is
// preceded by a pause, as long as that brings more than one; a round trip, where it cannot, goes without.
int Queue::gathering(Side side, Polling& polling) const noexcept {
  const std::uint64_t count = side == Side::receivers ? in_.received.get() : out_.sent.get();
  const std::uint64_t got = count - polling.count.load(std::memory_order_relaxed);
  polling.count.store(count, std::memory_order_relaxed);
  const std::int32_t gather = polling.gather.load(std::memory_order_relaxed);
  if (gather == 0 || got > 1) return gather;
  polling.gather.store(0, std::memory_order_relaxed);
  polling.no_gather.store(kNoGather, std::memory_order_relaxed);
  return 0;
}

void Queue::waited_briefly(Polling& polling) const noexcept {
  const std::int32_t no_gather = polling.no_gather.load(std::memory_order_relaxed);
  if (no_gather > 0) return polling.no_gather.store(no_gather - 1, std::memory_order_relaxed);
  const auto most = static_cast<std::int32_t>(std::min<std::uint32_t>(geometry().capacity / 4, kMostGather));
  polling.gather.store(std::min(polling.gather.load(std::memory_order_relaxed) + 1, most), std::memory_order_relaxed);
}

bool Queue::spin(Side side) noexcept {
  if (!spinning_) return false;
  const Common& common = segment_.header().common;
  const std::int32_t other = side == Side::receivers ? common.sender_cpu.get() : common.receiver_cpu.get();
  if (other == os::current_cpu()) return false;  // (a)
  Polling& polling = polling_[static_cast<int>(side)];
  std::int32_t budget = polling.credit_ns.load(std::memory_order_relaxed);
  if (budget < kLeastSpinNs) {  // counts down to the next probe
    polling.credit_ns.store(budget - 1, std::memory_order_relaxed);
    if (budget > -kProbeEvery) return false;
    budget = kLeastSpinNs;
  }
  for (int k = gathering(side, polling); k > 0; --k) os::pause();
  const std::int64_t start = os::now_ns();
  for (int round = 0;; ++round) {
    for (int i = 0; i < kLooks; ++i) {
      if (seems_ready(side)) {
        polling.credit_ns.store(std::min(budget * 2, kSpinNs), std::memory_order_relaxed);  // (c)
        if (round == 0) waited_briefly(polling);
        return true;
      }
      for (int k = std::min(round, kMostPauses); k > kEagerRounds; --k) os::pause();
    }
    if (os::now_ns() - start > budget) break;  // (b)
  }
  polling.credit_ns.store(budget / 2 < kLeastSpinNs ? 0 : budget / 2, std::memory_order_relaxed);
  return false;
}

// What dead processes left is found under both locks only: a slot that nobody returned, a message that nobody listed.
Result<void> Queue::look_again(Side side) noexcept {
  const bool suspicious = out_.writing.get() + in_.reading.get() != 0 || os::owner_died(out_.lock);
  if (!suspicious) return Errc::would_block;
  (void)be_user();  // so that a parent's death is not taken for life
  if (!lock_both()) return Errc::would_deadlock;
  rescue_loans();
  const bool found = ready(side);
  unlock_both();
  if (!found) return Errc::would_block;
  return {};
}

Result<void> Queue::await(Side side, const Wait& wait, Patience& patience) noexcept {
  if (wait.until == Wait::Until::now) {
    if (patience.looked) return Errc::would_block;
    patience.looked = true;
    return look_again(side);
  }
  if (wait.stop != nullptr && wait.stop->stop_requested()) return Errc::stopped;
  if (!patience.spun) {
    patience.spun = true;
    if (spin(side)) {
      patience.spun = false;
      return {};
    }
  }
  if (os::passed(wait)) {
    if (patience.looked) return Errc::timed_out;
    patience.looked = true;
    const Result<void> looked = look_again(side);
    return looked.is(Errc::would_block) ? Result<void>(Errc::timed_out) : looked;
  }
  if (wait.stop == nullptr) return sleep(side, wait);
  // The callback changes the word that we sleep on, so it wakes us whenever it comes after our registration; before that,
  // sleep() sees the request itself.
  const std::stop_callback rouse_us(*wait.stop, [this, side] { rouse(side); });
  return sleep(side, wait);
}

Result<void> Queue::sleep(Side side, const Wait& wait) noexcept {
  Sleepers& sleepers = this->sleepers(side);
  (void)be_user();
  if (!lock_both()) return Errc::would_deadlock;
  rescue_loans();
  if (ready(side)) {
    unlock_both();
    return {};
  }
  sleepers.waiting.add(1);
  const std::uint32_t expected = sleepers.word.load(std::memory_order_relaxed);
  step(Step::waiter_registered);
  unlock_both();

  os::Woken woken = os::Woken::interrupted;
  const bool stopped = wait.stop != nullptr && wait.stop->stop_requested();
  if (!stopped) woken = os::wait_on(sleepers.word, expected, wait, kLookUpNs);
  const Result<void> left = leave(side, expected);
  if (!left) return left;
  if (stopped) return Errc::stopped;
  if (woken == os::Woken::interrupted && wait.return_on_signal) return Errc::interrupted;
  return {};  // timed_out, too: one more attempt, then await() sees that the time has passed
}

Result<void> Queue::leave(Side side, std::uint32_t registered_at) noexcept {
  const bool locked = side == Side::receivers ? lock_senders() : lock_receivers();
  if (!locked) return Errc::would_deadlock;
  Sleepers& sleepers = this->sleepers(side);
  if (static_cast<std::int32_t>(registered_at - sleepers.counted_from.get()) >= 0 && sleepers.waiting.get() != 0) {
    sleepers.waiting.add(static_cast<std::uint32_t>(-1));
    // Whoever leaves takes a wake-up along, be it his own or another's: one too many is sent then, and never one too few.
    if (sleepers.woken.get() != 0) sleepers.woken.add(static_cast<std::uint32_t>(-1));
  }
  step(Step::waiter_left);
  if (side == Side::receivers) {
    unlock_senders();
  } else {
    unlock_receivers();
  }
  return {};
}

namespace {

// Those who sleep have died, or are on their way and have seen the word change: none of them counts any more.
void count_anew(Sleepers& sleepers) noexcept {
  sleepers.counted_from.set(sleepers.word.load(std::memory_order_relaxed));
  sleepers.waiting.set(0);
  sleepers.woken.set(0);
}

// One wake-up for each of `count` new messages or slots, as far as there are sleepers who have not got one yet.
void wake(Sleepers& sleepers, std::uint64_t count) noexcept {
  const std::uint32_t waiting = sleepers.waiting.get();
  const std::uint32_t woken = sleepers.woken.get();
  if (waiting <= woken) [[likely]] return;
  const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(waiting - woken, count));
  sleepers.word.fetch_add(1, std::memory_order_relaxed);  // relaxed: the futex call orders it, and both sides look again under locks
  sleepers.woken.set(woken + most);
  if (os::wake(sleepers.word, static_cast<int>(most)) == 0) count_anew(sleepers);
}

void wake_all(Sleepers& sleepers) noexcept {
  sleepers.word.fetch_add(1, std::memory_order_relaxed);
  count_anew(sleepers);
  os::wake(sleepers.word, os::kWakeAll);
}

}  // namespace

void Queue::wake_everybody() noexcept {
  wake_all(out_.receivers);
  wake_all(in_.senders);
  step(Step::receivers_woken);
}

void Queue::wake_receivers(std::uint64_t messages) noexcept {
  wake(out_.receivers, messages);
  step(Step::receivers_woken);
}

void Queue::wake_senders(std::uint64_t slots) noexcept {
  wake(in_.senders, slots);
  step(Step::senders_woken);
}

void Queue::rouse(Side side) noexcept {
  // A lock that this thread is inside already is released soon, by whom the signal handler interrupted; until then nobody
  // of this thread sleeps, so there is nobody to wake.
  if (!lock_both()) return;
  wake_all(sleepers(side));
  unlock_both();
}

}  // namespace mqxx::shm
