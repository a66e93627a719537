// What a queue that polls is now, without asking the system.
#pragma once

#include <poll.h>

#include "posix/descriptors.hpp"

namespace mqxx::posix {

/// Of the events that are wanted those that are there.
inline short ready_events(OpenQueue& queue, short wanted) noexcept {
  const shm::Queue* mapped = queue.queue();
  if (mapped == nullptr) return 0;
  const shm::Readiness ready = mapped->readiness();
  const int events = (ready.readable ? POLLIN | POLLRDNORM : 0) | (ready.writable ? POLLOUT | POLLWRNORM : 0);
  return static_cast<short>(wanted & events);
}

/// Then a call that polls has nothing to look at here, not even its arguments.
inline bool no_queues() noexcept { return end_of_descriptors() == 0; }

}  // namespace mqxx::posix
