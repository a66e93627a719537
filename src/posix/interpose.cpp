// What a program may do to the descriptor of a queue without naming the queue: close it, duplicate it, receive it from
// another process, look at it. These calls pass through here, so that the table knows what each number means. For other
// descriptors they cost a look into the table. Polling is in poll.cpp.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/descriptors.hpp"
#include "posix/failure.hpp"
#include "posix/system.hpp"
#include "shm/permissions.hpp"

namespace mqxx::posix {
namespace {

constexpr int kLargeFile = 0100000;  // O_LARGEFILE as the kernel shows it; the C library calls it 0

// The library's own descriptors stay, so the range is closed in the pieces between them.
int close_pieces(unsigned first, unsigned last, int flags) noexcept {
  const auto end = std::min<unsigned>(last, static_cast<unsigned>(INT_MAX) - 1) + 1;
  const auto known = std::min<unsigned>(end, static_cast<unsigned>(end_of_descriptors()));
  unsigned begin = first;
  for (unsigned fd = first; fd < known; ++fd) {
    const std::uintptr_t entry = entry_of(static_cast<int>(fd));
    if (entry == 0) continue;
    if (!is_private(entry)) {
      (void)close_entry(static_cast<int>(fd));
      continue;
    }
    if (begin < fd && system::close_range(begin, fd - 1, flags) != 0) return -1;
    begin = fd + 1;
  }
  return begin > last ? 0 : system::close_range(begin, last, flags);
}

/// @return whether `to` may be given a new meaning
bool free_for_duplicate(int from, int to) noexcept {
  if (from == to || !is_private(entry_of(to)) || in_vfork_child()) return true;
  errno = EBUSY;  // as dup2(2) has it for a number that somebody else is about to use
  return false;
}

int duplicated(int from, int to) noexcept {
  if (to < 0 || from == to || (entry_of(from) == 0 && entry_of(to) == 0) || in_vfork_child()) return to;
  const int error = errno;
  follow_duplicate(from, to);
  errno = error;
  return to;
}

int control(int fd, int command, std::intptr_t argument) {
  const std::uintptr_t entry = entry_of(fd);
  const int result = system::fcntl(fd, command, argument);
  if (entry == 0 || is_private(entry) || result < 0) return result;
  switch (command) {
    // A FIFO has flags of its own opening that a queue's description does not.
    case F_GETFL: return (result & ~(O_ACCMODE | O_NOFOLLOW | kLargeFile)) | static_cast<int>(entry & kAccessBits);
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: return duplicated(fd, result);
    default: return result;
  }
}

// What fstat says of a queue on Linux: a regular file of the 80 bytes that reading it would give, changed when the last
// message was sent or received.
int status_of(int fd, struct stat* status) noexcept {
  const int result = ::fstatat(fd, "", status, AT_EMPTY_PATH);
  if (result != 0 || entry_of(fd) == 0 || is_private(entry_of(fd))) return result;
  Calling calling;
  const Found found = find(fd, calling);
  const shm::Queue* queue = found.queue == nullptr ? nullptr : found.queue->queue();
  if (queue == nullptr) return -1;
  constexpr off_t kStatusLine = 80;
  const Statistics statistics = queue->statistics();
  const auto last = std::max({statistics.created, statistics.last_send, statistics.last_receive}).time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(last);
  const timespec changed{seconds.count(), std::chrono::nanoseconds(last - seconds).count()};
  status->st_mode = S_IFREG | (queue->segment().header().identity.mode.get() & 07777U);
  status->st_size = kStatusLine;
  status->st_atim = status->st_mtim = status->st_ctim = changed;
  return 0;
}

/// What reading a queue gives on Linux, `at` bytes from its beginning.
ssize_t read_status(int fd, char* into, std::size_t size, off_t at) noexcept {
  Calling calling;
  const Found found = find(fd, calling);
  shm::Queue* queue = found.queue == nullptr ? nullptr : found.queue->queue();
  if (queue == nullptr) return -1;
  if (!may_receive(found.access)) return refuse<int>(EBADF);
  const Statistics statistics = queue->statistics();
  const shm::Watch& watch = queue->segment().header().watch;
  const auto kind = static_cast<shm::Notice>(watch.kind.get());
  const bool registered = kind != shm::Notice::none;
  const int notify = kind == shm::Notice::thread   ? SIGEV_THREAD
                     : kind == shm::Notice::silent ? SIGEV_NONE
                                                   : SIGEV_SIGNAL;
  std::array<char, 128> line{};
  const int length =
      std::snprintf(line.data(), line.size(), "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                    static_cast<unsigned long long>(statistics.bytes_sent - statistics.bytes_received),
                    registered ? notify : 0, registered ? watch.signal.get() : 0, registered ? watch.pid.get() : 0);
  if (at < 0) return refuse<int>(EINVAL);
  if (at >= length) return 0;
  const std::size_t some = std::min(size, static_cast<std::size_t>(length - at));
  std::memcpy(into, line.data() + at, some);
  return static_cast<ssize_t>(some);
}

// A FIFO has no position, so the first reading of a descriptor gives the line and the next ones its end.
ssize_t read_once(int fd, char* into, std::size_t size) noexcept {
  const int error = errno;
  const ssize_t got = was_read(fd) ? 0 : read_status(fd, into, size, 0);
  if (got > 0) note_read(fd);
  if (got >= 0) errno = error;
  return got;
}

// Changes a queue as a whole, and not its doorbell alone.
template <class Change>
int change_queue(int fd, Change change) noexcept {
  Calling calling;
  const Found found = find(fd, calling);
  const shm::Queue* queue = found.queue == nullptr ? nullptr : found.queue->queue();
  if (queue == nullptr) return -1;
  const Result<void> changed = change(queue->segment());
  if (changed) return 0;
  return refuse<int>(changed.is(Errc::permission_denied) ? EPERM : errno_of(changed.failure()));
}

bool is_queue(int fd) noexcept { return entry_of(fd) != 0 && !is_private(entry_of(fd)); }

// Descriptors that came in a message: fresh numbers, whatever they meant before.
void look_at_passed(const msghdr& message) noexcept {
  if (message.msg_controllen == 0) return;
  const int error = errno;
  auto* header = const_cast<msghdr*>(&message);
  for (cmsghdr* part = CMSG_FIRSTHDR(header); part != nullptr; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      forget(fd);
      (void)adopt(fd);
    }
  }
  errno = error;
}

}  // namespace
}  // namespace mqxx::posix

