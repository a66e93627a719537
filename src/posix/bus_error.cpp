// SIGBUS, which the library needs itself (os/guard.hpp): the program sees and keeps its own action, ours stays in
// front.
//
// Only for that signal; the calls for all others go through. Before the first queue is mapped the program's action is
// the system's, and os/guard takes it over from there.
#include <cerrno>

#include <signal.h>

#include "os/guard.hpp"
#include "posix/descriptors.hpp"
#include "posix/failure.hpp"
#include "posix/system.hpp"

namespace mqxx::posix {
namespace {

using Handler = sighandler_t;

// sigaction(2) for the program.
int act(int signal, const struct sigaction* action, struct sigaction* before) noexcept {
  const bool ours = action != nullptr && os::is_guard(*action);
  if (signal != os::kGuardSignal || ours) return system::sigaction(signal, action, before);
  struct sigaction last {};
  if (!os::guards() || in_vfork_child()) {
    // The child of a vfork has actions of its own, and its parent's memory.
    if (system::sigaction(signal, action, &last) != 0) return -1;
    const bool guarded = os::is_guard(last);
    if (guarded) last = os::program_action();
    if (before != nullptr) *before = last;
    // Another thread has mapped the first queue meanwhile: once more, so that ours is in front.
    return guarded && action != nullptr && !in_vfork_child() ? act(signal, action, nullptr) : 0;
  }
  if (action == nullptr) {
    last = os::program_action();
  } else if (!os::exchange_action(*action, last)) {
    return refuse<int>(ENOMEM);
  } else {
    const struct sigaction front = os::guard_in_front_of(*action);
    if (system::sigaction(signal, &front, nullptr) != 0) return -1;
  }
  if (before != nullptr) *before = last;
  return 0;
}

/// signal(3) and its kin: with such flags, and the signal itself blocked meanwhile or not.
Handler act_simply(int signal, Handler handler, int flags, bool blocks_itself) noexcept {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  if (blocks_itself) sigaddset(&action.sa_mask, signal);
  struct sigaction before {};
  if (handler == SIG_ERR) return errno = EINVAL, SIG_ERR;
  return act(signal, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}

Handler bsd(int signal, Handler handler) noexcept {
  if (signal != os::kGuardSignal) return system::signal(signal, handler);
  return act_simply(signal, handler, SA_RESTART, true);
}

Handler sysv(int signal, Handler handler) noexcept {
  if (signal != os::kGuardSignal) return system::sysv_signal(signal, handler);
  return act_simply(signal, handler, static_cast<int>(SA_RESETHAND | SA_NODEFER), false);
}

Handler set(int signal, Handler handler) noexcept {
  if (signal != os::kGuardSignal) return system::sigset(signal, handler);
  sigset_t one;
  sigset_t blocked;
  sigemptyset(&one);
  sigaddset(&one, signal);
  struct sigaction before {};
  if (handler == SIG_HOLD) {
    if (act(signal, nullptr, &before) != 0 || pthread_sigmask(SIG_BLOCK, &one, &blocked) != 0) return SIG_ERR;
  } else {
    before.sa_handler = act_simply(signal, handler, 0, false);
    if (before.sa_handler == SIG_ERR || pthread_sigmask(SIG_UNBLOCK, &one, &blocked) != 0) return SIG_ERR;
  }
  return sigismember(&blocked, signal) == 1 ? SIG_HOLD : before.sa_handler;
}

}  // namespace
}  // namespace mqxx::posix

extern "C" {

int sigaction(int signal, const struct sigaction* action, struct sigaction* before) noexcept {
  return mqxx::posix::act(signal, action, before);
}
sighandler_t signal(int signal, sighandler_t handler) noexcept { return mqxx::posix::bsd(signal, handler); }
sighandler_t bsd_signal(int signal, sighandler_t handler) noexcept { return mqxx::posix::bsd(signal, handler); }
sighandler_t ssignal(int signal, sighandler_t handler) noexcept { return mqxx::posix::bsd(signal, handler); }
sighandler_t sysv_signal(int signal, sighandler_t handler) noexcept { return mqxx::posix::sysv(signal, handler); }
sighandler_t sigset(int signal, sighandler_t handler) noexcept { return mqxx::posix::set(signal, handler); }
int sigignore(int signal) noexcept {
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  return mqxx::posix::act(signal, &ignored, nullptr);
}
// The C library's own names of them, which older programs ask for.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
int __sigaction(int signal, const struct sigaction* action, struct sigaction* before) noexcept {
  return mqxx::posix::act(signal, action, before);
}
sighandler_t __sysv_signal(int signal, sighandler_t handler) noexcept { return mqxx::posix::sysv(signal, handler); }
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
}
