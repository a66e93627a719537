#include "os/kernel_queue.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string_view>

#include <fcntl.h>
#include <linux/time_types.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/wait.hpp"

namespace mqxx::os {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Where time has 64 bits and a word has not, the calls that take it have other numbers.
#ifdef SYS_mq_timedsend_time64
constexpr long kTimedSend = SYS_mq_timedsend_time64;
constexpr long kTimedReceive = SYS_mq_timedreceive_time64;
constexpr long kPoll = SYS_ppoll_time64;
#else
constexpr long kTimedSend = SYS_mq_timedsend;
constexpr long kTimedReceive = SYS_mq_timedreceive;
constexpr long kPoll = SYS_ppoll;
#endif

using Time = __kernel_timespec;

Time time_of(std::int64_t ns) noexcept {
  const std::int64_t since_epoch = std::max<std::int64_t>(ns, 0);
  return {.tv_sec = since_epoch / kSecond, .tv_nsec = since_epoch % kSecond};
}

bool may_be_stopped(const Wait& wait) noexcept { return wait.stop != nullptr && wait.stop->stop_possible(); }

// The kernel's own call knows one clock and no stop token.
bool waits_in_kernel(const Wait& wait) noexcept {
  return wait.until == Wait::Until::now ||
         (wait.until != Wait::Until::steady && !may_be_stopped(wait) && wait.may_sleep == nullptr);
}

/// A descriptor that is readable once the token was triggered.
class StopBell {
 public:
  explicit StopBell(const std::stop_token& token) noexcept
      : bell_(::eventfd(0, EFD_CLOEXEC)), callback_(token, Ring{bell_.get()}) {}
  [[nodiscard]] int get() const noexcept { return bell_.get(); }

 private:
  struct Ring {
    int bell;
    void operator()() const noexcept {
      const std::uint64_t one = 1;
      (void)syscall(SYS_write, bell, &one, sizeof one);  // one ring cannot overflow the counter
    }
  };
  UniqueFd bell_;
  std::stop_callback<Ring> callback_;
};

/// Sleeps until a queue is ready, in the time and under the conditions of `wait`.
class Sleeper {
 public:
  explicit Sleeper(const Wait& wait) noexcept : wait_(wait) {}

  /// Success: look again; somebody else may have been quicker.
  Result<void> sleep(int queue, Awaited what) noexcept {
    if (may_be_stopped(wait_) && wait_.stop->stop_requested()) return Errc::stopped;
    if (passed(wait_)) return Errc::timed_out;
    if (wait_.may_sleep != nullptr && !wait_.may_sleep(wait_.asker)) return Errc::would_block;
    if (may_be_stopped(wait_) && !bell_) {
      bell_.emplace(*wait_.stop);
      if (bell_->get() < 0) return failure_from_errno(errno);
    }
    std::array<pollfd, 2> polled{pollfd{queue, events_of(what), 0}, pollfd{bell_ ? bell_->get() : -1, POLLIN, 0}};
    Time left{};
    const long result = syscall(kPoll, polled.data(), polled.size(), time_left(left), nullptr, 0);
    if (result < 0 && errno != EINTR) return failure_from_errno(errno);
    if (result < 0 && wait_.return_on_signal) return Failure{Errc::interrupted, EINTR};
    return {};
  }

  static short events_of(Awaited what) noexcept { return what == Awaited::message ? POLLIN : POLLOUT; }

 private:
  // ppoll counts by the monotonic clock. A step of the system clock is noticed when it next looks up.
  Time* time_left(Time& left) const noexcept {
    constexpr std::int64_t kLookUp = kSecond / 2;
    switch (wait_.until) {
      case Wait::Until::steady: left = time_of(wait_.deadline_ns - now_ns()); return &left;
      case Wait::Until::system: left = time_of(std::min(wait_.deadline_ns - coarse_wall_ns(), kLookUp)); return &left;
      default: return nullptr;
    }
  }

