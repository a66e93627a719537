#include "os/generic/register.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/generic/regions.hpp"
#include "os/guard.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"

namespace mqxx::os {
namespace {

constexpr std::uint64_t kMagic = 0x0a31304745527871;  // "qxREG01", then a newline, read as bytes
constexpr const char* kName = "/mqxx-register-1";     // another format has another name
constexpr std::uint32_t kNumbers = (1U << 30) - 1;    // what a word has room for, beside its two marks
constexpr int kTries = 4096;                          // numbers that somebody has, until there is something wrong

// Bytes of the file, far behind its end. A claim's has 45 bits of its file and 16 of its number.
constexpr off_t kNumberBytes = off_t{1} << 40;
constexpr off_t kClaimBytes = off_t{1} << 62;

// ---- Of this process

constinit std::atomic<Register*> g_register{nullptr};
constinit std::atomic<int> g_file{-1};
constinit std::atomic<std::uint64_t> g_identity{0};
constinit std::atomic<std::uint32_t> g_number{0};
// Held while one of the above is made, and in a fork, so that the child has all or nothing.
constinit pthread_mutex_t g_making = PTHREAD_MUTEX_INITIALIZER;

void before_fork() noexcept { pthread_mutex_lock(&g_making); }
void in_parent() noexcept { pthread_mutex_unlock(&g_making); }
// The locks of the parent are none of the child's: it gets a number of its own.
void in_child() noexcept {
  g_number.store(0, std::memory_order_relaxed);
  pthread_mutex_unlock(&g_making);
}
constexpr int kFirst = 101;
__attribute__((constructor(kFirst))) void watch_forks() noexcept {
  (void)pthread_atfork(before_fork, in_parent, in_child);
}

/// Of what it calls, open(2) and others are cancellation points, and it is called by a wait that may be cancelled: a
/// thread that left from here would take the lock along.
class Making {
 public:
  Making() noexcept { pthread_mutex_lock(&g_making); }
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;
  ~Making() { pthread_mutex_unlock(&g_making); }

