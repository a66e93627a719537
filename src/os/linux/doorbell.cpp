// A doorbell is a FIFO opened for reading and writing, two pages long. No byte in it: writable. One page begun: both.
// Both pages taken: readable. The mark of an abandoned one is the sticky bit, which means nothing on a FIFO.
#include "os/common/doorbell.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

constexpr mode_t kAbandoned = S_ISVTX;

int bell_bytes() noexcept { return 2 * getpagesize(); }

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

void leave_some(int bell) noexcept {
  std::array<char, kBellPart> bytes;
  for (int part = 0; part <= kMostBellParts; ++part) {
    int held = 0;
    if (ioctl(bell, FIONREAD, &held) != 0 || held <= 1) return;
    const std::size_t most = std::min(static_cast<std::size_t>(held - 1), bytes.size());
    if (read(bell, bytes.data(), most) <= 0) return;
  }
}

void fill_bell(int bell) noexcept {
  // As few pages as there may be, so that it is filled fast. An ordinary user with many FIFOs has two anyway.
  if (fcntl(bell, F_GETPIPE_SZ) > bell_bytes()) (void)fcntl(bell, F_SETPIPE_SZ, bell_bytes());
  for (int part = 0; part <= kMostBellParts; ++part) {
    if (write(bell, kBellFilling.data(), kBellFilling.size()) <= 0) return;
  }
}

// Setting the size that it has wakes whoever waits on a pipe, and has him look for himself.
void strike_bell(int bell) noexcept { (void)fcntl(bell, F_SETPIPE_SZ, bell_bytes()); }

}  // namespace mqxx::os
