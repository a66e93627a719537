// epoll, with a timerfd for deadlines, since epoll_wait counts in milliseconds, and an eventfd to be woken by. Both are
// watched for edges, so that nobody needs to read them.
#include "os/poller.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/process.hpp"

namespace mqxx::os {
namespace {

constexpr std::uint64_t kAlarm = Poller::kMostNumber + 1;
constexpr std::uint64_t kWaker = Poller::kMostNumber + 2;
constexpr std::size_t kMostEvents = 256;  // a wait
constexpr std::int64_t kSecond = 1'000'000'000;

constexpr std::uint32_t bits_of(Events events) noexcept {
  std::uint32_t bits = 0;
  if (has(events, Events::readable)) bits |= EPOLLIN;
  if (has(events, Events::writable)) bits |= EPOLLOUT;
  if (has(events, Events::urgent)) bits |= EPOLLPRI;
  if (has(events, Events::hang_up)) bits |= EPOLLRDHUP;
  if (has(events, Events::edges)) bits |= EPOLLET;
  return bits;
}

constexpr Events events_of(std::uint32_t bits) noexcept {
  Events events = Events::none;
  if ((bits & EPOLLIN) != 0) events = events | Events::readable;
  if ((bits & EPOLLOUT) != 0) events = events | Events::writable;
  if ((bits & EPOLLPRI) != 0) events = events | Events::urgent;
  if ((bits & (EPOLLHUP | EPOLLRDHUP)) != 0) events = events | Events::hang_up;
  if ((bits & EPOLLERR) != 0) events = events | Events::error;
  return events;
}

Failure failure_of_control(int os_errno) noexcept {
  if (os_errno == EBADF) return {Errc::closed, os_errno};
  return failure_from_errno(os_errno);
}

}  // namespace

Result<Poller> Poller::make() noexcept {
  Poller poller;
  poller.poller_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!poller.poller_) return failure_from_errno(errno);
  poller.alarm_ = UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!poller.alarm_) return failure_from_errno(errno);
  poller.waker_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!poller.waker_) return failure_from_errno(errno);
  const Events edges = Events::readable | Events::edges;
  Result<void> added = poller.add(poller.alarm_.get(), edges, kAlarm);
  if (added) added = poller.add(poller.waker_.get(), edges, kWaker);
  if (!added) return added.failure();
  return poller;
}

Result<void> Poller::control(int operation, int fd, Events events, std::uint64_t number) noexcept {
  epoll_event event{};
  event.events = bits_of(events);
  event.data.u64 = number;
  if (epoll_ctl(poller_.get(), operation, fd, &event) != 0) return failure_of_control(errno);
  return {};
}

Result<void> Poller::add(int fd, Events events, std::uint64_t number) noexcept {
  return control(EPOLL_CTL_ADD, fd, events, number);
}

Result<void> Poller::change(int fd, Events events, std::uint64_t number) noexcept {
  return control(EPOLL_CTL_MOD, fd, events, number);
}

void Poller::remove(int fd) noexcept { (void)control(EPOLL_CTL_DEL, fd, Events::none, 0); }

// An alarm that is too early costs one wait without events, setting it each time a system call: so it is left alone.
void Poller::set_alarm(std::int64_t deadline_ns) noexcept {
  if (deadline_ns >= alarm_ns_) return;
  const std::int64_t some = std::max<std::int64_t>(deadline_ns, 1);  // 0 would disarm it
  itimerspec alarm{};
  alarm.it_value = {.tv_sec = some / kSecond, .tv_nsec = static_cast<long>(some % kSecond)};
  if (timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &alarm, nullptr) == 0) alarm_ns_ = deadline_ns;
}

std::size_t Poller::wait(std::span<Ready> room, std::int64_t deadline_ns) noexcept {
  const Uncancelled uncancelled;
  if (deadline_ns != kNow) set_alarm(deadline_ns);
  std::array<epoll_event, kMostEvents> events;
  const auto most = static_cast<int>(std::min(room.size(), events.size()));
  const int count = epoll_wait(poller_.get(), events.data(), most, deadline_ns == kNow ? 0 : -1);
  std::size_t ready = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 <= kMostNumber) {
      room[ready++] = {event.data.u64, events_of(event.events)};
    } else if (event.data.u64 == kAlarm) {
      alarm_ns_ = kNever;
    }
  }
  return ready;
}

// The count cannot overflow: it rises by one, and a full one would be readable as well.
void Poller::wake() noexcept {
  const int before = errno;  // signal handlers call this
  const std::uint64_t one = 1;
  (void)!write(waker_.get(), &one, sizeof one);
  errno = before;
}

}  // namespace mqxx::os
