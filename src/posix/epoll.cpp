// epoll with queues in its instances. Whoever is in an instance is polled for as long as the queue is open here, and
// who waits for an instance looks, now and then, after all of them: which queues it has is known to the kernel alone.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include <sys/epoll.h>

#include "posix/descriptors.hpp"
#include "posix/failure.hpp"
#include "posix/slices.hpp"
#include "posix/system.hpp"

namespace mqxx::posix {
namespace {

std::atomic<bool> g_any{false};  // a queue was put into an instance at some time

constexpr int kFew = 256;

/// Whether a process died inside a lock of one of the queues, or its file was cut, so that their doorbells may be wrong
/// at this moment. The first few descriptors only: to ask more before each wait would cost more than the wait.
bool any_in_doubt() noexcept {
  const int end = std::min(end_of_descriptors(), kFew);
  for (int fd = 0; fd < end; ++fd) {
    if (entry_of(fd) == 0 || is_private(entry_of(fd))) continue;
    Calling calling;
    const Found found = find(fd, calling);
    const shm::Queue* queue = found.queue == nullptr ? nullptr : found.queue->queue_if_mapped();
    if (queue != nullptr && (!queue->intact() || queue->in_doubt())) return true;
  }
  return false;
}

/// For who waits for a moment only, again and again.
bool time_to_look() noexcept {
  static std::atomic<std::int64_t> looked{0};
  const std::int64_t now = os::now_ns();
  if (now - looked.load(std::memory_order_relaxed) < Slices::kSliceNs) return false;
  looked.store(now, std::memory_order_relaxed);
  return true;
}

/// As the system's, for whoever has queues in an instance; `wait_for` waits for a slice.
template <class WaitFor>
int wait_in_slices(const timespec* timeout, WaitFor wait_for) {
  const int error = errno;
  if (any_in_doubt() || time_to_look()) look_at_all();
  errno = error;
  Slices slices(timeout);
  return slices.wait(wait_for, [] {
    look_at_all();
    return 0;
  });
}

/// Rounded up: a wait is never too short.
int milliseconds(const timespec& time) noexcept {
  return static_cast<int>(time.tv_sec * 1000 + (time.tv_nsec + 999'999) / 1'000'000);
}

}  // namespace
}  // namespace mqxx::posix

using namespace mqxx::posix;

extern "C" {

int epoll_ctl(int epfd, int op, int fd, epoll_event* event) noexcept {
  const std::uintptr_t entry = entry_of(fd);
  if (entry != 0 && !is_private(entry) && op != EPOLL_CTL_DEL && event != nullptr) {
    OpenQueue* queue = hold(fd);
    const bool edges = (event->events & EPOLLET) != 0;
    const bool joined = queue == nullptr || queue->join_epoll(edges ? mqxx::shm::Edges::yes : mqxx::shm::Edges::no);
    const int error = errno;
    if (queue != nullptr) let_go(queue);
    if (!joined) return refuse<int>(error);
    g_any.store(true, std::memory_order_relaxed);
  }
  return mqxx::posix::system::epoll_ctl(epfd, op, fd, event);
}

int epoll_pwait(int epfd, epoll_event* events, int maxevents, int timeout, const sigset_t* mask) {
  if (!g_any.load(std::memory_order_relaxed)) {
    return mqxx::posix::system::epoll_pwait(epfd, events, maxevents, timeout, mask);
  }
  const timespec time{timeout / 1000, timeout % 1000 * 1'000'000L};
  return wait_in_slices(timeout < 0 ? nullptr : &time, [&](const timespec& slice) {
    return mqxx::posix::system::epoll_pwait(epfd, events, maxevents, milliseconds(slice), mask);
  });
}

int epoll_wait(int epfd, epoll_event* events, int maxevents, int timeout) {
  return epoll_pwait(epfd, events, maxevents, timeout, nullptr);
}

int epoll_pwait2(int epfd, epoll_event* events, int maxevents, const timespec* timeout, const sigset_t* mask) {
  if (!g_any.load(std::memory_order_relaxed) || !valid(timeout)) {
    return mqxx::posix::system::epoll_pwait2(epfd, events, maxevents, timeout, mask);
  }
  return wait_in_slices(timeout, [&](const timespec& slice) {
    return mqxx::posix::system::epoll_pwait2(epfd, events, maxevents, &slice, mask);
  });
}
}