 private:
  Uncancelled uncancelled_;
};

// ---- Locks on bytes

struct flock on_byte(off_t byte, short type) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

int set_lock(off_t byte, short type) noexcept {
  struct flock lock = on_byte(byte, type);
  return fcntl(g_file.load(std::memory_order_relaxed), F_SETLK, &lock) == 0 ? 0 : errno;
}

bool is_locked(off_t byte) noexcept {
  const int error = errno;
  struct flock lock = on_byte(byte, F_WRLCK);
  const bool locked = fcntl(g_file.load(std::memory_order_relaxed), F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
  errno = error;
  return locked;
}

off_t claim_byte(std::uint64_t file, std::uint32_t number) noexcept {
  return kClaimBytes | static_cast<off_t>((file >> 19) << 16) | static_cast<off_t>(number & 0xffffU);
}

// ---- The file

Result<UniqueFd> make_file(const std::string& directory, const std::string& path) {
  Result<UnnamedFile> file = create_unnamed(directory, 0600);
  if (!file) return file.failure();
  const int fd = file->fd.get();
  const std::uint64_t magic = kMagic;
  Result<void> done = resize(fd, sizeof(Register));
  if (done) done = reserve(fd, 0, sizeof(Register));
  if (done) done = write_at(fd, 0, std::as_bytes(std::span(&magic, 1)));
  // Everybody's, whatever the umask: a lock that excludes needs the right to write.
  if (done) done = set_mode(fd, 0666);
  if (done) done = publish(*file, path);
  if (!done) return done.failure();
  return std::move(file->fd);
}

// What is closed here is closed before this process has a lock on it (R3).
Result<UniqueFd> open_or_make() noexcept try {
  const std::string directory = memory_directory();
  const std::string path = directory + kName;
  for (int tries = 0;; ++tries) {
    Result<UniqueFd> file = open_file(path);
    if (file.is(Errc::not_found)) file = make_file(directory, path);
    if (file.is(Errc::already_exists) && tries < kTries) continue;  // somebody was quicker
    if (!file) return file;
    const Result<FileFacts> known = facts(file->get());
    if (!known || !known->regular || known->links > 1 || known->size != sizeof(Register)) return Errc::queue_damaged;
    return file;
  }
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

Register* map_register() noexcept {
  Result<UniqueFd> file = open_or_make();
  if (!file) return nullptr;
  const Result<FileFacts> known = facts(file->get());
  if (!known) return nullptr;
  void* memory = mmap(nullptr, sizeof(Register), PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
  if (memory == MAP_FAILED) return nullptr;
  // For good: it stands as long as the process.
  static Guard guard;
  Result<Guard> guarded = Guard::over(static_cast<std::byte*>(memory), sizeof(Register));
  if (!guarded || static_cast<Register*>(memory)->magic.load(std::memory_order_relaxed) != kMagic) {
    guarded = Guard();
    munmap(memory, sizeof(Register));
    return nullptr;
  }
  guard = std::move(*guarded);
  g_identity.store(file_number(known->device, known->inode), std::memory_order_relaxed);
  g_file.store(file->release(), std::memory_order_relaxed);
  return static_cast<Register*>(memory);
}

// Whether the program has left our descriptor alone. A system call for each lock that is taken: to go on without its
// locks would make this process a dead one in the eyes of the others.
bool file_is_ours() noexcept {
  const int error = errno;
  const bool ours = file_number(g_file.load(std::memory_order_relaxed)) == g_identity.load(std::memory_order_relaxed);
  errno = error;
  return ours;
}

std::uint32_t take_number(Register& shared) noexcept {
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint32_t number = shared.numbers.fetch_add(1, std::memory_order_relaxed) % kNumbers + 1;
    const int error = set_lock(kNumberBytes + static_cast<off_t>(number), F_WRLCK);
    if (error == 0) return number;
    if (error != EAGAIN && error != EACCES && error != EINTR) return 0;
  }
  return 0;
}

}  // namespace

Register* shared_register() noexcept {
  // Acquire: meets the release below, so that descriptor and identity are seen with it.
  Register* shared = g_register.load(std::memory_order_acquire);
  if (shared != nullptr) return shared;
  const int error = errno;
  const Making making;
  shared = g_register.load(std::memory_order_relaxed);
  if (shared == nullptr) {
    shared = map_register();
    g_register.store(shared, std::memory_order_release);
  }
  errno = error;
  return shared;
}

std::uint64_t register_identity() noexcept {
  return shared_register() == nullptr ? 0 : g_identity.load(std::memory_order_relaxed);
}

std::uint32_t process_number() noexcept {
  Register* shared = shared_register();
  if (shared == nullptr || !file_is_ours()) return 0;
  std::uint32_t number = g_number.load(std::memory_order_acquire);
  if (number != 0) return number;
  const int error = errno;
  const Making making;
  number = g_number.load(std::memory_order_relaxed);
  if (number == 0) {
    number = take_number(*shared);
    g_number.store(number, std::memory_order_release);
  }
  errno = error;
  return number;
}

bool is_alive(std::uint32_t number) noexcept {
  if (number == g_number.load(std::memory_order_relaxed)) return true;  // R4
  return shared_register() == nullptr || is_locked(kNumberBytes + static_cast<off_t>(number));
}

Result<void> hold_claim(std::uint64_t file, std::uint32_t number) noexcept {
  if (shared_register() == nullptr || !file_is_ours()) return failure_from_errno(ENOLCK);
  const int error = set_lock(claim_byte(file, number), F_WRLCK);
  if (error == EAGAIN || error == EACCES) return Errc::would_block;
  if (error != 0) return failure_from_errno(error);
  return {};
}

void drop_claim(std::uint64_t file, std::uint32_t number) noexcept {
  (void)set_lock(claim_byte(file, number), F_UNLCK);
}

bool claim_is_held(std::uint64_t file, std::uint32_t number) noexcept {
  return shared_register() == nullptr || is_locked(claim_byte(file, number));
}

}  // namespace mqxx::os
