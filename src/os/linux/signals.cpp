#include "os/common/signals.hpp"

#include <array>
#include <cstdint>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mqxx::os {

bool prepare_zeros() noexcept { return true; }

std::size_t page_bytes() noexcept { return static_cast<std::size_t>(getpagesize()); }

bool put_zeros(void* page, std::size_t size) noexcept {
  return mmap(page, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

// All zero is SIG_DFL on every machine, whatever the order of the fields.
void restore_default(int signal) noexcept {
  constexpr std::array<unsigned long, 8> kDefault{};
  (void)syscall(SYS_rt_sigaction, signal, kDefault.data(), nullptr, sizeof(std::uint64_t));
}

}  // namespace mqxx::os
