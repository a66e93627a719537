// poll and ppoll. A queue that is ready answers without a system call; for one that is not, the doorbell is kept right
// for as long as somebody polls it. For other descriptors they cost a look into the table.
#include <cerrno>
#include <cstdint>
#include <optional>

#include <pthread.h>

#include "posix/descriptors.hpp"
#include "posix/failure.hpp"
#include "posix/polled.hpp"
#include "posix/ready.hpp"
#include "posix/slices.hpp"
#include "posix/system.hpp"

namespace mqxx::posix {
namespace {

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
    const std::optional<short> events = ready_events(*found.queue, descriptors[i].events);
    if (!events) return -1;
    descriptors[i].revents = *events;
    if (*events != 0) ++ready;
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

int poll_queues_or_system(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  Polled polled;
  for (nfds_t i = 0; descriptors != nullptr && i < count; ++i) {
    if (!polled.add(descriptors[i].fd)) return -1;
  }
  if (polled.empty()) return mqxx::posix::system::ppoll(descriptors, count, timeout, mask);
  if (!valid(timeout)) return refuse<int>(EINVAL);
  Slices slices(timeout);
  return slices.wait([&](const timespec& slice) { return system::ppoll(descriptors, count, &slice, mask); },
                     [&] {
                       polled.look();
                       return 0;
                     });
}

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
}
