// A doorbell is a FIFO opened for reading and writing, two pages long. No byte in it: writable. One page begun: both.
// Both pages taken: readable. The mark of an abandoned one is the sticky bit, which means nothing on a FIFO.
#include "os/doorbell.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

constexpr mode_t kAbandoned = S_ISVTX;
constexpr int kPart = 1024;  // at a time: a handler's stack may be small
constexpr std::array<char, kPart> kFilling{};
// A pipe has at most 1 MiB. Others may fill what we empty, on purpose and for ever: then the bell is wrong, and the
// caller goes on.
constexpr int kMostParts = (1 << 20) / kPart;

int bell_bytes() noexcept { return 2 * getpagesize(); }

void drain(int bell) noexcept {
  std::array<char, kPart> bytes;  // written before it is read
  for (int part = 0; part <= kMostParts; ++part) {
    if (read(bell, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return;
  }
}

// Whoever else reads from it may have come first.
void drain_to_one(int bell) noexcept {
  std::array<char, kPart> bytes;
  for (int part = 0; part <= kMostParts; ++part) {
    int held = 0;
    if (ioctl(bell, FIONREAD, &held) != 0 || held <= 1) return;
    const std::size_t most = std::min(static_cast<std::size_t>(held - 1), bytes.size());
    if (read(bell, bytes.data(), most) <= 0) return;
  }
}

void fill(int bell) noexcept {
  // As few pages as there may be, so that it is filled fast. An ordinary user with many FIFOs has two anyway.
  if (fcntl(bell, F_GETPIPE_SZ) > bell_bytes()) (void)fcntl(bell, F_SETPIPE_SZ, bell_bytes());
  for (int part = 0; part <= kMostParts; ++part) {
    if (write(bell, kFilling.data(), kFilling.size()) <= 0) return;
  }
}

// One name: where links to other people's files may be made, a second one would lead us to such a file.
bool is_doorbell(const struct stat& status) noexcept { return S_ISFIFO(status.st_mode) && status.st_nlink <= 1; }

// The FIFO itself, and not what is put in its place meanwhile.
Result<UniqueFd> point_to(const std::string& path, struct stat& status) noexcept {
  UniqueFd fd(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd || fstatat(fd.get(), "", &status, AT_EMPTY_PATH) != 0) return failure_from_errno(errno);
  if (!is_doorbell(status)) return Errc::queue_damaged;
  return fd;
}

Result<void> change_mode(int pointer, mode_t mode) noexcept {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", pointer);  // fchmod refuses such descriptors
  if (chmod(path.data(), mode) != 0) return failure_from_errno(errno);
  return {};
}

}  // namespace

Result<void> make_doorbell(const std::string& path) noexcept {
  if (mknod(path.c_str(), S_IFIFO | kAbandoned | S_IRUSR | S_IWUSR, 0) != 0) return failure_from_errno(errno);
  return {};
}

Result<UniqueFd> open_doorbell(const std::string& path, Blocking blocking, std::uint32_t owner) noexcept {
  // Not blocking at first: a file with a lease on it would hold us up.
  UniqueFd bell(open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!bell) {
    // A link, a socket, a directory.
    if (errno == ELOOP || errno == ENXIO || errno == EISDIR || errno == EAGAIN) return Errc::queue_damaged;
    return failure_from_errno(errno);
  }
  struct stat status {};
  if (fstat(bell.get(), &status) != 0) return failure_from_errno(errno);
  if (!is_doorbell(status) || status.st_uid != owner) return Errc::queue_damaged;
  // By number, past whoever stands in front of the function.
  if (blocking == Blocking::yes && syscall(SYS_fcntl, bell.get(), F_SETFL, 0) != 0) return failure_from_errno(errno);
  return bell;
}

Result<void> adopt(int bell, std::uint32_t mode) noexcept {
  if (fchmod(bell, mode) != 0) return failure_from_errno(errno);
  return {};
}

Result<void> set_doorbell_mode(const std::string& path, std::uint32_t mode) noexcept {
  struct stat status {};
  const Result<UniqueFd> bell = point_to(path, status);
  if (!bell) return bell.failure();
  return change_mode(bell->get(), mode | (status.st_mode & kAbandoned));
}

Result<void> set_doorbell_owner(const std::string& path, std::uint32_t uid, std::uint32_t gid) noexcept {
  struct stat status {};
  const Result<UniqueFd> bell = point_to(path, status);
  if (!bell) return bell.failure();
  if (fchownat(bell->get(), "", uid, gid, AT_EMPTY_PATH) != 0) return failure_from_errno(errno);
  return {};
}

void abandon(const std::string& path) noexcept {
  struct stat status {};
  const Result<UniqueFd> bell = point_to(path, status);
  // Who may not change it was not allowed to remove what it belongs to either.
  if (bell) (void)change_mode(bell->get(), (status.st_mode & 0777U) | kAbandoned);
}

bool abandoned(int bell) noexcept {
  struct stat status {};
  // Not fstat: src/posix stands in front of that, and tells of the queue instead.
  return fstatat(bell, "", &status, AT_EMPTY_PATH) == 0 && (status.st_mode & kAbandoned) != 0;
}

bool abandoned(const std::string& path) noexcept {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode) && (status.st_mode & kAbandoned) != 0;
}

bool in_use(const std::string& path) noexcept {
  // Nobody opens it for writing only, so a writer who finds no reader finds nobody.
  const UniqueFd probe(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  return probe || (errno != ENXIO && errno != ENOENT);
}

Bell bell_state(int bell) noexcept {
  pollfd state{bell, POLLIN | POLLOUT, 0};
  if (::poll(&state, 1, 0) <= 0 || (state.revents & POLLIN) == 0) return Bell::empty;
  return (state.revents & POLLOUT) != 0 ? Bell::some : Bell::full;
}

void set_bell(int bell, Bell from, Bell to) noexcept {
  if (from == to) return;
  switch (to) {
    case Bell::empty: return drain(bell);
    case Bell::some:
      if (from == Bell::full) return drain_to_one(bell);
      (void)!write(bell, kFilling.data(), 1);
      return;
    case Bell::full: return fill(bell);
  }
}

// Setting the size that it has wakes whoever waits on a pipe, and has him look for himself.
void strike_bell(int bell) noexcept { (void)fcntl(bell, F_SETPIPE_SZ, bell_bytes()); }

}  // namespace mqxx::os
