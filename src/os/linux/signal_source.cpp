// A signalfd.
#include "os/signal_source.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/process.hpp"

namespace mqxx::os {
namespace {

/// What a fault raises in the thread that made it ends the process when that thread blocks it.
constexpr std::array kNever{SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

sigset_t only(int signal) noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

bool can_be_watched(int signal) noexcept {
  sigset_t set;
  sigemptyset(&set);
  return std::ranges::find(kNever, signal) == kNever.end() && sigaddset(&set, signal) == 0;
}

bool block(int signal) noexcept {
  const sigset_t set = only(signal);
  sigset_t before;
  return pthread_sigmask(SIG_BLOCK, &set, &before) == 0 && sigismember(&before, signal) == 0;
}

void discard_and_unblock(int signal) noexcept {
  const Uncancelled uncancelled;
  const sigset_t set = only(signal);
  const timespec now{};
  while (sigtimedwait(&set, nullptr, &now) == signal || errno == EINTR) {
  }
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

Result<SignalSource> SignalSource::make() noexcept {
  SignalSource source;
  const Result<void> made = source.set_mask();
  if (!made) return made.failure();
  return source;
}

Result<void> SignalSource::set_mask() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (std::size_t signal = 1; signal < kSignals; ++signal) {
    if (added_[signal]) sigaddset(&set, static_cast<int>(signal));
  }
  const int fd = signalfd(fd_ ? fd_.get() : -1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return failure_from_errno(errno);
  if (!fd_) fd_ = UniqueFd(fd);
  return {};
}

Result<void> SignalSource::add(int signal) noexcept {
  if (!can_be_watched(signal)) return Errc::invalid_argument;
  const auto index = static_cast<std::size_t>(signal);
  if (block(signal)) blocker_[index] = thread_id();
  added_[index] = true;
  const Result<void> done = set_mask();
  if (!done) remove(signal);
  return done;
}

void SignalSource::remove(int signal) noexcept {
  const auto index = static_cast<std::size_t>(signal);
  if (index >= kSignals || !added_[index]) return;
  added_[index] = false;
  (void)set_mask();  // a smaller set of a descriptor that is there cannot fail
  if (blocker_[index] == thread_id()) discard_and_unblock(signal);
  blocker_[index] = 0;
}

std::optional<SignalInfo> SignalSource::take() noexcept {
  const Uncancelled uncancelled;
  signalfd_siginfo info{};
  const ssize_t size = read(fd_.get(), &info, sizeof info);
  if (size != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return SignalInfo{.signal = static_cast<int>(info.ssi_signo),
                    .code = info.ssi_code,
                    .pid = static_cast<std::int32_t>(info.ssi_pid),
                    .uid = info.ssi_uid,
                    .value = info.ssi_int,
                    .status = info.ssi_status};
}

}  // namespace mqxx::os
