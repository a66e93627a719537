#include "os/common/signals.hpp"

#include <atomic>
#include <new>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/memory.hpp"

namespace mqxx::os {
namespace {

// One page of zeros in a file without a name: POSIX has no memory without a file. Whoever maps it for himself and
// writes gets a copy.
constinit std::atomic<int> g_zeros{-1};
constinit std::atomic<std::size_t> g_page_bytes{0};  // sysconf(3) is not for signal handlers

}  // namespace

bool prepare_zeros() noexcept try {
  if (g_zeros.load(std::memory_order_relaxed) >= 0) return true;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  g_page_bytes.store(page, std::memory_order_relaxed);
  const Result<UnnamedFile> file = create_unnamed(memory_directory(), 0600);
  if (!file || !resize(file->fd.get(), page) || !reserve(file->fd.get(), 0, page)) return false;
  int none = -1;
  const int kept = fcntl(file->fd.get(), F_DUPFD_CLOEXEC, 0);
  if (kept >= 0 && !g_zeros.compare_exchange_strong(none, kept, std::memory_order_relaxed)) close(kept);
  return kept >= 0;
} catch (const std::bad_alloc&) {
  return false;
}

std::size_t page_bytes() noexcept { return g_page_bytes.load(std::memory_order_relaxed); }

bool put_zeros(void* page, std::size_t size) noexcept {
  const int zeros = g_zeros.load(std::memory_order_relaxed);
  return mmap(page, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, zeros, 0) != MAP_FAILED;
}

void restore_default(int signal) noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  (void)sigaction(signal, &action, nullptr);
}

}  // namespace mqxx::os
