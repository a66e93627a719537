// The cross-process lock that reports a dead owner: the contract for whoever ports it.
//
//  - Mutual exclusion between threads of any processes that map the same LockWord.
//  - When a thread dies (its process is killed, say) while it holds a lock, the next lock() of it returns owner_died,
//  to
//    exactly one caller at a time, and the caller holds the lock. Until somebody calls unlock() on it, rather than
//    abandon() or death, every later lock() returns owner_died too. So a death during a repair is the same case.
//  - A thread holds at most two locks, `first` and then `second`, and releases them in the opposite order.
//  - lock() returns would_deadlock, and holds nothing, when the calling thread is inside a lock of this kind already: a
//    signal handler interrupted it.
//  - lock_first() and lock_second() return owner_slow, and have not got that lock, when one owner has held it for a
//  while (some 200 ms).
//    It may be stopped, or it may be no owner at all: the bytes of the lock may be foreign. Who knows that the thread
//    is a stranger calls disown(), after which the lock is like that of a dead owner; who does not asks again.
//  - A lock knows its owner by a number that two threads of different PID namespaces may share. When the one dies at
//  the very point of taking a lock that the other holds, owner_died is told of an owner who lives. Who may have such
//  users calls confirm_first() or confirm_second() between owner_died and the repair.
//  - A zero-filled LockWord is unlocked.
#pragma once

#include <atomic>
#include <cstdint>

namespace mqxx::os {

/// The bytes that processes share. The port on Linux gives it the shape of the C library's robust mutex.
struct LockWord {
  std::atomic<std::uint32_t> word;
  std::atomic<std::uint32_t> contended;
  std::uint32_t unused[4];
  std::uint64_t links[2];
};
static_assert(sizeof(LockWord) == 40 && std::atomic<std::uint32_t>::is_always_lock_free);

enum class Locked : std::uint8_t { clean, would_deadlock, owner_died, owner_slow };

Locked lock_first(LockWord& first) noexcept;
void unlock_first(LockWord& first) noexcept;

/// REQUIRES: the caller holds `first` and no other. Never returns would_deadlock.
Locked lock_second(LockWord& first, LockWord& second) noexcept;
void unlock_second(LockWord& first, LockWord& second) noexcept;

/// Unlocks a lock that was taken with owner_died and not repaired: the next owner is told again.
void abandon_first(LockWord& first) noexcept;

/// Waits some 100 ms for a sign that the owner who died has not. REQUIRES: taken with owner_died and not repaired.
/// @return false: it lived, and has let go of the lock; the caller has not got it either
bool confirm_first(LockWord& first) noexcept;
bool confirm_second(LockWord& first, LockWord& second) noexcept;

/// The thread in whose name the lock is held, 0 when it is not.
std::uint32_t owner_of(const LockWord& lock) noexcept;
/// Takes the lock from a thread that is none of its users, if it is still held in that name.
void disown(LockWord& lock, std::uint32_t thread) noexcept;

/// Whether an owner has died and nobody has repaired what it left. A hint: it may change at once.
bool owner_died(const LockWord& lock) noexcept;

/// Names what must be equal in two builds that share a LockWord: its shape, and how owners are written into it.
std::uint32_t lock_fingerprint() noexcept;

}  // namespace mqxx::os
