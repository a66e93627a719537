// What polls: poll, select, epoll_ctl and their kin. A queue that is ready answers without a system call; for one that
// is not, the doorbell is kept right for as long as somebody polls it. For other descriptors they cost a look into the
// table.
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <pthread.h>

#include "os/wait.hpp"
#include "posix/descriptors.hpp"
#include "posix/failure.hpp"
#include "posix/polled.hpp"
#include "posix/system.hpp"

namespace mqxx::posix {
namespace {

short ready_events(OpenQueue& queue, short wanted) noexcept {
  const shm::Queue* mapped = queue.queue();
  if (mapped == nullptr) return 0;
  const shm::Readiness ready = mapped->readiness();
  const int events = (ready.readable ? POLLIN | POLLRDNORM : 0) | (ready.writable ? POLLOUT | POLLWRNORM : 0);
  return static_cast<short>(wanted & events);
}

/// Looks at queues without asking the system. When one of them is ready no poll would wait; so if there are only queues
/// the answer is known. @return how many are ready; -1: the system has to be asked
int poll_queues(pollfd* descriptors, nfds_t count) noexcept {
  int ready = 0;
  for (nfds_t i = 0; i < count; ++i) {
    if (descriptors[i].fd < 0) {
      descriptors[i].revents = 0;
      continue;
    }
    Calling calling;
    const std::uintptr_t entry = entry_of(descriptors[i].fd);
    if (entry == 0 || is_private(entry)) return -1;
    const Found found = find(descriptors[i].fd, calling);
    if (found.queue == nullptr) return -1;
    descriptors[i].revents = ready_events(*found.queue, descriptors[i].events);
    if (descriptors[i].revents != 0) ++ready;
  }
  return ready == 0 ? -1 : ready;
}

int poll_at_once(pollfd* descriptors, nfds_t count) {
  pthread_testcancel();
  const int error = errno;
  const int ready = descriptors == nullptr ? -1 : poll_queues(descriptors, count);
  errno = error;
  return ready;
}

/// What is left of a timeout; none: for ever.
class TimeLeft {
 public:
  static constexpr std::int64_t kSliceNs = 800'000'000;  // as those who sleep in the engine

  explicit TimeLeft(std::optional<std::int64_t> ns) noexcept
      : until_(ns ? std::optional(os::now_ns() + std::min(*ns, kMostNs)) : std::nullopt) {}
  /// The next slice, and whether it is the last.
  [[nodiscard]] std::pair<timespec, bool> next() const noexcept {
    const std::int64_t left = until_ ? std::max<std::int64_t>(*until_ - os::now_ns(), 0) : kMostNs;
    const std::int64_t slice = std::min(left, kSliceNs);
    return {timespec{slice / kSecond, slice % kSecond}, left <= kSliceNs};
  }

