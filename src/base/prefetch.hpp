// prefetch_to_write(): asks for a cache line in the state in which it can be written, so that reading and then writing
// it moves it between processors once and not twice.
#pragma once

namespace mqxx {

inline void prefetch_to_write(const void* address) noexcept {
#if defined(__x86_64__)
  // By hand: without a flag for newer processors the builtin asks for reading only. Older ones ignore it.
  __asm__ __volatile__("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
#endif
}

inline void prefetch_to_read(const void* address) noexcept { __builtin_prefetch(address, 0); }

}  // namespace mqxx
