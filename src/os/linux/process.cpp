#include "os/process.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

// Claims are locks on single bytes far behind the end of any queue.
constexpr off_t kClaims = off_t{1} << 62;

struct flock byte_lock(std::uint32_t number) noexcept {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kClaims + static_cast<off_t>(number);
  lock.l_len = 1;
  return lock;
}

std::atomic<std::uint32_t> g_generation{1};
std::atomic<std::int32_t> g_pid{0};
std::atomic<std::uint32_t> g_pid_namespace{0};

void count_fork() noexcept {
  g_generation.fetch_add(1, std::memory_order_relaxed);
  g_pid.store(0, std::memory_order_relaxed);
  g_pid_namespace.store(0, std::memory_order_relaxed);  // the child may be the first of a new one
}

void watch_forks() noexcept {
  static const int registered = pthread_atfork(nullptr, nullptr, count_fork);
  (void)registered;  // ENOMEM only: then a child believes itself its parent, as it would without us
}

bool in_group(gid_t group) {
  if (group == getegid()) return true;
  const int count = getgroups(0, nullptr);
  if (count <= 0) return false;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  const int got = getgroups(count, groups.data());
  for (int i = 0; i < got; ++i) {
    if (groups[static_cast<std::size_t>(i)] == group) return true;
  }
  return false;
}

}  // namespace

std::int32_t process_id() noexcept {
  std::int32_t pid = g_pid.load(std::memory_order_relaxed);
  if (pid == 0) [[unlikely]] {
    watch_forks();
    pid = getpid();
    g_pid.store(pid, std::memory_order_relaxed);
  }
  return pid;
}

std::int32_t current_cpu() noexcept {
  if (__rseq_size == 0) return sched_getcpu();
  const auto* area = reinterpret_cast<const volatile struct rseq*>(
      static_cast<const char*>(__builtin_thread_pointer()) + __rseq_offset);
  const auto cpu = static_cast<std::int32_t>(area->cpu_id);
  return cpu >= 0 ? cpu : sched_getcpu();
}

Result<void> claim(int fd, std::uint32_t number) noexcept {
  struct flock lock = byte_lock(number);
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return {};
  if (errno == EAGAIN || errno == EACCES) return Errc::would_block;
  return failure_from_errno(errno);
}

bool claimed_elsewhere(int fd, std::uint32_t number) noexcept {
  struct flock lock = byte_lock(number);
  // A query that fails counts as a claim: better a slot that comes back late than one taken from a living owner.
  return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

Result<UniqueFd> reopen(int fd) noexcept {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
  UniqueFd fresh(open(path.data(), O_RDWR | O_CLOEXEC));
  if (!fresh) return failure_from_errno(errno);
  return fresh;
}

Result<void> renew(int fd) noexcept {
  const Result<UniqueFd> fresh = reopen(fd);
  if (!fresh) return fresh.failure();
  if (dup3(fresh->get(), fd, O_CLOEXEC) < 0) return failure_from_errno(errno);
  return {};
}

std::uint32_t fork_generation() noexcept {
  watch_forks();
  return g_generation.load(std::memory_order_relaxed);
}

std::uint32_t pid_namespace() noexcept {
  std::uint32_t known = g_pid_namespace.load(std::memory_order_relaxed);
  if (known != 0) return known;
  watch_forks();
  struct stat status {};
  if (stat("/proc/self/ns/pid", &status) != 0) return 0;
  known = static_cast<std::uint32_t>(status.st_ino);
  g_pid_namespace.store(known, std::memory_order_relaxed);
  return known;
}

bool process_exists(std::int32_t pid) noexcept { return kill(pid, 0) == 0 || errno == EPERM; }

std::uint32_t thread_id() noexcept { return static_cast<std::uint32_t>(gettid()); }

bool may_map(std::uint32_t thread, int fd) noexcept {
  struct stat status {};
  if (fstat(fd, &status) != 0) return true;
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%u/maps", thread);
  const std::unique_ptr<FILE, int (*)(FILE*)> maps(std::fopen(path.data(), "re"), std::fclose);
  // ENOENT: no such thread, or one that /proc hides from us.
  if (!maps) return (errno != ENOENT && errno != ESRCH) || process_exists(static_cast<std::int32_t>(thread));
  std::array<char, 512> line{};
  while (std::fgets(line.data(), line.size(), maps.get()) != nullptr) {
    unsigned major_number = 0;
    unsigned minor_number = 0;
    unsigned long long inode = 0;
    if (std::sscanf(line.data(), "%*s %*s %*s %x:%x %llu", &major_number, &minor_number, &inode) != 3) continue;
    if (inode == status.st_ino && makedev(major_number, minor_number) == status.st_dev) return true;
  }
  return std::ferror(maps.get()) != 0;
}

bool may_access(std::uint32_t uid, std::uint32_t gid, std::uint32_t mode, bool read, bool write) noexcept {
  const uid_t self = geteuid();
  if (self == 0) return true;
  std::uint32_t bits = mode & 7U;
  if (self == uid) {
    bits = (mode >> 6) & 7U;
  } else if (in_group(gid)) {
    bits = (mode >> 3) & 7U;
  }
  return (!read || (bits & 4U) != 0) && (!write || (bits & 2U) != 0);
}

}  // namespace mqxx::os