 private:
  static constexpr std::int64_t kSecond = 1'000'000'000;
  static constexpr std::int64_t kMostNs = kSecond * kSecond;
  std::optional<std::int64_t> until_;
};

int poll_queues_or_system(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  Polled polled;
  for (nfds_t i = 0; descriptors != nullptr && i < count; ++i) {
    if (!polled.add(descriptors[i].fd)) return -1;
  }
  if (polled.empty()) return mqxx::posix::system::ppoll(descriptors, count, timeout, mask);
  if (timeout != nullptr && (timeout->tv_sec < 0 || timeout->tv_nsec < 0)) return refuse<int>(EINVAL);
  const TimeLeft left(timeout == nullptr
                          ? std::nullopt
                          : std::optional(std::int64_t{timeout->tv_sec} * 1'000'000'000 + timeout->tv_nsec));
  for (;;) {
    const auto [slice, last] = left.next();
    const int ready = mqxx::posix::system::ppoll(descriptors, count, &slice, mask);
    if (ready != 0 || last) return ready;
    polled.look();
  }
}

/// One fd_set of a call, or none. By words and not by FD_ISSET, which fortified refuses sets larger than FD_SETSIZE.
class Set {
 public:
  explicit Set(fd_set* bits) noexcept : words_(reinterpret_cast<unsigned long*>(bits)) {}
  [[nodiscard]] bool has(int fd) const noexcept {
    return words_ != nullptr && (words_[fd / kBits] >> (fd % kBits) & 1U) != 0;
  }
  void keep(int fd, bool ready) noexcept {
    if (words_ != nullptr && !ready) words_[fd / kBits] &= ~(1UL << (fd % kBits));
  }

 private:
  static constexpr int kBits = sizeof(unsigned long) * CHAR_BIT;
  unsigned long* words_;
};

struct Sets {
  Set readable;
  Set writable;
  Set exceptional;

  Sets(fd_set* r, fd_set* w, fd_set* e) noexcept : readable(r), writable(w), exceptional(e) {}
  [[nodiscard]] bool have(int fd) const noexcept { return readable.has(fd) || writable.has(fd) || exceptional.has(fd); }
};

/// poll_queues() for sets. They are written only when the answer is known.
int select_queues(int count, Sets sets) noexcept {
  constexpr int kMost = 64;           // more are left to the system
  if (count > FD_SETSIZE) return -1;  // the sets may be smaller: the system looks at what is open only
  std::array<std::pair<int, short>, kMost> seen;
  std::size_t asked = 0;
  int ready = 0;
  for (int fd = 0; fd < count; ++fd) {
    if (!sets.have(fd)) continue;
    Calling calling;
    const std::uintptr_t entry = entry_of(fd);
    if (asked == kMost || entry == 0 || is_private(entry)) return -1;
    const Found found = find(fd, calling);
    if (found.queue == nullptr) return -1;
    const int wanted = (sets.readable.has(fd) ? POLLIN : 0) | (sets.writable.has(fd) ? POLLOUT : 0);
    const short events = ready_events(*found.queue, static_cast<short>(wanted));
    ready += ((events & POLLIN) != 0 ? 1 : 0) + ((events & POLLOUT) != 0 ? 1 : 0);
    seen[asked++] = {fd, events};
  }
  if (ready == 0) return -1;
  for (const auto& [fd, events] : std::span(seen).first(asked)) {
    sets.readable.keep(fd, (events & POLLIN) != 0);
    sets.writable.keep(fd, (events & POLLOUT) != 0);
    sets.exceptional.keep(fd, false);
  }
  return ready;
}

template <class System>
int select_with(int count, const Sets& sets, System system_select) {
  Polled polled;
  // By queues and not by bits: sets reach no further than the descriptors that are asked for.
  const int end = std::min(count, end_of_descriptors());
  for (int fd = 0; fd < end; ++fd) {
    const std::uintptr_t entry = entry_of(fd);
    if (entry != 0 && !is_private(entry) && sets.have(fd) && !polled.add(fd)) return -1;
  }
  return system_select();
}

/// Then nothing here is to be looked at, not even the arguments.
bool no_queues() noexcept { return end_of_descriptors() == 0; }

}  // namespace
}  // namespace mqxx::posix

using namespace mqxx::posix;

extern "C" {

int poll(pollfd* fds, nfds_t nfds, int timeout) {
  if (no_queues()) return mqxx::posix::system::poll(fds, nfds, timeout);
  const int ready = poll_at_once(fds, nfds);
  if (ready > 0) return ready;
  const timespec time{timeout / 1000, timeout % 1000 * 1'000'000L};
  return poll_queues_or_system(fds, nfds, timeout < 0 ? nullptr : &time, nullptr);
}

int ppoll(pollfd* fds, nfds_t nfds, const timespec* timeout, const sigset_t* mask) {
  if (no_queues()) return mqxx::posix::system::ppoll(fds, nfds, timeout, mask);
  // With another mask a signal may be due first.
  const int ready = mask != nullptr ? -1 : poll_at_once(fds, nfds);
  if (ready > 0) return ready;
  return poll_queues_or_system(fds, nfds, timeout, mask);
}

// What programs call that were compiled with _FORTIFY_SOURCE. Their check, of the size of the array, is the C
// library's to make and not ours to abort for. So are the names.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
int __poll_chk(pollfd* fds, nfds_t nfds, int timeout, size_t) { return poll(fds, nfds, timeout); }

int __ppoll_chk(pollfd* fds, nfds_t nfds, const timespec* timeout, const sigset_t* mask, size_t) {
  return ppoll(fds, nfds, timeout, mask);
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

int select(int nfds, fd_set* readfds, fd_set* writefds, fd_set* exceptfds, timeval* timeout) {
  if (no_queues()) return mqxx::posix::system::select(nfds, readfds, writefds, exceptfds, timeout);
  pthread_testcancel();
  const int error = errno;
  const Sets sets(readfds, writefds, exceptfds);
  const int ready = select_queues(nfds, sets);
  errno = error;
  if (ready > 0) return ready;
  return select_with(nfds, sets,
                     [&] { return mqxx::posix::system::select(nfds, readfds, writefds, exceptfds, timeout); });
}

// The parameters are POSIX's.
// NOLINTNEXTLINE(readability-function-size)
int pselect(int nfds, fd_set* readfds, fd_set* writefds, fd_set* exceptfds, const timespec* timeout,
            const sigset_t* mask) {
  return select_with(nfds, {readfds, writefds, exceptfds},
                     [&] { return mqxx::posix::system::pselect(nfds, readfds, writefds, exceptfds, timeout, mask); });
}

int epoll_ctl(int epfd, int op, int fd, epoll_event* event) noexcept {
  const std::uintptr_t entry = entry_of(fd);
  if (entry != 0 && !is_private(entry) && op != EPOLL_CTL_DEL && event != nullptr) {
    OpenQueue* queue = hold(fd);
    const bool edges = (event->events & EPOLLET) != 0;
    const bool joined = queue == nullptr || queue->join_epoll(edges ? mqxx::shm::Edges::yes : mqxx::shm::Edges::no);
    const int error = errno;
    if (queue != nullptr) let_go(queue);
    if (!joined) return refuse<int>(error);
  }
  return mqxx::posix::system::epoll_ctl(epfd, op, fd, event);
}
}
