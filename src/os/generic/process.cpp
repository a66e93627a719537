// Processes and claims. What POSIX does not tell, docs/porting.md lists; each answer here is the careful one.
#include "os/process.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/generic/claims.hpp"
#include "os/generic/regions.hpp"
#include "os/generic/register.hpp"
#include "os/generic/table.hpp"

namespace mqxx::os {
namespace {

constinit std::atomic<std::uint32_t> g_generation{1};

// ---- Claims

/// A claim is a descriptor's, so that two of one process keep each other off; the lock in the register is the
/// process's. The child of a fork has neither.
struct Claim {
  std::atomic<Taken> taken;
  std::atomic<int> fd;
  std::atomic<std::uint32_t> number;
  std::atomic<std::uint64_t> file;
  std::atomic<std::uint32_t> generation;
};
constinit Table<Claim> g_claims;
constinit pthread_mutex_t g_claiming = PTHREAD_MUTEX_INITIALIZER;

class Claiming {
 public:
  Claiming() noexcept { pthread_mutex_lock(&g_claiming); }
  Claiming(const Claiming&) = delete;
  Claiming& operator=(const Claiming&) = delete;
  ~Claiming() { pthread_mutex_unlock(&g_claiming); }
};

void before_fork() noexcept { pthread_mutex_lock(&g_claiming); }
void after_fork() noexcept { pthread_mutex_unlock(&g_claiming); }
void in_child() noexcept {
  g_generation.fetch_add(1, std::memory_order_relaxed);
  pthread_mutex_unlock(&g_claiming);
}
constexpr int kFirst = 101;
// As it was when the program began, however its user IDs change later.
constinit bool g_has_more_rights = true;

__attribute__((constructor(kFirst))) void begin() noexcept {
  (void)pthread_atfork(before_fork, after_fork, in_child);
  g_has_more_rights = getuid() != geteuid() || getgid() != getegid();
}

Claim* find_claim(std::uint64_t file, std::uint32_t number) noexcept {
  const std::uint32_t generation = fork_generation();
  return g_claims.find([=](const Claim& claim) {
    return claim.file.load(std::memory_order_relaxed) == file &&
           claim.number.load(std::memory_order_relaxed) == number &&
           claim.generation.load(std::memory_order_relaxed) == generation;
  });
}

void drop(Claim& claim) noexcept {
  if (claim.generation.load(std::memory_order_relaxed) == fork_generation())
    drop_claim(claim.file.load(std::memory_order_relaxed), claim.number.load(std::memory_order_relaxed));
  claim.taken.store(Taken::no, std::memory_order_release);
}

// A claim ends with its descriptor, whose closing nobody tells: the number is another file's then, or none's.
bool stands(const Claim& claim) noexcept {
  return file_number(claim.fd.load(std::memory_order_relaxed)) == claim.file.load(std::memory_order_relaxed);
}

Result<void> queue_signal(pid_t target, int signal, std::uint64_t value) noexcept {
  if (signal == 0) return {};
  const int error = errno;
  union sigval sent {};
  static_assert(sizeof sent >= sizeof(void*));
  std::memcpy(&sent, &value, sizeof sent);
  const bool done = sigqueue(target, signal, sent) == 0;
  const int why = std::exchange(errno, error);
  if (done) return {};
  if (why == ESRCH) return Errc::not_found;
  return failure_from_errno(why);
}

}  // namespace

void drop_claims_of(int fd) noexcept {
  const Claiming claiming;
  const auto of_fd = [fd](const Claim& claim) { return claim.fd.load(std::memory_order_relaxed) == fd; };
  while (Claim* claim = g_claims.find(of_fd)) drop(*claim);
}

Result<void> claim(int fd, std::uint32_t number) noexcept {
  const std::uint64_t file = file_number(fd);
  if (file == 0) return failure_from_errno(EBADF);
  // Before the lock: making the register takes another one, which a fork takes first.
  if (shared_register() == nullptr) return failure_from_errno(ENOLCK);
  const Claiming claiming;
  if (Claim* known = find_claim(file, number)) {
    if (known->fd.load(std::memory_order_relaxed) == fd) return {};
    if (stands(*known)) return Errc::would_block;
    drop(*known);
  }
  Claim* entry = g_claims.take();
  if (entry == nullptr) return Errc::no_memory;
  const Result<void> held = hold_claim(file, number);
  entry->fd.store(fd, std::memory_order_relaxed);
  entry->number.store(number, std::memory_order_relaxed);
  entry->file.store(file, std::memory_order_relaxed);
  entry->generation.store(fork_generation(), std::memory_order_relaxed);
  entry->taken.store(held ? Taken::set : Taken::no, std::memory_order_release);
  return held;
}

bool claimed_elsewhere(int fd, std::uint32_t number) noexcept {
  const std::uint64_t file = file_number(fd);
  const Claim* known = find_claim(file, number);
  if (known != nullptr && stands(*known)) return known->fd.load(std::memory_order_relaxed) != fd;
  return file == 0 || claim_is_held(file, number);
}

// Claims are a descriptor's and a process's, so another descriptor has none of them, and a child's has none either.
Result<UniqueFd> reopen(int fd) noexcept {
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return failure_from_errno(errno);
  return copy;
}

Result<void> renew(int fd) noexcept {
  drop_claims_of(fd);
  return {};
}

// ---- Processes

std::int32_t process_id() noexcept { return getpid(); }
std::uint32_t fork_generation() noexcept { return g_generation.load(std::memory_order_relaxed); }
// Locks and claims have the register's numbers, which are the same everywhere. That of a process is believed by none.
std::uint32_t pid_namespace() noexcept { return 0; }
// Unknown: nobody polls, everybody sleeps.
std::int32_t current_cpu() noexcept { return -1; }

/// In whose name a lock is held: a process's number, the same for all of its threads.
std::uint32_t thread_id() noexcept { return process_number(); }
Maps maps(std::uint32_t /*thread*/, int /*fd*/) noexcept { return Maps::unknown; }
Doing doing(std::uint32_t /*thread*/) noexcept { return Doing::unknown; }
bool is_thread_of(std::uint32_t /*thread*/, std::int32_t /*pid*/) noexcept { return true; }  // cannot say no

std::uint32_t user_id() noexcept { return getuid(); }
std::string process_name(std::int32_t /*pid*/) { return {}; }
bool belongs_to(std::int32_t /*pid*/, std::uint32_t /*uid*/) noexcept { return false; }
// The saved user ID is not to be seen, so no process can be sure.
bool acts_as(std::uint32_t /*uid*/) noexcept { return false; }

const char* trusted_environment(const char* name) noexcept {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): programs with threads do not change their environment
  return g_has_more_rights ? nullptr : std::getenv(name);
}

// Only by setting another one: what other threads make between the two calls gets no permissions at all.
std::uint32_t creation_mask() noexcept {
  constexpr mode_t kStrictest = 0777;
  const mode_t mask = umask(kStrictest);
  umask(mask);
  return mask;
}

// The sender's process and user are the system's to write, and the code is SI_QUEUE.
Result<void> raise_for_message(std::int32_t pid, int signal, std::uint64_t value) noexcept {
  return queue_signal(pid, signal, value);
}

Result<void> raise_in_name_of(std::int32_t /*sender*/, std::uint32_t /*uid*/, int signal,
                              std::uint64_t value) noexcept {
  return queue_signal(getpid(), signal, value);
}

}  // namespace mqxx::os
