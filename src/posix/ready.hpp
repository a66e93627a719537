// What a queue that polls is now, without asking the system.
#pragma once

#include <optional>

#include <poll.h>

#include "posix/descriptors.hpp"

namespace mqxx::posix {

/// Of the events that are wanted those that are there. None: it takes a lock to know, since somebody died inside one,
/// or may have died with a slot of his own.
inline std::optional<short> ready_events(OpenQueue& queue, short wanted) noexcept {
  constexpr int kReadable = POLLIN | POLLRDNORM;
  constexpr int kWritable = POLLOUT | POLLWRNORM;
  const shm::Queue* mapped = queue.queue();
  if (mapped == nullptr) return short{0};
  // Who waits for it must not wait for ever: the call that follows says what is wrong.
  if (!mapped->intact()) return static_cast<short>(wanted & (kReadable | kWritable));
  const shm::Readiness ready = mapped->readiness();
  const int events = (ready.readable ? kReadable : 0) | (ready.writable ? kWritable : 0);
  const bool missing = (wanted & (kReadable | kWritable) & ~events) != 0;
  if (mapped->in_doubt() || (missing && mapped->has_loans())) return std::nullopt;
  return static_cast<short>(wanted & events);
}

/// Then a call that polls has nothing to look at here, not even its arguments.
inline bool no_queues() noexcept { return end_of_descriptors() == 0; }

}  // namespace mqxx::posix
