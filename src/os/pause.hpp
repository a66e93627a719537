// pause(): tells the processor that this is a spin loop.
// yield(): lets another thread have the processor, if one wants it.
#pragma once

#include <sched.h>

namespace mqxx::os {

inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ __volatile__("yield");
#endif
}

inline void yield() noexcept { sched_yield(); }

}  // namespace mqxx::os
