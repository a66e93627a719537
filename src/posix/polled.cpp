#include "posix/polled.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

#include "posix/failure.hpp"

namespace mqxx::posix {

bool Polled::add_queue(int fd) noexcept {
  OpenQueue* queue = hold(fd);
  // Closed meanwhile; or this is a handler that interrupted a call on the table.
  if (queue == nullptr) return entry_of(fd) == 0 || is_private(entry_of(fd)) || refuse<int>(EDEADLK) == 0;
  if (!queue->begin_poll()) {
    const int error = errno;
    let_go(queue);
    return refuse<int>(error) == 0;
  }
  if (count_ < kFew) {
    few_[count_++] = queue;
    return true;
  }
  try {
    more_.push_back(queue);
    return true;
  } catch (const std::bad_alloc&) {
    queue->end_poll();
    let_go(queue);
    return refuse<int>(ENOMEM) == 0;
  }
}

void Polled::look() noexcept {
  const int error = errno;
  const auto look = [](OpenQueue* queue) { queue->queue_if_mapped()->look(); };
  std::for_each(more_.begin(), more_.end(), look);
  std::for_each(few_.begin(), few_.begin() + static_cast<std::ptrdiff_t>(count_), look);
  errno = error;
}

Polled::~Polled() {
  const int error = errno;
  const auto end = [](OpenQueue* queue) {
    queue->end_poll();
    let_go(queue);
  };
  for (OpenQueue* queue : more_) end(queue);
  while (count_ > 0) end(few_[--count_]);
  errno = error;
}

}  // namespace mqxx::posix
