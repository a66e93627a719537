// A doorbell is a FIFO opened for reading and writing, as on Linux, in the size that it has. Empty: writable. Something
// in it, and room: both. No room for one byte more: readable. POSIX leaves open what opening a FIFO for both does; all
// systems that we know do what is needed here.
// The mark of an abandoned one is its owner's right to execute it, which means nothing on a FIFO: chmod(2) refuses
// ordinary users the sticky bit on some systems.
#include "os/common/doorbell.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

constexpr mode_t kAbandoned = S_IXUSR;

Result<struct stat> look_at(const std::string& path) noexcept {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return failure_from_errno(errno);
  if (!is_doorbell(status)) return Errc::queue_damaged;
  return status;
}

// Between the look and the change somebody else may put something in its place: a link is not followed, but a file
// would be changed. In a sticky directory only the owner can do that, to his own harm.
Result<void> change_mode(const std::string& path, mode_t mode) noexcept {
  if (fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW) == 0) return {};
  if (errno != EOPNOTSUPP && errno != ENOTSUP) return failure_from_errno(errno);
  if (chmod(path.c_str(), mode) != 0) return failure_from_errno(errno);
  return {};
}

}  // namespace

Result<void> make_doorbell(const std::string& path) noexcept {
  if (mkfifo(path.c_str(), S_IRUSR | S_IWUSR | kAbandoned) != 0) return failure_from_errno(errno);
  return change_mode(path, S_IRUSR | S_IWUSR | kAbandoned);  // whatever the umask says
}

Result<UniqueFd> open_doorbell(const std::string& path, Blocking blocking, std::uint32_t owner) noexcept {
  // Not blocking at first: whatever stands there must not hold us up.
  UniqueFd bell(open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!bell) {
    // A link, a socket, a directory. What the refusal of a link is called differs.
    if (errno == ELOOP || errno == EMLINK || errno == ENXIO || errno == EISDIR || errno == EAGAIN ||
        errno == EOPNOTSUPP) {
      return Errc::queue_damaged;
    }
    return failure_from_errno(errno);
  }
  struct stat status {};
  if (fstat(bell.get(), &status) != 0) return failure_from_errno(errno);
  if (!is_doorbell(status) || status.st_uid != owner) return Errc::queue_damaged;
  if (blocking == Blocking::yes && fcntl(bell.get(), F_SETFL, 0) != 0) return failure_from_errno(errno);
  return bell;
}

Result<void> adopt(int bell, std::uint32_t mode) noexcept {
  if (fchmod(bell, mode & ~kAbandoned) != 0) return failure_from_errno(errno);
  return {};
}

Result<void> set_doorbell_mode(const std::string& path, std::uint32_t mode) noexcept {
  const Result<struct stat> bell = look_at(path);
  if (!bell) return bell.failure();
  return change_mode(path, (mode & ~kAbandoned) | (bell->st_mode & kAbandoned));
}

Result<void> set_doorbell_owner(const std::string& path, std::uint32_t uid, std::uint32_t gid) noexcept {
  const Result<struct stat> bell = look_at(path);
  if (!bell) return bell.failure();
  if (lchown(path.c_str(), uid, gid) != 0) return failure_from_errno(errno);
  return {};
}

void abandon(const std::string& path) noexcept {
  const Result<struct stat> bell = look_at(path);
  // Who may not change it was not allowed to remove what it belongs to either.
  if (bell) (void)change_mode(path, (bell->st_mode & 0777U) | kAbandoned);
}

bool abandoned(int bell) noexcept {
  struct stat status {};
  return fstat(bell, &status) == 0 && (status.st_mode & kAbandoned) != 0;
}

bool abandoned(const std::string& path) noexcept {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode) && (status.st_mode & kAbandoned) != 0;
}

void leave_some(int bell) noexcept {
  std::array<char, kBellPart> bytes;
  for (int part = 0; part <= kMostBellParts && bell_state(bell) == Bell::full; ++part) {
    if (read(bell, bytes.data(), bytes.size()) <= 0) return;
  }
}

// Smaller and smaller parts, for a pipe with a little room still polls as writable.
void fill_bell(int bell) noexcept {
  std::size_t size = kBellFilling.size();
  for (int part = 0; part <= kMostBellParts && size > 0; ++part) {
    if (write(bell, kBellFilling.data(), size) <= 0) size /= 2;
  }
}

// Nothing that POSIX has wakes a poller and changes nothing. Who waits for edges sees each change of the state.
void strike_bell(int /*bell*/) noexcept {}

}  // namespace mqxx::os
