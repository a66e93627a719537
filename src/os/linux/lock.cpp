// Robust lock on futexes and the kernel's robust list, in the manner of the C library's robust mutex and on the same
// list.
//
// Why not pthread_mutex_t: measured at twice the price (docs/decisions/0002-robust-lock.md). The list head belongs to
// the C library; get_robust_list(2) tells where it is and at what distance the kernel expects the futex word from a
// node.
//   L1  A thread that holds a lock, or is at the very point of taking it, has list_op_pending set to its newest such
//   lock. While it waits for one, list_op_pending is the lock that it holds, or a word of its own that nobody locks
//   when it holds none; outside of lock calls and critical sections it is 0.
//   L2  The older of two held locks is linked at the front of the thread's list, as the C library links its own.
//   L3  So whatever instruction a thread dies at, the kernel finds every word that may hold its TID; and as few others
//   as can be, for the kernel compares TIDs, which are equal in two PID namespaces
//   (docs/decisions/0010-equal-tids.md).
// Unlocking is a plain store and not an exchange, which saves 3 ns and the wait for every earlier store (a line that
// another processor has takes 60 ns to come). What an exchange would have told, that somebody sleeps, is in a word of
// its own:
//   L4  A waiter sets the waiters' bit, then `contended`, calls membarrier(2), and only then sleeps. After that call an
//   owner has either made its unlocking
//       visible, so the futex call does not sleep, or will see `contended` when it looks behind its unlocking, and
//       wakes.
// Where membarrier is refused the waiter sleeps in short slices instead.
// L1 holds as long as no robust pthread mutex is used inside a critical section, and none is.
#include "os/lock.hpp"

#include <algorithm>
#include <cstddef>
#include <ctime>

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "os/pause.hpp"
#include "os/wait.hpp"