using namespace mqxx::posix;

extern "C" {

int close(int fd) {
  const std::uintptr_t entry = entry_of(fd);
  if (entry == 0 || in_vfork_child()) return mqxx::posix::system::close(fd);
  return close_entry(fd);
}

ssize_t read(int fd, void* buffer, size_t size) {
  if (!is_queue(fd)) return mqxx::posix::system::read(fd, buffer, size);
  return read_once(fd, static_cast<char*>(buffer), size);
}

ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  if (!is_queue(fd)) return mqxx::posix::system::pread(fd, buffer, size, offset);
  return read_status(fd, static_cast<char*>(buffer), size, offset);
}

ssize_t pread64(int fd, void* buffer, size_t size, off64_t offset) { return pread(fd, buffer, size, offset); }

// What a program calls that was compiled with _FORTIFY_SOURCE. The name is the C library's.
// NOLINTNEXTLINE(bugprone-reserved-identifier, readability-identifier-naming)
ssize_t __read_chk(int fd, void* buffer, size_t size, size_t) { return read(fd, buffer, size); }

ssize_t write(int fd, const void* buffer, size_t size) {
  if (!is_queue(fd)) return mqxx::posix::system::write(fd, buffer, size);
  return refuse<int>(may_send(entry_of(fd) & kAccessBits) ? EINVAL : EBADF);
}

int close_range(unsigned first, unsigned last, int flags) noexcept {
  // With flags they close nothing, or only for the calling thread.
  if (flags != 0 || first > last || in_vfork_child()) return mqxx::posix::system::close_range(first, last, flags);
  return close_pieces(first, last, flags);
}

void closefrom(int first) noexcept {
  const int error = errno;
  const auto from = static_cast<unsigned>(std::max(first, 0));
  if (close_range(from, ~0U, 0) != 0) {
    // A kernel without it: one by one.
    for (long fd = from, end = sysconf(_SC_OPEN_MAX); fd < end; ++fd) (void)close(static_cast<int>(fd));
  }
  errno = error;
}

