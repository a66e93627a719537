// Descriptors, as every POSIX system has them.
#include <cerrno>

#include <fcntl.h>

#include "base/error.hpp"
#include "os/kernel_queue.hpp"

namespace mqxx::os {

Result<bool> close_on_exec(int fd) noexcept {
  const int flags = fcntl(fd, F_GETFD);
  if (flags < 0) return failure_from_errno(errno);
  return (flags & FD_CLOEXEC) != 0;
}

Result<void> set_close_on_exec(int fd, bool closed) noexcept {
  if (fcntl(fd, F_SETFD, closed ? FD_CLOEXEC : 0) != 0) return failure_from_errno(errno);
  return {};
}

Result<UniqueFd> duplicate(int fd) noexcept {
  const Result<bool> closed = close_on_exec(fd);
  if (!closed) return closed.failure();
  UniqueFd copy(fcntl(fd, *closed ? F_DUPFD_CLOEXEC : F_DUPFD, 0));
  if (!copy) return failure_from_errno(errno);
  return copy;
}

}  // namespace mqxx::os
