// Sleeping in short naps, at a place in the register that says who sleeps on what; a waker takes places, the longest
// taken first, and their sleepers see it when they next look.
//
// Why not a condition variable or a semaphore: a process that is killed inside pthread_cond_wait() may leave its inner
// lock taken, and then blocks whoever wakes; sem_timedwait() knows the wall clock alone, so a step of that clock makes
// a sleeper miss its time and its look-up. A nap is relative, and nobody else takes part in it.
//   S1  a sleeper takes a place, and then looks at the word once more; a waker, behind a change of the word, looks at
//       the places: with the orders below one of them sees the other.
//   S2  who leaves a place for any other reason than a wake-up sees, in the same step, whether one came meanwhile.
//   S3  a place whose owner has died is no sleeper.
#include "os/wait.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <pthread.h>
#include <signal.h>
#include <sys/select.h>

#include "os/generic/regions.hpp"
#include "os/generic/register.hpp"
#include "os/process.hpp"

namespace mqxx::os {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kShortestNs = 50'000;
constexpr std::int64_t kLongestNs = 2'000'000;

std::int64_t read_clock(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

// ---- Places

std::uint32_t state_of(std::uint32_t number, Phase phase) noexcept {
  return number << 2 | static_cast<std::uint32_t>(phase);
}
Phase phase_of(std::uint32_t state) noexcept { return static_cast<Phase>(state & 3U); }

std::uint32_t used_places(const Register& shared) noexcept {
  return std::min(shared.used.load(std::memory_order_seq_cst), Register::kPlaces);
}

bool free_if_dead(Place& place, std::uint32_t state) noexcept {
  if (state == 0 || is_alive(state >> 2)) return false;
  place.state.compare_exchange_strong(state, 0, std::memory_order_relaxed);
  return true;
}

Place* take_in(Register& shared, std::uint32_t begin, std::uint32_t end, std::uint32_t number) noexcept {
  for (std::uint32_t i = begin; i < end; ++i) {
    std::uint32_t free = 0;
    Place& place = shared.places[i];
    if (place.state.load(std::memory_order_relaxed) == free &&
        place.state.compare_exchange_strong(free, state_of(number, Phase::taken), std::memory_order_acquire)) {
      return &place;
    }
  }
  return nullptr;
}

/// null: all are taken by the living.
Place* take_place(Register& shared, std::uint32_t number) noexcept {
  for (;;) {
    const std::uint32_t used = used_places(shared);
    Place* place = take_in(shared, 0, used, number);
    if (place != nullptr) return place;
    bool freed = false;
    for (std::uint32_t i = 0; i < used; ++i) {
      Place& old = shared.places[i];
      freed = free_if_dead(old, old.state.load(std::memory_order_relaxed)) || freed;
    }
    if (freed) continue;
    if (used == Register::kPlaces) return nullptr;
    std::uint32_t seen = used;
    (void)shared.used.compare_exchange_strong(seen, used + 1, std::memory_order_seq_cst);
  }
}

/// A sleeper's place, from falling asleep on.
class Bed {
 public:
  explicit Bed(const std::atomic<std::uint32_t>& word) noexcept : number_(process_number()) {
    Register* shared = shared_register();
    if (shared == nullptr || number_ == 0) return;
    place_ = take_place(*shared, number_);
    if (place_ == nullptr) return;
    const SharedAddress address = shared_address(&word);
    place_->file.store(address.file, std::memory_order_relaxed);
    place_->offset.store(address.offset, std::memory_order_relaxed);
    place_->ticket.store(shared->tickets.fetch_add(1, std::memory_order_relaxed), std::memory_order_relaxed);
    place_->state.store(state_of(number_, Phase::asleep), std::memory_order_seq_cst);  // S1
  }
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;
  ~Bed() { (void)leave(); }

  [[nodiscard]] bool woken() const noexcept {
    // Foreign bytes here wake, too.
    return place_ != nullptr && place_->state.load(std::memory_order_acquire) != state_of(number_, Phase::asleep);
  }

  /// @return whether a wake-up came first (S2)
  bool leave() noexcept {
    if (place_ == nullptr) return false;
    std::uint32_t asleep = state_of(number_, Phase::asleep);
    const bool in_time = place_->state.compare_exchange_strong(asleep, 0, std::memory_order_acq_rel);
    if (!in_time && asleep == state_of(number_, Phase::woken)) place_->state.store(0, std::memory_order_release);
    place_ = nullptr;
    return !in_time;
  }

 private:
  std::uint32_t number_;
  Place* place_ = nullptr;
};

// ---- Naps

/// Signals wait while this thread is awake in here, so that none is handled unseen between two naps. Those of an
/// instruction stay: blocked, they would end the process.
class HeldSignals {
 public:
  HeldSignals() noexcept {
    sigset_t held;
    sigfillset(&held);
    for (const int signal : {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&held, signal);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  [[nodiscard]] const sigset_t& before() const noexcept { return before_; }

 private:
  sigset_t before_{};
};

/// @return an errno: 0, or EINTR when a handler ran
int nap(std::int64_t ns, const HeldSignals& signals) {
  const timespec time{static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)};
  return pselect(0, nullptr, nullptr, nullptr, &time, &signals.before()) < 0 ? errno : 0;
}

/// A cancellation point, when `wait` says so, and not otherwise.
int nap_as(const Wait& wait, std::int64_t ns, const HeldSignals& signals) {
  if (!wait.cancellation_point) {
    const Uncancelled uncancelled;
    return nap(ns, signals);
  }
  int before = PTHREAD_CANCEL_DISABLE;
  if (wait.enables_cancellation) pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
  const int error = nap(ns, signals);
  if (wait.enables_cancellation) pthread_setcancelstate(before, nullptr);
  return error;
}

std::int64_t time_left(const Wait& wait, std::int64_t look_up) noexcept {
  std::int64_t left = look_up - now_ns();
  if (wait.until == Wait::Until::steady) left = std::min(left, wait.deadline_ns - now_ns());
  if (wait.until == Wait::Until::system) left = std::min(left, wait.deadline_ns - coarse_wall_ns());
  return left;
}

}  // namespace

std::int64_t now_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }
std::int64_t coarse_wall_ns() noexcept { return read_clock(CLOCK_REALTIME); }
std::int64_t coarse_wall_s() noexcept { return coarse_wall_ns() / kSecond; }

bool passed(const Wait& wait) noexcept {
  switch (wait.until) {
    case Wait::Until::now: return true;
    case Wait::Until::forever: return false;
    case Wait::Until::steady: return now_ns() >= wait.deadline_ns;
    case Wait::Until::system: return coarse_wall_ns() >= wait.deadline_ns;
  }
  return true;
}

Woken wait_on(std::atomic<std::uint32_t>& word, std::uint32_t expected, const Wait& wait, std::int64_t look_up_ns) {
  const bool has_deadline = wait.until == Wait::Until::system || wait.until == Wait::Until::steady;
  if (has_deadline && passed(wait)) return Woken::timed_out;
  const std::int64_t look_up = now_ns() + look_up_ns;
  const HeldSignals signals;
  Bed bed(word);
  if (word.load(std::memory_order_seq_cst) != expected) return bed.leave() ? Woken::woken : Woken::changed;  // S1
  for (std::int64_t length = kShortestNs;; length = std::min(length * 2, kLongestNs)) {
    const std::int64_t left = time_left(wait, look_up);
    if (left <= 0) break;
    const int error = nap_as(wait, std::min(length, left), signals);
    if (bed.woken()) break;
    if (error == EINTR) return bed.leave() ? Woken::woken : Woken::interrupted;
  }
  if (bed.leave()) return Woken::woken;
  return has_deadline && passed(wait) ? Woken::timed_out : Woken::look_up;
}

namespace {

bool wake_at(Place& place, std::uint32_t state) noexcept {
  if (free_if_dead(place, state)) return false;  // S3
  return place.state.compare_exchange_strong(state, state_of(state >> 2, Phase::woken), std::memory_order_acq_rel);
}

/// A sleeper on the address, and what its place said.
struct Sleeper {
  Place* place = nullptr;
  std::uint32_t state = 0;
  std::uint64_t ticket = 0;
};

Sleeper longest_asleep(Register& shared, const SharedAddress& address) noexcept {
  Sleeper longest;
  const std::uint32_t used = used_places(shared);
  for (std::uint32_t i = 0; i < used; ++i) {
    Place& place = shared.places[i];
    const std::uint32_t state = place.state.load(std::memory_order_seq_cst);  // S1
    if (state == 0 || phase_of(state) != Phase::asleep) continue;
    if (place.offset.load(std::memory_order_relaxed) != address.offset ||
        place.file.load(std::memory_order_relaxed) != address.file) {
      continue;
    }
    const std::uint64_t ticket = place.ticket.load(std::memory_order_relaxed);
    if (longest.place == nullptr || ticket < longest.ticket) longest = {&place, state, ticket};
  }
  return longest;
}

}  // namespace

int wake(std::atomic<std::uint32_t>& word, int most) noexcept {
  Register* shared = shared_register();
  if (shared == nullptr) return 0;
  // S1: a step on the word itself, since its change was in no order.
  (void)word.fetch_add(0, std::memory_order_seq_cst);
  const SharedAddress address = shared_address(&word);
  int woken = 0;
  // Each turn finds a place that is asleep and leaves it woken or free; a hostile writer cannot hold us for longer
  // than so many turns.
  for (std::uint32_t turn = 0; turn < Register::kPlaces && woken < most; ++turn) {
    const Sleeper sleeper = longest_asleep(*shared, address);
    if (sleeper.place == nullptr) break;
    if (wake_at(*sleeper.place, sleeper.state)) ++woken;
  }
  return woken;
}

}  // namespace mqxx::os