int dup(int fd) noexcept { return duplicated(fd, mqxx::posix::system::dup(fd)); }

int dup2(int fd, int fd2) noexcept {
  if (!free_for_duplicate(fd, fd2)) return -1;
  return duplicated(fd, mqxx::posix::system::dup2(fd, fd2));
}

int dup3(int fd, int fd2, int flags) noexcept {
  if (!free_for_duplicate(fd, fd2)) return -1;
  return duplicated(fd, mqxx::posix::system::dup3(fd, fd2, flags));
}

int fcntl(int fd, int cmd, ...) {
  va_list arguments;
  va_start(arguments, cmd);
  const auto argument = reinterpret_cast<std::intptr_t>(va_arg(arguments, void*));
  va_end(arguments);
  return control(fd, cmd, argument);
}

int fcntl64(int fd, int cmd, ...) {
  va_list arguments;
  va_start(arguments, cmd);
  const auto argument = reinterpret_cast<std::intptr_t>(va_arg(arguments, void*));
  va_end(arguments);
  return control(fd, cmd, argument);
}

int fstat(int fd, struct stat* status) noexcept { return status_of(fd, status); }
static_assert(sizeof(struct stat) == sizeof(struct stat64), "one serves for both");
int fstat64(int fd, struct stat64* status) noexcept { return status_of(fd, reinterpret_cast<struct stat*>(status)); }
// What programs call that were linked with a C library before 2.33. The names are the C library's.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
int __fxstat(int, int fd, struct stat* status) noexcept { return status_of(fd, status); }
int __fxstat64(int, int fd, struct stat64* status) noexcept {
  return status_of(fd, reinterpret_cast<struct stat*>(status));
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

int fchmod(int fd, mode_t mode) noexcept {
  if (!is_queue(fd)) return mqxx::posix::system::fchmod(fd, mode);
  return change_queue(fd, [&](const mqxx::shm::Segment& segment) { return mqxx::shm::change_mode(segment, mode); });
}

int fchown(int fd, uid_t owner, gid_t group) noexcept {
  if (!is_queue(fd)) return mqxx::posix::system::fchown(fd, owner, group);
  return change_queue(
      fd, [&](const mqxx::shm::Segment& segment) { return mqxx::shm::change_owner(segment, owner, group); });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  const ssize_t got = mqxx::posix::system::recvmsg(fd, message, flags);
  if (got >= 0) look_at_passed(*message);
  return got;
}

int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  const int got = mqxx::posix::system::recvmmsg(fd, messages, count, flags, timeout);
  for (int i = 0; i < got; ++i) look_at_passed(messages[i].msg_hdr);
  return got;
}

// A queue that is mapped needs no path any more.
int chroot(const char* path) noexcept {
  map_all();
  return mqxx::posix::system::chroot(path);
}

int unshare(int flags) noexcept {
  map_all();
  return mqxx::posix::system::unshare(flags);
}

int setns(int fd, int nstype) noexcept {
  map_all();
  return mqxx::posix::system::setns(fd, nstype);
}

// Programs give up rights once they have opened what they need, so what was put off is done before.
int setuid(uid_t user) noexcept {
  map_all();
  return mqxx::posix::system::setuid(user);
}

int seteuid(uid_t user) noexcept {
  map_all();
  return mqxx::posix::system::seteuid(user);
}

int setreuid(uid_t real, uid_t effective) noexcept {
  map_all();
  return mqxx::posix::system::setreuid(real, effective);
}

int setresuid(uid_t real, uid_t effective, uid_t saved) noexcept {
  map_all();
  return mqxx::posix::system::setresuid(real, effective, saved);
}

int setgid(gid_t group) noexcept {
  map_all();
  return mqxx::posix::system::setgid(group);
}

int setegid(gid_t group) noexcept {
  map_all();
  return mqxx::posix::system::setegid(group);
}

int setregid(gid_t real, gid_t effective) noexcept {
  map_all();
  return mqxx::posix::system::setregid(real, effective);
}

int setresgid(gid_t real, gid_t effective, gid_t saved) noexcept {
  map_all();
  return mqxx::posix::system::setresgid(real, effective, saved);
}

int setgroups(size_t count, const gid_t* groups) noexcept {
  map_all();
  return mqxx::posix::system::setgroups(count, groups);
}
}
