// A lock that tells of dead owners where the system keeps no list of locks: a word with its owner's number, and a lock
// of fcntl(2) that ends with the owner (register.hpp). Whoever waits asks whether the owner lives.
//
// Why not a robust pthread_mutex_t: it links itself into a list through pointers in the shared bytes, which a hostile
// process may have written; whoever unlocks it without repairing makes it useless for ever; and macOS and OpenBSD have
// none (docs/decisions/0013-generic-port.md).
//   P1  word: 0 free; an owner's number; kDied beside a number or alone: an owner has died, and nobody has repaired.
//   P2  a number in the word that is this process's is a thread's of it, or foreign bytes. Threads that are inside a
//       lock are counted; when no other was, from before the word was read until after, it is foreign bytes.
//   P3  a number that nobody has is a dead one's, or foreign bytes: the same case.
#include "os/lock.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <pthread.h>

#include "os/generic/register.hpp"
#include "os/pause.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"

namespace mqxx::os {
namespace {

constexpr std::uint32_t kDied = 1U << 31;
constexpr std::uint32_t kOwner = (1U << 30) - 1;

// Whether this thread is inside a lock. Its own signal handlers look.
constinit thread_local std::atomic<bool> t_inside __attribute__((tls_model("initial-exec"))){false};

// P2: threads of this process inside a lock in the low half, how many ever were in the high one.
constinit std::atomic<std::uint64_t> g_crowd{0};
constexpr std::uint64_t kEntry = (std::uint64_t{1} << 32) + 1;

// In whose name it took its first lock, whatever becomes of the register or of the word meanwhile.
constinit thread_local std::uint32_t t_number __attribute__((tls_model("initial-exec"))) = 0;

// What the parent holds is the parent's, also where a handler inside a lock has forked.
void forget_locks_in_child() noexcept {
  g_crowd.store(0, std::memory_order_relaxed);
  t_inside.store(false, std::memory_order_relaxed);
}
constexpr int kFirst = 101;
__attribute__((constructor(kFirst))) void watch_forks() noexcept {
  (void)pthread_atfork(nullptr, nullptr, forget_locks_in_child);
}

void enter_crowd() noexcept { g_crowd.fetch_add(kEntry, std::memory_order_seq_cst); }
void leave_crowd() noexcept { g_crowd.fetch_sub(1, std::memory_order_seq_cst); }

// @param held locks that the calling thread holds
bool is_foreign(const LockWord& lock, std::uint32_t seen, std::uint32_t held) noexcept {
  const std::uint64_t before = g_crowd.load(std::memory_order_seq_cst);
  if (static_cast<std::uint32_t>(before) != held || lock.word.load(std::memory_order_seq_cst) != seen) return false;
  return g_crowd.load(std::memory_order_seq_cst) == before;
}

// @return whether the lock is this thread's; `seen` is what the word was
bool try_take(LockWord& lock, std::uint32_t number, std::uint32_t& seen) noexcept {
  enter_crowd();
  seen = lock.word.load(std::memory_order_relaxed);
  // HB1 lock: acquire. Meets the release in give_back(); for a dead owner's stores, the end of its lock in the system,
  // which comes after all of them and which somebody has seen before the owner's number left the word.
  if ((seen & kOwner) == 0 && lock.word.compare_exchange_strong(seen, number | (seen & kDied),
                                                                std::memory_order_acquire, std::memory_order_relaxed)) {
    return true;
  }
  leave_crowd();
  return false;
}

void sleep_for(std::int64_t ns) noexcept {
  const Uncancelled uncancelled;
  const timespec time{0, static_cast<long>(ns)};
  (void)nanosleep(&time, nullptr);
}

constexpr int kYields = 20;
constexpr std::int64_t kShortestNs = 20'000;
constexpr std::int64_t kLongestNs = 2'000'000;
constexpr std::int64_t kSlowNs = 200'000'000;

// The owner is gone: the word says so from now on, to everybody.
void bury(LockWord& lock, std::uint32_t seen) noexcept {
  lock.word.compare_exchange_strong(seen, kDied, std::memory_order_acq_rel, std::memory_order_relaxed);
}

[[gnu::noinline]] Locked take_slowly(LockWord& lock, std::uint32_t number, std::uint32_t held) noexcept {
  std::uint32_t owner = 0;
  std::int64_t since = 0;
  std::int64_t nap = kShortestNs;
  for (int round = 0;; ++round) {
    std::uint32_t seen = 0;
    if (try_take(lock, number, seen)) return (seen & kDied) != 0 ? Locked::owner_died : Locked::clean;
    if ((seen & kOwner) == 0) continue;  // somebody was quicker
    if (round < kYields) {
      yield();
      continue;
    }
    if ((seen & kOwner) == number ? is_foreign(lock, seen, held) : !is_alive(seen & kOwner)) {
      bury(lock, seen);
      continue;
    }
    const std::int64_t now = now_ns();
    if ((seen & kOwner) != owner) {
      owner = seen & kOwner;
      since = now;
    }
    if (now - since > kSlowNs) return Locked::owner_slow;
    sleep_for(nap);
    nap = std::min(nap * 2, kLongestNs);
  }
}

Locked take(LockWord& lock, std::uint32_t number, std::uint32_t held) noexcept {
  std::uint32_t seen = 0;
  if (try_take(lock, number, seen)) return (seen & kDied) != 0 ? Locked::owner_died : Locked::clean;
  const int error = errno;
  const Locked locked = take_slowly(lock, number, held);
  errno = error;
  return locked;
}

void give_back(LockWord& lock, std::uint32_t left) noexcept {
  lock.word.store(left, std::memory_order_release);  // HB1 unlock
  leave_crowd();
}

}  // namespace

Locked lock_first(LockWord& first) noexcept {
  if (t_inside.load(std::memory_order_relaxed)) return Locked::would_deadlock;
  // Without a number nobody would know of this owner's death.
  const std::uint32_t number = process_number();
  if (number == 0) return Locked::would_deadlock;
  t_inside.store(true, std::memory_order_relaxed);
  t_number = number;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const Locked locked = take(first, number, 0);
  if (locked == Locked::owner_slow) t_inside.store(false, std::memory_order_relaxed);
  return locked;
}

void unlock_first(LockWord& first) noexcept {
  give_back(first, 0);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  t_inside.store(false, std::memory_order_relaxed);
}

void abandon_first(LockWord& first) noexcept {
  give_back(first, kDied);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  t_inside.store(false, std::memory_order_relaxed);
}

Locked lock_second(LockWord& /*first*/, LockWord& second) noexcept { return take(second, t_number, 1); }

void unlock_second(LockWord& /*first*/, LockWord& second) noexcept { give_back(second, 0); }

// Numbers are those of one register, and no two processes have the same: the system's word is enough.
bool confirm_first(LockWord& /*first*/) noexcept { return true; }
bool confirm_second(LockWord& /*first*/, LockWord& /*second*/) noexcept { return true; }

std::uint32_t owner_of(const LockWord& lock) noexcept { return lock.word.load(std::memory_order_relaxed) & kOwner; }

void disown(LockWord& lock, std::uint32_t thread) noexcept {
  const std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  if ((seen & kOwner) == thread) bury(lock, seen);
}

bool owner_died(const LockWord& lock) noexcept {
  const std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  return (seen & kDied) != 0 || ((seen & kOwner) != 0 && !is_alive(seen & kOwner));
}

// The register's identity: processes with two of them would take each other for dead.
std::uint32_t lock_fingerprint() noexcept {
  const std::uint64_t identity = register_identity();
  constexpr std::uint32_t kGeneric = 0x67656e31;  // "gen1"
  return static_cast<std::uint32_t>(identity) ^ static_cast<std::uint32_t>(identity >> 32) ^ kGeneric;
}

}  // namespace mqxx::os
