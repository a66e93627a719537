#include "posix/calling.hpp"

#include <cerrno>
#include <functional>
#include <new>

#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mqxx::posix {

constinit thread_local Marks* t_marks __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

std::atomic<Marks*> g_all{nullptr};  // grows at its head and never shrinks

// Without the one nothing is destroyed, without the other the marks of ended threads stay taken: leaks, both.
bool g_ordered = false;
pthread_key_t g_end_of_thread = ~0U;

void give_back(void* marks) noexcept {
  t_marks = nullptr;
  static_cast<Marks*>(marks)->taken.store(false, std::memory_order_release);
}

Marks* take_free() noexcept {
  for (Marks* marks = g_all.load(std::memory_order_acquire); marks != nullptr; marks = marks->next) {
    bool taken = false;
    if (marks->taken.compare_exchange_strong(taken, true, std::memory_order_acquire)) return marks;
  }
  return nullptr;
}

// A page of them at a time, and not from malloc: a signal handler may be the first to call.
Marks* make_more() noexcept {
  constexpr std::size_t kBytes = 4096;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* made = static_cast<Marks*>(memory);
  constexpr std::size_t kCount = kBytes / sizeof(Marks);
  for (std::size_t i = 0; i < kCount; ++i) {
    new (&made[i]) Marks{};
    made[i].next = &made[i + 1];
  }
  made[0].taken.store(true, std::memory_order_relaxed);
  Marks*& last = made[kCount - 1].next;
  last = g_all.load(std::memory_order_relaxed);
  while (!g_all.compare_exchange_weak(last, made, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return made;
}

}  // namespace

Marks* marks_of_this_thread() noexcept {
  const int error = errno;
  if (t_marks == nullptr) {
    Marks* marks = take_free();
    if (marks == nullptr) marks = make_more();
    if (marks != nullptr) {
      marks->depth = 0;
      pthread_setspecific(g_end_of_thread, marks);
    }
    t_marks = marks;
  }
  errno = error;
  return t_marks;
}

void Calling::nest() noexcept {
  // Calls that were left without returning stand deeper on the stack than this one. On a stack of its own a handler
  // stands anywhere.
  stack_t alternate{};
  const bool ordinary = sigaltstack(nullptr, &alternate) == 0 && (alternate.ss_flags & SS_ONSTACK) == 0;
  while (ordinary && marks_->depth > 0 &&
         std::less_equal<>()(marks_->frames[marks_->depth - 1], static_cast<void*>(this))) {
    marks_->uses[--marks_->depth].store(nullptr, std::memory_order_release);
  }
  if (marks_->depth == kDepth) marks_ = nullptr;
}

void prepare_marks() noexcept {
  g_ordered = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
  if (pthread_key_create(&g_end_of_thread, give_back) != 0) g_end_of_thread = ~0U;
}

bool order_marks() noexcept {
  return g_ordered && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool in_use(const OpenQueue* queue) noexcept {
  for (const Marks* marks = g_all.load(std::memory_order_acquire); marks != nullptr; marks = marks->next) {
    for (const std::atomic<const OpenQueue*>& use : marks->uses) {
      if (use.load(std::memory_order_acquire) == queue) return true;
    }
  }
  return false;
}

void forget_other_threads() noexcept {
  for (Marks* marks = g_all.load(std::memory_order_acquire); marks != nullptr; marks = marks->next) {
    if (marks == t_marks) continue;
    for (std::atomic<const OpenQueue*>& use : marks->uses) use.store(nullptr, std::memory_order_relaxed);
    marks->depth = 0;
    marks->taken.store(false, std::memory_order_relaxed);
  }
}

}  // namespace mqxx::posix
