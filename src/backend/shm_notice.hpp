// ShmNotice: the registration of this process with a queue in shared memory. A signal is raised by whoever sends the
// message, if he may; the call, and what he may not raise, are a helper's.
// Owned by the process that made it: the child of a fork(2) is not registered. Thread safety: all but the destructor.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "backend/backend.hpp"
#include "backend/notice_helper.hpp"
#include "base/result.hpp"
#include "shm/queue.hpp"

namespace mqxx::backend {

class ShmNotice {
 public:
  /// Fails with no_memory. REQUIRES: `queue` outlives it.
  static Result<std::unique_ptr<ShmNotice>> make(shm::Queue& queue) noexcept;
  ShmNotice(const ShmNotice&) = delete;
  ShmNotice& operator=(const ShmNotice&) = delete;
  /// Ends the registration. REQUIRES: in the process that made it
  ~ShmNotice();

  Result<void> begin(Notice notice) noexcept;
  void cancel() noexcept;

 private:
  /// What the helper has to do, which it shares with this.
  struct Order;

  explicit ShmNotice(shm::Queue& queue) noexcept;
  Result<void> begin_with_help(Notice notice);
  Result<std::uint32_t> enter(const Notice& notice) noexcept;

  shm::Queue& queue_;
  std::mutex mutex_;
  std::shared_ptr<Order> order_;  // the last one
  NoticeHelper helper_;
};

}  // namespace mqxx::backend
