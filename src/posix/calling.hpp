// Calling: marks that a thread is inside a call on an open queue, so that a close in another thread cannot pull it
// away.
//
// A hazard pointer without a fence: the thread stores what it uses, and whoever wants to destroy something makes
// membarrier(2) order that store for all threads before it looks. Two stores for each call instead of two exchanges.
//   C1  what a Calling names is not destroyed until the Calling ends.
//   C2  calls nest in signal handlers, kDepth deep; a deeper one is refused (EDEADLK).
// Thread safety: any thread; a Calling belongs to its thread.
#pragma once

#include <atomic>

namespace mqxx::posix {

class OpenQueue;

inline constexpr int kDepth = 4;

/// One thread's marks. Lives for ever and is used again by later threads.
struct alignas(64) Marks {
  std::atomic<const OpenQueue*> uses[kDepth];
  int depth = 0;
  std::atomic<bool> taken;
  Marks* next = nullptr;
};

/// This thread's marks; nullptr without memory for them.
Marks* marks_of_this_thread() noexcept;
extern constinit thread_local Marks* t_marks;

class Calling {
 public:
  Calling() noexcept : marks_(t_marks != nullptr ? t_marks : marks_of_this_thread()) {
    if (marks_ == nullptr) return;
    if (marks_->depth == kDepth) {
      marks_ = nullptr;
      return;
    }
    ++marks_->depth;
  }
  Calling(const Calling&) = delete;
  Calling& operator=(const Calling&) = delete;
  ~Calling() {
    if (marks_ == nullptr) return;
    use(nullptr);
    --marks_->depth;
  }

  [[nodiscard]] bool possible() const noexcept { return marks_ != nullptr; }
  /// Afterwards the caller looks again whether `queue` is still where it was found: only then is it safe.
  void use(const OpenQueue* queue) noexcept {
    marks_->uses[marks_->depth - 1].store(queue, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the processor's part is done by whoever destroys
  }

 private:
  Marks* marks_;
};

/// Makes every mark that was set before visible here, and every removal from a table visible to those who mark from now
/// on. @return false when the system cannot: then nothing may be destroyed
bool order_marks() noexcept;
bool in_use(const OpenQueue* queue) noexcept;
/// When the library is loaded: not at the first call, which a fork may cut in two.
void prepare_marks() noexcept;
/// In the child of a fork: only the thread that forked is left.
void forget_other_threads() noexcept;

}  // namespace mqxx::posix
