// OpenQueue: one queue that this process has open, through however many descriptors.
//
// It begins as a place, and is mapped when the first call needs it: opening and closing alone cost no more than a FIFO
// does.
// Thread safety: all of it. What lasts is in descriptors.cpp, which makes and destroys these.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "posix/notifier.hpp"
#include "shm/queue.hpp"

namespace mqxx::posix {

class alignas(64) OpenQueue {
 public:
  explicit OpenQueue(shm::Place place) noexcept : place_(std::move(place)) {}
  OpenQueue(const OpenQueue&) = delete;
  OpenQueue& operator=(const OpenQueue&) = delete;
  ~OpenQueue();

  /// Mapped if need be. nullptr, and errno, when it cannot be.
  shm::Queue* queue() noexcept {
    shm::Queue* queue = queue_.load(std::memory_order_acquire);
    return queue != nullptr ? queue : attach();
  }
  [[nodiscard]] shm::Queue* queue_if_mapped() const noexcept { return queue_.load(std::memory_order_acquire); }

  [[nodiscard]] const shm::Place& place() const noexcept { return place_; }
  Notifier& notifier() noexcept { return notifier_; }

  /// A poll is under way, between the two. @return false, and errno, when the queue cannot be told
  bool begin_poll() noexcept;
  void end_poll() noexcept;
  /// It is in an epoll instance from now on. These last as long as the queue is open here: nobody tells us when a
  /// descriptor leaves an instance because it is closed.
  bool join_epoll(shm::Edges edges) noexcept;
  /// In the child of a fork, which has the instances too.
  void join_epoll_again() noexcept;

  // Under the lock of descriptors.cpp
  int descriptors = 0;  ///< that mean this queue
  OpenQueue* next_retired = nullptr;

 private:
  shm::Queue* attach() noexcept;

  shm::Place place_;
  std::atomic<shm::Queue*> queue_{nullptr};
  std::atomic<bool> in_epoll_[2] = {false, false};  // by Edges
  Notifier notifier_;
};

}  // namespace mqxx::posix
