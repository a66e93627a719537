#include "os/process.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

constexpr int kFirst = 101;  // the earliest that a program may have

std::atomic<std::uint32_t> g_generation{1};
std::atomic<std::int32_t> g_pid{0};
std::atomic<std::uint32_t> g_pid_namespace{0};

void count_fork() noexcept {
  g_generation.fetch_add(1, std::memory_order_relaxed);
  g_pid.store(0, std::memory_order_relaxed);
  g_pid_namespace.store(0, std::memory_order_relaxed);  // the child may be the first of a new one
}

// When the library is loaded and not at the first call, which a fork in another thread may cut in two; and before
// others whose handlers count on ours (kFirst). Fails without memory only: then a child believes itself its parent.
__attribute__((constructor(kFirst))) void watch_forks() noexcept { (void)pthread_atfork(nullptr, nullptr, count_fork); }

Result<void> queue_signal(pid_t target, pid_t sender, uid_t uid, int signal, std::uint64_t value) noexcept {
  if (signal == 0) return {};
  const int error = errno;
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_MESGQ;
  info.si_pid = sender;
  info.si_uid = uid;
  static_assert(sizeof info.si_value >= sizeof(void*));
  std::memcpy(&info.si_value, &value, sizeof info.si_value);
  const bool done = syscall(SYS_rt_sigqueueinfo, target, signal, &info) == 0;
  const int why = std::exchange(errno, error);
  if (done) return {};
  if (why == ESRCH) return Errc::not_found;
  return failure_from_errno(why);
}

}  // namespace

std::int32_t process_id() noexcept {
  std::int32_t pid = g_pid.load(std::memory_order_relaxed);
  if (pid == 0) [[unlikely]] {
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
  // By number, past whoever stands in front of the function: src/posix does, to keep others from doing this.
  if (syscall(SYS_dup3, fresh->get(), fd, O_CLOEXEC) < 0) return failure_from_errno(errno);
  return {};
}

std::uint32_t fork_generation() noexcept { return g_generation.load(std::memory_order_relaxed); }

std::uint32_t pid_namespace() noexcept {
  std::uint32_t known = g_pid_namespace.load(std::memory_order_relaxed);
  if (known != 0) return known;
  struct stat status {};
  if (stat("/proc/self/ns/pid", &status) != 0) return 0;
  known = static_cast<std::uint32_t>(status.st_ino);
  g_pid_namespace.store(known, std::memory_order_relaxed);
  return known;
}

std::string process_name(std::int32_t pid) {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/comm", pid);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.data(), "re"), std::fclose);
  std::array<char, 64> text{};
  const std::size_t size = file ? std::fread(text.data(), 1, text.size(), file.get()) : 0;
  std::string_view name(text.data(), size);
  if (name.ends_with('\n')) name.remove_suffix(1);
  return std::string(name);
}

bool belongs_to(std::int32_t pid, std::uint32_t uid) noexcept {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/status", pid);
  const std::unique_ptr<FILE, int (*)(FILE*)> status(std::fopen(path.data(), "re"), std::fclose);
  if (!status) return false;
  // Uid: real, effective, saved. All three, so that a program with more rights than its caller is nobody's.
  std::array<char, 512> line{};
  while (std::fgets(line.data(), line.size(), status.get()) != nullptr) {
    unsigned real = 0;
    unsigned effective = 0;
    unsigned saved = 0;
    if (std::sscanf(line.data(), "Uid: %u %u %u", &real, &effective, &saved) != 3) continue;
    return real == uid && effective == uid && saved == uid;
  }
  return false;
}

std::uint32_t thread_id() noexcept { return static_cast<std::uint32_t>(gettid()); }

Maps maps(std::uint32_t thread, int fd) noexcept {
  struct stat status {};
  if (fstat(fd, &status) != 0) return Maps::unknown;
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%u/maps", thread);
  const std::unique_ptr<FILE, int (*)(FILE*)> lines(std::fopen(path.data(), "re"), std::fclose);
  // ENOENT: no such thread, or one that /proc hides from us.
  const bool gone = !lines && (errno == ENOENT || errno == ESRCH);
  if (!lines) return gone && !process_exists(static_cast<std::int32_t>(thread)) ? Maps::no : Maps::unknown;
  std::array<char, 512> line{};
  while (std::fgets(line.data(), line.size(), lines.get()) != nullptr) {
    unsigned major_number = 0;
    unsigned minor_number = 0;
    unsigned long long inode = 0;
    if (std::sscanf(line.data(), "%*s %*s %*s %x:%x %llu", &major_number, &minor_number, &inode) != 3) continue;
    if (inode == status.st_ino && makedev(major_number, minor_number) == status.st_dev) return Maps::yes;
  }
  return std::ferror(lines.get()) != 0 ? Maps::unknown : Maps::no;
}

Doing doing(std::uint32_t thread) noexcept {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%u/stat", thread);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.data(), "re"), std::fclose);
  std::array<char, 128> line{};
  if (!file || std::fgets(line.data(), line.size(), file.get()) == nullptr) return Doing::unknown;
  // The state stands behind the name, which is in parentheses and may hold some itself.
  const char* end = std::strrchr(line.data(), ')');
  if (end == nullptr || end[1] != ' ') return Doing::unknown;
  switch (end[2]) {
    case 'R':
    case 'D': return Doing::running;
    case 'T':
    case 't': return Doing::stopped;
    default: return Doing::sleeping;
  }
}

bool is_thread_of(std::uint32_t thread, std::int32_t pid) noexcept {
  return syscall(SYS_tgkill, pid, static_cast<pid_t>(thread), 0) == 0 || errno == EPERM;
}

Result<void> raise_for_message(std::int32_t pid, int signal, std::uint64_t value) noexcept {
  return queue_signal(pid, process_id(), getuid(), signal, value);
}

Result<void> raise_in_name_of(std::int32_t sender, std::uint32_t uid, int signal, std::uint64_t value) noexcept {
  return queue_signal(process_id(), sender, uid, signal, value);
}

std::uint32_t user_id() noexcept { return getuid(); }

// NOLINTNEXTLINE(concurrency-mt-unsafe): programs with threads do not change their environment
const char* trusted_environment(const char* name) noexcept { return secure_getenv(name); }

bool acts_as(std::uint32_t uid) noexcept {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  return getresuid(&real, &effective, &saved) == 0 && real == uid && effective == uid && saved == uid;
}

// Only /proc tells it without changing it, which another thread that makes a file just then would feel. Without /proc
// it is changed to the strictest for a moment.
std::uint32_t creation_mask() noexcept {
  constexpr char kLabel[] = "\nUmask:";
  std::array<char, 512> text{};
  const UniqueFd status(open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC));
  if (status && pread(status.get(), text.data(), text.size() - 1, 0) > 0) {
    const char* const line = std::strstr(text.data(), kLabel);
    if (line != nullptr) return static_cast<std::uint32_t>(std::strtoul(line + sizeof kLabel - 1, nullptr, 8));
  }
  constexpr mode_t kStrictest = 0777;
  const mode_t mask = umask(kStrictest);
  umask(mask);
  return mask;
}

}  // namespace mqxx::os
