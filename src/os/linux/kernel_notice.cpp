// mq_notify of os/kernel_queue.hpp. For a call the kernel writes into a netlink socket: the bytes that it was given,
// the last of which says what has become of the registration.
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <linux/netlink.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/kernel_queue.hpp"

namespace mqxx::os {
namespace {

constexpr std::size_t kCookieBytes = 32;  // NOTIFY_COOKIE_LEN
constexpr char kWokenUp = 1;              // NOTIFY_WOKENUP; NOTIFY_REMOVED is 2

Result<void> notify(int queue, const sigevent* event) noexcept {
  if (syscall(SYS_mq_notify, queue, event) == 0) return {};
  if (errno == EBUSY) return Errc::already_registered;
  if (errno == EINVAL) return Errc::invalid_argument;
  return failure_from_errno(errno);
}

}  // namespace

Result<void> notify_by_signal(int queue, int signal, std::uint64_t value) noexcept {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal;
  std::memcpy(&event.sigev_value, &value, sizeof event.sigev_value);
  return notify(queue, &event);
}

Result<void> notify_silently(int queue) noexcept {
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  return notify(queue, &event);
}

Result<UniqueFd> make_notice() noexcept {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));  // any protocol does
  if (!socket) return failure_from_errno(errno);
  return socket;
}

Result<void> notify_through(int queue, int notice) noexcept {
  std::array<char, kCookieBytes> cookie{};
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_signo = notice;
  event.sigev_value.sival_ptr = cookie.data();  // copied by the call
  return notify(queue, &event);
}

bool await_notice(int notice) noexcept {
  std::array<char, kCookieBytes> cookie{};
  long count = 0;
  do {
    count = syscall(SYS_recvfrom, notice, cookie.data(), cookie.size(), MSG_NOSIGNAL | MSG_WAITALL, nullptr, nullptr);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<long>(cookie.size()) && cookie.back() == kWokenUp;
}

Result<void> cancel_notify(int queue) noexcept { return notify(queue, nullptr); }

}  // namespace mqxx::os
