// ShmWatch: a queue in shared memory that this process polls, from make() until it is destroyed.
//
//  - All that time the doorbell says what the queue is (shm/watch.cpp), in all processes that use the queue.
//  - Who polls sleeps in the system, and nobody here finds what a dead process left: a message without a ring of the
//    doorbell, a slot on loan. One thread looks for all queues that the process polls, as sleepers do, and ends with
//    the last of them. It takes no lock unless there is something to find, so an idle queue costs it a few reads. A
//    thread that is stopped inside a lock holds it up for some 200 ms a round, and nothing else.
//  - Owned by the process that made it: in a child of fork(2) there is no thread, and the polls are its parent's.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "shm/queue.hpp"

namespace mqxx::backend {

class ShmLookout;

class ShmWatch {
 public:
  /// Fails with too_many_files, no_memory, and as Queue::begin_poll does. REQUIRES: `queue` outlives it.
  static Result<std::unique_ptr<ShmWatch>> make(shm::Queue& queue) noexcept;
  ShmWatch(const ShmWatch&) = delete;
  ShmWatch& operator=(const ShmWatch&) = delete;
  /// REQUIRES: in the process that made it
  ~ShmWatch();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  friend class ShmLookout;
  ShmWatch(shm::Queue& queue, int descriptor, ShmLookout& lookout) noexcept;

  shm::Queue& queue_;
  const int descriptor_;  // the queue's
  ShmLookout& lookout_;
  shm::Doubt doubt_;  // the lookout's
  bool is_looked_after_ = false;
  ShmWatch* before_ = nullptr;  // in the list of the lookout, under its mutex
  ShmWatch* after_ = nullptr;
};

}  // namespace mqxx::backend
