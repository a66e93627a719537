// Calling: marks that a thread is inside a call on an open queue, so that a close in another thread cannot pull it
// away.
//
// A hazard pointer without a fence: the thread stores what it uses, and whoever wants to destroy something makes
// membarrier(2) order that store for all threads before it looks. Two stores for each call instead of two exchanges.
//   C1  what a Calling names is not destroyed until the Calling ends.
//   C2  calls nest in signal handlers, kDepth deep; a deeper one is refused (EDEADLK). A call that a handler left by
//       siglongjmp is forgotten by the next one.
// Thread safety: any thread; a Calling belongs to its thread.
#pragma once

#include <atomic>
#include <cerrno>

#include <pthread.h>

namespace mqxx::posix {

class OpenQueue;

inline constexpr int kDepth = 4;

/// One thread's marks. Lives for ever and is used again by later threads.
struct alignas(64) Marks {
  std::atomic<const OpenQueue*> uses[kDepth];
  const void* frames[kDepth] = {};  // where each call's Calling stands
  int depth = 0;
  int cancel_state = PTHREAD_CANCEL_ENABLE;  // of the program, while uncancelled_if_nested() has another
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
    if (marks_->depth != 0) [[unlikely]] {
      nest();
      if (marks_ == nullptr) return;
    }
    marks_->frames[marks_->depth++] = this;
  }
  Calling(const Calling&) = delete;
  Calling& operator=(const Calling&) = delete;
  ~Calling() {
    if (marks_ == nullptr) return;
    use(nullptr);
    --marks_->depth;
  }

  [[nodiscard]] bool possible() const noexcept { return marks_ != nullptr; }
  /// The errno for a call that is not: no memory for the marks, or handlers over handlers.
  static int refusal() noexcept { return t_marks == nullptr ? ENOMEM : EDEADLK; }
  /// Afterwards the caller looks again whether `queue` is still where it was found: only then is it safe.
  void use(const OpenQueue* queue) noexcept {
    marks_->uses[marks_->depth - 1].store(queue, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the processor's part is done by whoever destroys
  }

 private:
  void nest() noexcept;

  Marks* marks_;
};

/// Makes a call that can be cancelled only where it sleeps if it is in a handler over another call, which may have made
/// cancellation asynchronous. For the outermost function: it has nothing to destroy, so a cancellation that strikes
/// before this one takes hold can unwind it.
template <class Call>
auto uncancelled_if_nested(Call call) {
  if (t_marks == nullptr || t_marks->depth == 0) [[likely]]
    return call();
  int before = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  const int outer = t_marks->cancel_state;
  t_marks->cancel_state = before;
  const auto result = call();
  t_marks->cancel_state = outer;
  pthread_setcancelstate(before, nullptr);
  return result;
}

/// Makes every mark that was set before visible here, and every removal from a table visible to those who mark from now
/// on. @return false when the system cannot: then nothing may be destroyed
bool order_marks() noexcept;
bool in_use(const OpenQueue* queue) noexcept;
/// When the library is loaded: not at the first call, which a fork may cut in two.
void prepare_marks() noexcept;
/// In the child of a fork: only the thread that forked is left.
void forget_other_threads() noexcept;

}  // namespace mqxx::posix
