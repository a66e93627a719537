#include "posix/open_queue.hpp"

#include <cerrno>
#include <mutex>
#include <utility>

#include <fcntl.h>

#include "os/process.hpp"
#include "posix/descriptors.hpp"
#include "posix/failure.hpp"

namespace mqxx::posix {

OpenQueue::~OpenQueue() {
  shm::Queue* queue = queue_.load(std::memory_order_relaxed);
  if (queue == nullptr) return;
  release_private(queue->segment().fd());
  release_private(queue->bell());
  delete queue;
}

shm::Queue* OpenQueue::attach() noexcept {
  const os::Uncancelled uncancelled;
  const TableLock lock;
  if (!lock) return refuse<shm::Queue*>(EDEADLK);
  shm::Queue* present = queue_.load(std::memory_order_relaxed);
  if (present != nullptr) return present;
  const int error = errno;
  const HeadRoom room;
  Result<shm::Segment> segment = or_no_memory([&] { return shm::attach_file(place_.queue()); });
  if (!segment) return refuse<shm::Queue*>(segment.failure());
  // Its owner may have put another there.
  if (segment->place().inode != place_.inode) return refuse<shm::Queue*>(EBADMSG);
  Result<UniqueFd> bell = shm::open_bell(*segment);
  if (!bell) return refuse<shm::Queue*>(bell.failure());
  segment->renumber(room.move(segment->fd()));
  if (segment->fd() < 0) return refuse<shm::Queue*>(EMFILE);
  UniqueFd moved = room.move(bell->get());
  if (!moved) return refuse<shm::Queue*>(EMFILE);
  const int segment_fd = segment->fd();
  const int bell_fd = moved.get();
  Result<std::unique_ptr<shm::Queue>> joined = shm::Queue::join(std::move(*segment));
  if (!joined) return refuse<shm::Queue*>(joined.failure());
  (*joined)->take_bell(std::move(moved));
  make_private(segment_fd);
  make_private(bell_fd);
  present = joined->release();
  queue_.store(present, std::memory_order_release);  // meets the acquire in queue()
  errno = error;
  return present;
}

bool OpenQueue::begin_poll() noexcept {
  shm::Queue* queue = this->queue();
  if (queue == nullptr) return false;
  const Result<void> begun = queue->begin_poll(shm::Edges::no);
  if (!begun) return refuse<int>(begun.failure()) == 0;
  return true;
}

void OpenQueue::end_poll() noexcept { queue_if_mapped()->end_poll(shm::Edges::no); }

bool OpenQueue::join_epoll(shm::Edges edges) noexcept {
  shm::Queue* queue = this->queue();
  if (queue == nullptr) return false;
  std::atomic<bool>& joined = in_epoll_[static_cast<int>(edges)];
  if (joined.exchange(true, std::memory_order_relaxed)) return true;
  const Result<void> begun = queue->begin_poll(edges);
  if (begun) return true;
  joined.store(false, std::memory_order_relaxed);
  return refuse<int>(begun.failure()) == 0;
}

void OpenQueue::join_epoll_again() noexcept {
  shm::Queue* queue = queue_if_mapped();
  for (const shm::Edges edges : {shm::Edges::no, shm::Edges::yes}) {
    if (queue != nullptr && in_epoll_[static_cast<int>(edges)].load(std::memory_order_relaxed)) {
      (void)queue->begin_poll(edges);  // refused only to a thread that forked in the middle of a call
    }
  }
}

}  // namespace mqxx::posix