namespace mqxx::os {
namespace {

// As robust_list_head of <linux/futex.h>, with the field that a thread's own signal handlers look at made atomic.
struct ListHead {
  robust_list* first;
  long futex_offset;
  std::atomic<void*> pending;
};
static_assert(sizeof(ListHead) == sizeof(robust_list_head));
static_assert(offsetof(ListHead, pending) == offsetof(robust_list_head, list_op_pending));

struct Thread {
  ListHead* head = nullptr;
  std::uint32_t tid = 0;
  bool fenced = false;
  robust_list* after_linked =
      nullptr;  // what followed the linked lock when it was linked: never read back from shared bytes
};
constinit thread_local Thread t_thread __attribute__((tls_model("initial-exec")));

// Stands in where the kernel keeps no robust list (emulators): locks work, deaths go unnoticed.
constexpr long kDefaultOffset = -32;
constinit thread_local ListHead t_no_list
    __attribute__((tls_model("initial-exec"))) = {nullptr, kDefaultOffset, {nullptr}};

// L1: stands in list_op_pending for a thread that waits and holds nothing. Never locked, so its death changes nothing.
constinit thread_local LockWord t_waiting __attribute__((tls_model("initial-exec"))){};

void forget_thread_in_child() noexcept { t_thread.tid = 0; }
// As in process.cpp. Without memory for it a child of fork keeps its parent's TID: as safe as before in the parent.
constexpr int kFirst = 101;
__attribute__((constructor(kFirst))) void watch_forks() noexcept {
  (void)pthread_atfork(nullptr, nullptr, forget_thread_in_child);
}

bool usable(const ListHead* head) noexcept {
  const long distance = -head->futex_offset;
  return distance >= 16 && distance <= 32 && distance % 8 == 0;
}

[[gnu::noinline, gnu::cold]] void enter_thread() noexcept {
  void* head = nullptr;
  std::size_t size = 0;
  const long result = syscall(SYS_get_robust_list, 0, &head, &size);
  t_thread.head = static_cast<ListHead*>(head);
  if (result != 0 || head == nullptr || !usable(t_thread.head)) t_thread.head = &t_no_list;
  t_thread.tid = static_cast<std::uint32_t>(syscall(SYS_gettid));
  // Of the process, and done once for it; asking again costs nothing (L4).
  t_thread.fenced = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

robust_list* node_of(LockWord& lock) noexcept {
  return reinterpret_cast<robust_list*>(reinterpret_cast<char*>(&lock.word) - t_thread.head->futex_offset);
}

// The back pointer of a node lies one pointer before it, in the C library's mutexes as in ours.
void set_previous(robust_list* node, robust_list* previous) noexcept {
  reinterpret_cast<robust_list**>(node)[-1] = previous;
}

void link(LockWord& lock) noexcept {
  ListHead& head = *t_thread.head;
  robust_list* node = node_of(lock);
  auto* anchor = reinterpret_cast<robust_list*>(&head.first);
  robust_list* next = head.first == nullptr ? anchor : head.first;
  t_thread.after_linked = next;
  node->next = next;
  set_previous(node, anchor);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // the node is complete before the kernel can walk onto it
  head.first = node;
  if (next != anchor) set_previous(next, node);
}

void unlink(LockWord& lock) noexcept {
  ListHead& head = *t_thread.head;
  MQXX_ASSERT(head.first == node_of(lock));
  (void)lock;
  auto* anchor = reinterpret_cast<robust_list*>(&head.first);
  head.first = t_thread.after_linked;
  if (t_thread.after_linked != anchor) set_previous(t_thread.after_linked, anchor);
}

void set_pending(void* node) noexcept {
  // Relaxed: only this thread, its signal handlers and the kernel at its death look. The signal fences keep the
  // compiler from moving the critical section across.
  t_thread.head->pending.store(node, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* timeout) noexcept {
  return syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

constexpr int kPauseRounds = 4;  // 1, 2, 4, 8 pauses, then 16: longer than a critical section whose owner runs
constexpr int kRounds = 256;     // a sleep costs as much as some 50 yields, and the interrupt of membarrier besides
constexpr std::int64_t kCrowdedNs = 1'000'000;
constexpr long kLookUpNs = 100'000'000;  // a sleeper looks up by itself: who was to wake it may have died
constexpr long kUnfencedNs = 1'000'000;
constexpr long kSliceNs = 1'000'000;
constexpr std::int64_t kSlowNs = 200'000'000;

bool try_take(LockWord& lock, std::uint32_t& seen, std::uint32_t flags) noexcept {
  const std::uint32_t kept = seen & (FUTEX_OWNER_DIED | FUTEX_WAITERS);
  // HB1 lock: acquire. Meets the release in unlock(), or the kernel's at a death: all that the last owner wrote is
  // seen.
  return lock.word.compare_exchange_strong(seen, t_thread.tid | kept | flags, std::memory_order_acquire,
                                           std::memory_order_relaxed);
}

void sleep(LockWord& lock, std::uint32_t seen) noexcept {
  // The waiters' bit is for the kernel, should the owner die.
  if ((seen & FUTEX_WAITERS) == 0 &&
      !lock.word.compare_exchange_strong(seen, seen | FUTEX_WAITERS, std::memory_order_seq_cst)) {
    return;
  }
  // Behind the exchange: an owner who lets go and takes the lock again takes the mark of the first time with it, and
  // the word would look as if nothing had happened (tests/model/spin/lock.pml, CONTENDED_FIRST).
  lock.contended.store(1, std::memory_order_relaxed);
  const bool fenced = t_thread.fenced && syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
  const timespec look_up{0, fenced ? kLookUpNs : kUnfencedNs};
  futex(lock.word, FUTEX_WAIT, seen | FUTEX_WAITERS, &look_up);
}

// L1: list_op_pending says that this thread may own the lock only while the word is being exchanged.
bool try_take_free(LockWord& lock, void* while_waiting, std::uint32_t& seen, std::uint32_t flags) noexcept {
  set_pending(node_of(lock));
  if (try_take(lock, seen, flags)) return true;
  set_pending(while_waiting);
  return false;
}

// false: somebody else had the processor for long, who neither waits for a lock nor gives one back.
bool yield_briefly() noexcept {
  const std::int64_t before = now_ns();
  yield();
  return now_ns() - before < kCrowdedNs;
}

// @param while_waiting the node of the lock that this thread holds, or of the one that nobody does (L1)
[[gnu::noinline]] Locked lock_slow(LockWord& lock, void* while_waiting) noexcept {
  set_pending(while_waiting);
  std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  for (int round = 0; round < kRounds;) {
    if ((seen & FUTEX_TID_MASK) == 0) {
      if (!try_take_free(lock, while_waiting, seen, 0)) continue;
      return (seen & FUTEX_OWNER_DIED) != 0 ? Locked::owner_died : Locked::clean;
    }
    // Longer each time, so that contenders do not take the line from the owner. Then the owner may be waiting for this
    // very processor: it woke us before it unlocked, and we took its place.
    for (int i = 0; i < 1 << std::min(round, kPauseRounds); ++i) pause();
    if (++round > kPauseRounds && !yield_briefly()) break;
    seen = lock.word.load(std::memory_order_relaxed);
  }
  std::uint32_t owner = 0;
  std::int64_t since = 0;
  for (;;) {
    seen = lock.word.load(std::memory_order_relaxed);
    if ((seen & FUTEX_TID_MASK) == 0) {
      // Both marks, for there may be other sleepers, whose turn comes when this owner unlocks or dies.
      if (!try_take_free(lock, while_waiting, seen, FUTEX_WAITERS)) continue;
      lock.contended.store(1, std::memory_order_relaxed);
      return (seen & FUTEX_OWNER_DIED) != 0 ? Locked::owner_died : Locked::clean;
    }
    const std::int64_t now = now_ns();
    if ((seen & FUTEX_TID_MASK) != owner) {
      owner = seen & FUTEX_TID_MASK;
      since = now;
    }
    if (now - since > kSlowNs) {
      // It may have been woken in the name of all sleepers, and goes without having taken the lock.
      lock.contended.store(1, std::memory_order_relaxed);
      return Locked::owner_slow;
    }
    sleep(lock, seen);
  }
}

bool take_at_once(LockWord& lock) noexcept {
  set_pending(node_of(lock));
  std::uint32_t expected = 0;
  return lock.word.compare_exchange_strong(expected, t_thread.tid, std::memory_order_acquire,  // HB1
                                           std::memory_order_relaxed);
}

// The lock leaves list_op_pending as soon as it is free, and before the call that wakes: the next owner may have our
// TID (L3). A death in between wakes nobody, and the sleepers look up by themselves.
[[gnu::always_inline]] inline void release(LockWord& lock, std::uint32_t left, void* pending_behind) noexcept {
  bool somebody_sleeps = lock.contended.load(std::memory_order_relaxed) != 0;
  // Taken back while the lock is still ours; who sets it from now on looks at the word once more before it sleeps.
  if (somebody_sleeps) [[unlikely]]
    lock.contended.store(0, std::memory_order_relaxed);
  lock.word.store(left, std::memory_order_release);  // HB1 unlock
  std::atomic_signal_fence(
      std::memory_order_seq_cst);  // L4: the compiler keeps the next load here, the waiter's membarrier the processor
  set_pending(pending_behind);
  somebody_sleeps = somebody_sleeps || lock.contended.load(std::memory_order_relaxed) != 0;
  if (somebody_sleeps) [[unlikely]]
    futex(lock.word, FUTEX_WAKE, 1, nullptr);
}

// An owner who lives lets go by a plain store, and so takes our name out.
bool keeps(const LockWord& lock) noexcept {
  const std::uint32_t ours = t_thread.tid | FUTEX_OWNER_DIED;
  const timespec slice{0, kSliceNs};
  for (const std::int64_t end = now_ns() + kLookUpNs; now_ns() < end;) {
    if ((lock.word.load(std::memory_order_relaxed) & ~FUTEX_WAITERS) != ours) return false;
    futex(t_waiting.word, FUTEX_WAIT, 0, &slice);  // nobody wakes it
  }
  return (lock.word.load(std::memory_order_relaxed) & ~FUTEX_WAITERS) == ours;
}

}  // namespace

Locked lock_first(LockWord& first) noexcept {
  if (t_thread.tid == 0) [[unlikely]]
    enter_thread();
  if (t_thread.head->pending.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
    return Locked::would_deadlock;
  if (take_at_once(first)) [[likely]]
    return Locked::clean;
  const Locked locked = lock_slow(first, node_of(t_waiting));
  if (locked == Locked::owner_slow) [[unlikely]]
    set_pending(nullptr);
  return locked;
}

void unlock_first(LockWord& first) noexcept { release(first, 0, nullptr); }

void abandon_first(LockWord& first) noexcept { release(first, FUTEX_OWNER_DIED, nullptr); }

Locked lock_second(LockWord& first, LockWord& second) noexcept {
  link(first);
  if (take_at_once(second)) [[likely]]
    return Locked::clean;
  // Linked or pending, the kernel looks at `first` once.
  const Locked locked = lock_slow(second, node_of(first));
  if (locked == Locked::owner_slow) [[unlikely]]
    unlink(first);
  return locked;
}

void unlock_second(LockWord& first, LockWord& second) noexcept {
  release(second, 0, node_of(first));
  unlink(first);
}

bool confirm_first(LockWord& first) noexcept {
  const bool kept = keeps(first);
  if (!kept) set_pending(nullptr);
  return kept;
}

bool confirm_second(LockWord& first, LockWord& second) noexcept {
  const bool kept = keeps(second);
  if (kept) return true;
  set_pending(node_of(first));
  unlink(first);
  return false;
}

std::uint32_t owner_of(const LockWord& lock) noexcept {
  return lock.word.load(std::memory_order_relaxed) & FUTEX_TID_MASK;
}

void disown(LockWord& lock, std::uint32_t thread) noexcept {
  std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  if ((seen & FUTEX_TID_MASK) != thread) return;
  lock.word.compare_exchange_strong(seen, FUTEX_OWNER_DIED | (seen & FUTEX_WAITERS), std::memory_order_relaxed);
}

bool owner_died(const LockWord& lock) noexcept {
  return (lock.word.load(std::memory_order_relaxed) & FUTEX_OWNER_DIED) != 0;
}

std::uint32_t lock_fingerprint() noexcept {
  // FNV-1a over what the kernel and the C library fix: where the node is, and how wide a pointer is.
  std::uint32_t hash = 2166136261U;
  if (t_thread.tid == 0) enter_thread();
  for (const long part : {t_thread.head->futex_offset, static_cast<long>(sizeof(void*)), 1L}) {
    hash = (hash ^ static_cast<std::uint32_t>(part)) * 16777619U;
  }
  return hash;
}

}  // namespace mqxx::os
