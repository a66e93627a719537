// Waiting: polling for a moment, then sleeping; and waking those who sleep.
//
// Polling pays when the other side runs on another processor at this moment, and harms otherwise. So a waiter polls
//  (a) only while the other side was last seen on another processor,
//  (b) for no longer than a sleep and a wake-up would take,
//  (c) as long as it pays: a few failures in a row, and it stops for a number of waits, which doubles each time that
//  the next try fails too, (d) after a pause where messages come in a stream, (e) not for the next waits when it lost
//  the processor in the middle: there are more threads than processors, and what it polls
//      away is missing where it works.
// A sleeper looks up by itself now and then (kLookUpNs): should a process have died between making the queue ready and
// waking, nobody else would tell.
#include <algorithm>
#include <utility>

#include "os/pause.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"
#include "shm/patience.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

constexpr std::int64_t kLookUpNs = 800'000'000;
constexpr std::int64_t kSpinNs = 30'000;  // a sleep and a wake-up, so that a peer who has fallen asleep is waited for
constexpr std::int64_t kPaysNs = 6'000;   // the processor time of a sleep and a wake-up
constexpr std::int64_t kLostNs = 100'000;
constexpr std::int32_t kTrust = 3;      // failures in a row that are forgiven
constexpr std::int32_t kDistrust = 16;  // waits without polling after that,
constexpr std::int32_t kMostDistrust = 512;
constexpr std::int32_t kCrowded = 256;  // or after it lost the processor
constexpr int kLooks = 64;              // a round: about 100 ns without pauses
constexpr int kEagerRounds = 8;         // without pauses: a pause takes as long as a cache line
constexpr int kMostPauses = 16;
constexpr int kMostGather = 8;
constexpr int kNoGather = 64;  // short waits until gathering is tried again

}  // namespace

Sleepers& Queue::sleepers(Side side) const noexcept { return side == Side::receivers ? out_.receivers : in_.senders; }

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

// (d) How many pauses to let pass before the first look. A waiter that catches each message as it comes moves a cache
// line for each; one that lets a few gather moves it once for them all. So when the wait was short and brought one
// message, the next one is preceded by a pause, as long as that brings more than one; a round trip, where it cannot,
// goes without.
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

void Queue::trust_less(Polling& polling, bool lost_processor) noexcept {
  const std::int32_t trust = polling.trust.load(std::memory_order_relaxed);
  if (lost_processor) return polling.trust.store(-kCrowded, std::memory_order_relaxed);
  if (trust > 0) return polling.trust.store(trust - 1, std::memory_order_relaxed);
  const std::int32_t distrust = polling.distrust.load(std::memory_order_relaxed);
  polling.trust.store(-distrust, std::memory_order_relaxed);
  polling.distrust.store(std::min(2 * distrust, kMostDistrust), std::memory_order_relaxed);
}

void Queue::trust_more(Polling& polling) noexcept {
  polling.trust.store(kTrust, std::memory_order_relaxed);
  polling.distrust.store(kDistrust, std::memory_order_relaxed);
}

bool Queue::spin(Side side) noexcept {
  // A registered process is not told while a receiver waits, so let it be seen that one does.
  if (!spinning_ || watched()) return false;
  const Common& common = segment_.header().common;
  const std::int32_t other = side == Side::receivers ? common.sender_cpu.get() : common.receiver_cpu.get();
  if (other == os::current_cpu()) return false;  // (a)
  Polling& polling = polling_[static_cast<int>(side)];
  const std::int32_t trust = polling.trust.load(std::memory_order_relaxed);
  if (trust < 0) {
    polling.trust.store(trust + 1, std::memory_order_relaxed);
    return false;
  }
  for (int k = gathering(side, polling); k > 0; --k) os::pause();
  const std::int64_t start = os::now_ns();
  std::int64_t now = start;
  bool lost_processor = false;
  for (int round = 0; now - start < kSpinNs && !lost_processor; ++round) {  // (b)
    for (int i = 0; i < kLooks; ++i) {
      if (seems_ready(side)) {
        // On its way here while the locks are taken.
        if (side == Side::receivers) prefetch_arrived(in_.arrived_head.get());
        if (now - start < kPaysNs) {  // (c)
          trust_more(polling);
        } else {
          trust_less(polling, false);
        }
        if (round == 0) waited_briefly(polling);
        return true;
      }
      for (int k = std::min(round, kMostPauses); k > kEagerRounds; --k) os::pause();
    }
    const std::int64_t before = std::exchange(now, os::now_ns());
    lost_processor = now - before > kLostNs;  // (e)
  }
  trust_less(polling, lost_processor);
  return false;
}

// What dead processes left is found under both locks only: a slot that nobody returned, a message that nobody listed.
Result<void> Queue::look_again(Side side) noexcept {
  const bool suspicious = out_.writing.get() + in_.reading.get() != 0 || os::owner_died(out_.lock);
  if (!suspicious) return Errc::would_block;
  (void)be_user();  // so that a parent's death is not taken for life
  if (!lock_both()) return not_entered();
  rescue_loans();
  const bool found = ready(side);
  unlock_both();
  if (!found) return Errc::would_block;
  return {};
}