  const Wait& wait_;
  std::optional<StopBell> bell_;
};

bool is_ready(int queue, Awaited what) noexcept {
  pollfd polled{queue, Sleeper::events_of(what), 0};
  Time none{};
  return syscall(kPoll, &polled, 1, &none, nullptr, 0) == 1;
}

/// `attempt` makes the call with a deadline (null: none) and answers 0 or its errno. With a deadline in the past the
/// kernel says ETIMEDOUT where it would have to wait, and EAGAIN where the description does not: O_NONBLOCK stays
/// where it belongs.
template <class Attempt>
int attempt_in_kernel(const Wait& wait, Attempt attempt) noexcept {
  const Time deadline = wait.until == Wait::Until::system ? time_of(wait.deadline_ns) : Time{};
  for (;;) {
    const int error = attempt(wait.until == Wait::Until::forever ? nullptr : &deadline);
    if (error == ETIMEDOUT && wait.until == Wait::Until::now) return EAGAIN;
    if (error != EINTR || wait.return_on_signal) return error;
  }
}

template <class Attempt>
Result<void> attempt_and_sleep(int queue, Awaited what, const Wait& wait, int& error, Attempt attempt) noexcept {
  Sleeper sleeper(wait);
  for (;;) {
    error = attempt_in_kernel(Wait{.until = Wait::Until::system}, attempt);
    if (error != ETIMEDOUT) return {};
    const Result<void> slept = sleeper.sleep(queue, what);
    if (!slept) return slept;
  }
}

Failure waiting_failure(int error) noexcept {
  switch (error) {
    case EAGAIN: return {Errc::would_block, error};
    case ETIMEDOUT: return {Errc::timed_out, error};
    case EINTR: return {Errc::interrupted, error};
    default: return failure_from_errno(error);
  }
}

int error_of(long result) noexcept { return result < 0 ? errno : 0; }

Failure attributes_failure(int queue) noexcept {
  if (errno != EBADF) return failure_from_errno(errno);
  return {fcntl(queue, F_GETFD) < 0 ? Errc::closed : Errc::not_a_queue, EBADF};
}

constexpr int flags_of(Access access) noexcept {
  switch (access) {
    case Access::read_only: return O_RDONLY;
    case Access::write_only: return O_WRONLY;
    case Access::read_write: break;
  }
  return O_RDWR;
}

// More than a long holds is more than any limit.
long saturated(std::size_t value) noexcept {
  return static_cast<long>(std::min(value, static_cast<std::size_t>(std::numeric_limits<long>::max())));
}

}  // namespace

Result<UniqueFd> open_kernel_queue(const KernelOpening& wanted) noexcept {
  constexpr std::uint32_t kPermissionBits = 0777;
  int flags = flags_of(wanted.options.access) | O_CLOEXEC;
  if (wanted.options.nonblocking) flags |= O_NONBLOCK;
  if (wanted.create) flags |= O_CREAT;
  if (wanted.create && wanted.exclusive) flags |= O_EXCL;
  mq_attr attributes{};
  attributes.mq_maxmsg = saturated(wanted.options.capacity);
  attributes.mq_msgsize = saturated(wanted.options.message_size);
  const long fd = syscall(SYS_mq_open, wanted.name, flags, wanted.options.mode & kPermissionBits, &attributes);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  if (errno == EINVAL) return Failure{Errc::invalid_argument, EINVAL};
  return failure_from_errno(errno);
}

Result<void> unlink_kernel_queue(const char* name) noexcept {
  if (syscall(SYS_mq_unlink, name) != 0) return failure_from_errno(errno);
  return {};
}

