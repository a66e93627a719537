// What a process may do and who it is, as every POSIX system tells it.
#include <cerrno>
#include <cstdlib>
#include <new>
#include <vector>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "os/guard.hpp"
#include "os/process.hpp"

namespace mqxx::os {
namespace {

bool in_group(gid_t group) noexcept try {
  if (group == getegid()) return true;
  const int count = getgroups(0, nullptr);
  if (count <= 0) return false;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  const int got = getgroups(count, groups.data());
  for (int i = 0; i < got; ++i) {
    if (groups[static_cast<std::size_t>(i)] == group) return true;
  }
  return false;
} catch (const std::bad_alloc&) {
  return false;  // a right that cannot be seen is not given
}

}  // namespace

bool process_exists(std::int32_t pid) noexcept { return kill(pid, 0) == 0 || errno == EPERM; }

Uncancelled::Uncancelled() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
Uncancelled::~Uncancelled() { pthread_setcancelstate(before_, nullptr); }

SignalsHeldBack::SignalsHeldBack() noexcept : before_{} {
  static_assert(sizeof(sigset_t) <= sizeof before_ && alignof(sigset_t) <= alignof(long));
  sigset_t all;
  sigfillset(&all);
  sigdelset(&all, kGuardSignal);
  pthread_sigmask(SIG_SETMASK, &all, ::new (before_.data()) sigset_t);
}

SignalsHeldBack::~SignalsHeldBack() {
  pthread_sigmask(SIG_SETMASK, std::launder(reinterpret_cast<const sigset_t*>(before_.data())), nullptr);
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
