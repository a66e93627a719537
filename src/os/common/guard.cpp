// Guards on SIGBUS, which the kernel raises at the instruction that touches a page behind the end of its file.
//
// The handler may run in any thread at any instruction, also where this file itself is half way, and after a fork that
// another thread was in the middle of. So nothing here waits for anything:
//  - ranges stand in chunks that are never given back; an entry is claimed and released by one word
//  - the program's actions are kept in a table that only grows, each once; which of them counts is one number
#include "os/guard.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <new>

#include <pthread.h>

#include "os/common/signals.hpp"

namespace mqxx::os {

/// One entry. `begin` 0: free; kClaimed: somebody fills it in, or empties it.
struct GuardedRange {
  std::atomic<std::uintptr_t> begin;
  std::atomic<std::uintptr_t> end;
};

namespace {

constexpr std::uintptr_t kClaimed = 1;

// ---- Ranges

struct Chunk {
  static constexpr std::size_t kEntries = 255;  // a page
  Chunk* next;
  std::atomic<std::uint32_t> used;  // about, to pass over what is full
  std::array<GuardedRange, kEntries> ranges;
};
static_assert(sizeof(Chunk) <= 4096);

constinit Chunk g_first{};
constinit std::atomic<Chunk*> g_chunks{&g_first};  // grows at its head

GuardedRange* claim_in(Chunk& chunk) noexcept {
  if (chunk.used.load(std::memory_order_relaxed) >= Chunk::kEntries) return nullptr;
  for (GuardedRange& range : chunk.ranges) {
    std::uintptr_t free = 0;
    if (range.begin.load(std::memory_order_relaxed) != free) continue;
    if (!range.begin.compare_exchange_strong(free, kClaimed, std::memory_order_acquire)) continue;
    chunk.used.fetch_add(1, std::memory_order_relaxed);
    return &range;
  }
  return nullptr;
}

GuardedRange* claim() noexcept {
  for (Chunk* chunk = g_chunks.load(std::memory_order_acquire); chunk != nullptr; chunk = chunk->next) {
    GuardedRange* range = claim_in(*chunk);
    if (range != nullptr) return range;
  }
  auto* made = new (std::nothrow) Chunk{};  // all zero: free
  if (made == nullptr) return nullptr;
  GuardedRange* range = claim_in(*made);
  made->next = g_chunks.load(std::memory_order_relaxed);
  while (!g_chunks.compare_exchange_weak(made->next, made, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return range;
}

GuardedRange* range_of(std::uintptr_t address) noexcept {
  for (Chunk* chunk = g_chunks.load(std::memory_order_acquire); chunk != nullptr; chunk = chunk->next) {
    if (chunk->used.load(std::memory_order_relaxed) == 0) continue;
    for (GuardedRange& range : chunk->ranges) {
      const std::uintptr_t begin = range.begin.load(std::memory_order_acquire);
      if (begin > kClaimed && begin <= address && address < range.end.load(std::memory_order_relaxed)) return &range;
    }
  }
  return nullptr;
}

void release(GuardedRange* range) noexcept {
  range->begin.store(0, std::memory_order_release);
  for (Chunk* chunk = g_chunks.load(std::memory_order_acquire); chunk != nullptr; chunk = chunk->next) {
    const std::less<const GuardedRange*> before;
    if (before(range, chunk->ranges.data()) || !before(range, chunk->ranges.data() + Chunk::kEntries)) continue;
    chunk->used.fetch_sub(1, std::memory_order_relaxed);
  }
}

// ---- The program's actions

struct Action {
  std::atomic<std::uint32_t> state;  // kEmpty, kBeingWritten, kWritten: for good
  struct sigaction action;
};
constexpr std::uint32_t kEmpty = 0;
constexpr std::uint32_t kBeingWritten = 1;
constexpr std::uint32_t kWritten = 2;
constexpr std::uint32_t kActions = 64;  // different ones in the life of a process

constinit std::array<Action, kActions> g_actions{};  // the first stays empty: the default action
constinit std::atomic<std::uint32_t> g_action{0};
constinit std::atomic<bool> g_installed{false};

// Of the mask the kernel has one word.
bool equal(const struct sigaction& one, const struct sigaction& other) noexcept {
  return one.sa_handler == other.sa_handler && one.sa_flags == other.sa_flags &&
         std::memcmp(&one.sa_mask, &other.sa_mask, sizeof(std::uint64_t)) == 0;
}

/// @return its number; kActions when there is no room
std::uint32_t number_of(const struct sigaction& action) noexcept {
  if (equal(action, g_actions[0].action)) return 0;
  for (std::uint32_t number = 1; number < kActions; ++number) {
    Action& at = g_actions[number];
    std::uint32_t state = at.state.load(std::memory_order_acquire);
    if (state == kEmpty && at.state.compare_exchange_strong(state, kBeingWritten, std::memory_order_acquire)) {
      at.action = action;
      at.state.store(kWritten, std::memory_order_release);
      return number;
    }
    // One that another thread is just writing may be equal: then it stands there twice.
    if (state == kWritten && equal(action, at.action)) return number;
  }
  return kActions;
}

// ---- The handler

/// Gives the page at `address` to this process alone.
bool replace_page(std::uintptr_t address) noexcept {
  const auto page_size = static_cast<std::uintptr_t>(page_bytes());
  void* page = reinterpret_cast<void*>(address & ~(page_size - 1));  // NOLINT(performance-no-int-to-ptr)
  return put_zeros(page, page_size);
}

/// The range's last page first: who reads zeros in the other finds zeros there.
bool replace_lost(std::uintptr_t address) noexcept {
  const GuardedRange* range = range_of(address);
  return range != nullptr && replace_page(range->end.load(std::memory_order_relaxed) - 1) && replace_page(address);
}

void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  const std::uint32_t number = g_action.load(std::memory_order_acquire);
  const struct sigaction& action = g_actions[number].action;
  const bool sent = info->si_code <= 0;  // by somebody, and not by an instruction, which would fault again
  if (action.sa_handler == SIG_IGN && sent) return;
  if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) {
    restore_default(signal);
    if (sent) (void)raise(signal);
    return;
  }
  if ((action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) g_action.store(0, std::memory_order_release);
  if ((action.sa_flags & SA_SIGINFO) != 0) return action.sa_sigaction(signal, info, context);
  action.sa_handler(signal);
}

void on_bus_error(int signal, siginfo_t* info, void* context) noexcept {
  const int error = errno;
  const bool replaced = info->si_code == BUS_ADRERR && replace_lost(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = error;
  if (!replaced) pass_on(signal, info, context);
}

void install() noexcept {
  struct sigaction before {};
  if (sigaction(kGuardSignal, nullptr, &before) != 0) return;
  const struct sigaction ours = guard_in_front_of(before);
  if (sigaction(kGuardSignal, &ours, &before) != 0) return;
  g_action.store(number_of(before), std::memory_order_release);
  g_installed.store(true, std::memory_order_release);
}

}  // namespace

bool guards() noexcept { return g_installed.load(std::memory_order_acquire); }

bool is_guard(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_bus_error;
}

struct sigaction guard_in_front_of(const struct sigaction& action) noexcept {
  struct sigaction ours = action;
  ours.sa_sigaction = on_bus_error;
  ours.sa_flags = (action.sa_flags | SA_SIGINFO) & ~static_cast<int>(SA_RESETHAND);
  // Nobody expects to be interrupted by a signal that he leaves to the system.
  if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
    ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  return ours;
}

struct sigaction program_action() noexcept {
  return g_actions[g_action.load(std::memory_order_acquire)].action;
}

bool exchange_action(const struct sigaction& action, struct sigaction& before) noexcept {
  const std::uint32_t number = number_of(action);
  if (number == kActions) return false;
  before = g_actions[g_action.exchange(number, std::memory_order_acq_rel)].action;
  return true;
}

Result<Guard> Guard::over(const std::byte* memory, std::uint64_t size) noexcept {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (!prepare_zeros() || pthread_once(&once, install) != 0) return Errc::no_memory;
  GuardedRange* range = claim();
  if (range == nullptr) return Errc::no_memory;
  range->end.store(reinterpret_cast<std::uintptr_t>(memory) + size, std::memory_order_relaxed);
  // Release: meets the acquire in range_of(): a handler that sees the beginning sees the end.
  range->begin.store(reinterpret_cast<std::uintptr_t>(memory), std::memory_order_release);
  Guard guard;
  guard.range_ = range;
  return guard;
}

Guard::~Guard() {
  if (range_ != nullptr) release(range_);
}

}  // namespace mqxx::os