Result<void> Queue::await(Side side, const Wait& wait, Patience& patience) {
  if (!intact()) return Errc::queue_damaged;  // what looked full or empty may have been zeros
  if (wait.until == Wait::Until::now) {
    if (patience.looked) return Errc::would_block;
    patience.looked = true;
    return look_again(side);
  }
  if (wait.stop != nullptr && wait.stop->stop_requested()) return Errc::stopped;
  // Who has polled with success and lost what he saw to others polls again, but not beyond his time.
  if (!patience.spun && !(patience.polled && os::passed(wait))) {
    patience.spun = true;
    patience.polled = true;
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
  if (wait.may_sleep != nullptr && !wait.may_sleep(wait.asker)) return Errc::would_block;
  if (wait.stop == nullptr) return sleep(side, wait);
  // The callback changes the word that we sleep on, so it wakes us whenever it comes after our registration; before
  // that, sleep() sees the request itself.
  const std::stop_callback rouse_us(*wait.stop, [this, side] { rouse(side); });
  return sleep(side, wait);
}

namespace {

void wake_all(Sleepers& sleepers) noexcept {
  sleepers.counted_from.set(sleepers.word.fetch_add(1, std::memory_order_relaxed) + 1);
  sleepers.waiting.set(0);
  os::wake(sleepers.word, os::kWakeAll);
}

}  // namespace

// A sleeper, from its registration on. Whether one that is cancelled is still counted, or was taken off by whoever woke
// it, it cannot know; so nobody is counted any more, and everybody looks again (tests/model/spin/sleep.pml).
class Queue::Registered {
 public:
  Registered(Queue& queue, Side side) noexcept : queue_(queue), side_(side) {}
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;
  ~Registered() {
    if (over_ || !queue_.lock_both()) return;
    wake_all(queue_.sleepers(side_));
    queue_.unlock_both();
  }
  void over() noexcept { over_ = true; }

 private:
  Queue& queue_;
  Side side_;
  bool over_ = false;
};

Result<void> Queue::sleep(Side side, const Wait& wait) {
  Sleepers& sleepers = this->sleepers(side);
  (void)be_user();
  // Who woke us last did it inside his lock, and on one processor we took his place before he was out of it. To wait
  // for him in pauses would only keep him there.
  const os::LockWord& wakers_lock = side == Side::receivers ? out_.lock : in_.lock;
  if (os::owner_of(wakers_lock) != 0) os::yield();
  if (!lock_both()) return not_entered();
  rescue_loans();
  if (ready(side)) {
    unlock_both();
    return {};
  }
  sleepers.waiting.add(1);
  const std::uint32_t registered_at = sleepers.word.load(std::memory_order_relaxed);
  step(Step::waiter_registered);
  unlock_both();

  Registered registered(*this, side);
  for (;;) {
    const bool stopped = wait.stop != nullptr && wait.stop->stop_requested();
    const os::Woken woken =
        stopped ? os::Woken::interrupted : os::wait_on(sleepers.word, registered_at, wait, kLookUpNs);
    if (woken == os::Woken::woken) {  // and taken off the count by whoever did it
      step(Step::waiter_woken);
      registered.over();
      return {};
    }
    if (!lock_both()) {
      registered.over();
      return not_entered();
    }
    rescue_loans();
    const bool sleep_on = woken == os::Woken::look_up && !ready(side);
    if (!sleep_on) leave(sleepers, registered_at);
    unlock_both();
    if (sleep_on) continue;
    registered.over();
    if (stopped) return Errc::stopped;
    if (woken == os::Woken::interrupted && wait.return_on_signal) return Errc::interrupted;
    return {};  // timed_out, too: one more attempt, then await() sees that the time has passed
  }
}

void Queue::leave(Sleepers& sleepers, std::uint32_t registered_at) noexcept {
  const bool counted = static_cast<std::int32_t>(registered_at - sleepers.counted_from.get()) >= 0;
  if (counted && sleepers.waiting.get() != 0) sleepers.waiting.add(static_cast<std::uint32_t>(-1));
  step(Step::waiter_left);
}

namespace {

// One wake-up for each of `count` new messages or slots, as far as there are sleepers. Those whom the kernel woke come
// off the count here, so that a burst does not wake again those who are on their way. When it found fewer than were
// counted, the others have died, or have not fallen asleep yet and see the word change: none of them counts any more.
// @return how many were woken
std::uint32_t wake(Sleepers& sleepers, std::uint64_t count) noexcept {
  const std::uint32_t waiting = sleepers.waiting.get();
  if (waiting == 0) [[likely]]
    return 0;
  const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(waiting, count));
  // Relaxed: the futex call orders it, and both sides look again under locks.
  const std::uint32_t word = sleepers.word.fetch_add(1, std::memory_order_relaxed) + 1;
  const int woken = os::wake(sleepers.word, static_cast<int>(most));
  if (woken == static_cast<int>(most)) {
    sleepers.waiting.set(waiting - most);
  } else {
    sleepers.counted_from.set(word);
    sleepers.waiting.set(0);
  }
  return static_cast<std::uint32_t>(woken);
}

}  // namespace

void Queue::wake_everybody() noexcept {
  wake_all(out_.receivers);
  wake_all(in_.senders);
  step(Step::receivers_woken);
}

void Queue::wake_receivers(std::uint64_t messages) noexcept {
  const std::uint32_t woken = wake(out_.receivers, messages);
  if (woken != 0) [[unlikely]]
    woken_ += woken;
  step(Step::receivers_woken);
}

void Queue::wake_senders(std::uint64_t slots) noexcept {
  wake(in_.senders, slots);
  step(Step::senders_woken);
}

void Queue::rouse(Side side) noexcept {
  // A lock that this thread is inside already is released soon, by whom the signal handler interrupted; until then
  // nobody of this thread sleeps, so there is nobody to wake.
  if (!lock_both()) return;
  wake_all(sleepers(side));
  unlock_both();
}

}  // namespace mqxx::shm
