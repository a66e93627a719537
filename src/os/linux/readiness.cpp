// An eventfd is readable when it counts more than 0, and writable while it can count one more.
#include "os/readiness.hpp"

#include <cerrno>
#include <cstdint>

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0} - 1;

constexpr std::uint64_t count_of(Bell state) noexcept {
  switch (state) {
    case Bell::empty: return 0;
    case Bell::some: return 1;
    case Bell::full: break;
  }
  return kMost;
}

}  // namespace

Result<UniqueFd> make_readiness() noexcept {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return failure_from_errno(errno);
  return fd;
}

// By system call: read and write of the C library are cancellation points.
void set_readiness(int fd, Bell state) noexcept {
  std::uint64_t count = 0;
  (void)syscall(SYS_read, fd, &count, sizeof count);  // nothing to read: it is empty already
  count = count_of(state);
  if (count != 0) (void)syscall(SYS_write, fd, &count, sizeof count);  // there is room, since it was empty
}

}  // namespace mqxx::os