Result<void> send_message(int queue, std::span<const std::byte> bytes, Priority priority, const Wait& wait) noexcept {
  const auto attempt = [&](const Time* deadline) noexcept {
    return error_of(syscall(kTimedSend, queue, bytes.data(), bytes.size(), priority, deadline));
  };
  int error = 0;
  if (waits_in_kernel(wait)) {
    error = attempt_in_kernel(wait, attempt);
  } else {
    const Result<void> waited = attempt_and_sleep(queue, Awaited::room, wait, error, attempt);
    if (!waited) return waited;
  }
  switch (error) {
    case 0: return {};
    case EINVAL: return Failure{Errc::invalid_priority, error};
    case EBADF: return Failure{Errc::not_writable, error};
    case EMSGSIZE: return Failure{Errc::message_too_big, error};
    default: return waiting_failure(error);
  }
}

Result<void> receive_message(int queue, std::span<std::byte> buffer, const Wait& wait, Received& received) noexcept {
  unsigned priority = 0;
  long size = 0;
  const auto attempt = [&](const Time* deadline) noexcept {
    size = syscall(kTimedReceive, queue, buffer.data(), buffer.size(), &priority, deadline);
    return error_of(size);
  };
  int error = 0;
  if (waits_in_kernel(wait)) {
    error = attempt_in_kernel(wait, attempt);
  } else {
    const Result<void> waited = attempt_and_sleep(queue, Awaited::message, wait, error, attempt);
    if (!waited) return waited;
  }
  switch (error) {
    case 0: received = {.size = static_cast<std::size_t>(size), .priority = priority}; return {};
    case EBADF: return Failure{Errc::not_readable, error};
    case EMSGSIZE: return Failure{Errc::buffer_too_small, error};
    default: return waiting_failure(error);
  }
}

Result<void> await(int queue, Awaited what, const Wait& wait) noexcept {
  Sleeper sleeper(wait);
  for (;;) {
    if (is_ready(queue, what)) return {};
    const Result<Attributes> attributes = kernel_attributes(queue);
    if (!attributes) return attributes.failure();
    if (attributes->nonblocking || wait.until == Wait::Until::now) return Failure{Errc::would_block, EAGAIN};
    const Result<void> slept = sleeper.sleep(queue, what);
    if (!slept) return slept;
  }
}

Result<Attributes> kernel_attributes(int queue) noexcept {
  mq_attr found{};
  if (syscall(SYS_mq_getsetattr, queue, nullptr, &found) != 0) return attributes_failure(queue);
  return Attributes{.capacity = static_cast<std::size_t>(found.mq_maxmsg),
                    .message_size = static_cast<std::size_t>(found.mq_msgsize),
                    .depth = static_cast<std::size_t>(found.mq_curmsgs),
                    .nonblocking = (found.mq_flags & O_NONBLOCK) != 0};
}

Result<void> set_nonblocking(int queue, bool nonblocking) noexcept {
  mq_attr wanted{};
  wanted.mq_flags = nonblocking ? O_NONBLOCK : 0;
  if (syscall(SYS_mq_getsetattr, queue, &wanted, nullptr) != 0) return attributes_failure(queue);
  return {};
}

Access access_of(int queue) noexcept {
  switch (fcntl(queue, F_GETFL) & O_ACCMODE) {
    case O_RDONLY: return Access::read_only;
    case O_WRONLY: return Access::write_only;
    default: return Access::read_write;
  }
}

Result<UniqueFd> reopen(int queue, Access access) noexcept {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", queue);
  UniqueFd again(open(path.data(), flags_of(access) | O_CLOEXEC));
  if (!again) return failure_from_errno(errno);
  return again;
}

std::string kernel_queue_name(int queue) noexcept {
  constexpr std::string_view kGone = " (deleted)";
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", queue);
  std::array<char, 512> target{};
  const ssize_t size = readlink(path.data(), target.data(), target.size());
  if (size <= 1 || target[0] != '/') return {};
  std::string_view name(target.data() + 1, static_cast<std::size_t>(size) - 1);
  const Result<FileFacts> known = facts(queue);
  if (known && known->links == 0 && name.ends_with(kGone)) name.remove_suffix(kGone.size());
  return std::string(name);
}

}  // namespace mqxx::os
