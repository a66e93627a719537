// reads_are_done(): what was read before it, by any means, was read before what is read behind it.
#pragma once

#include <atomic>

namespace mqxx {

/// Acquire, for plain reads as well: the bytes of a copy, and then a word that says whether they were there.
inline void reads_are_done() noexcept {
#if defined(__SANITIZE_THREAD__)
  // GCC has no fences for it. What is ordered here is no other thread's work, but the kernel's.
  std::atomic_signal_fence(std::memory_order_seq_cst);
#else
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
}

}  // namespace mqxx
