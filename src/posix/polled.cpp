#include "posix/polled.hpp"

#include <cerrno>
#include <new>

#include "posix/failure.hpp"

namespace mqxx::posix {

bool Polled::add_queue(int fd) noexcept {
  OpenQueue* queue = hold(fd);
  if (queue == nullptr) return true;  // closed meanwhile
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
