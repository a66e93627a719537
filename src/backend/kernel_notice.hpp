// KernelNotice: the registration of this process with a queue of the kernel, and the helper that makes the call.
// Owned by the process that made it: the child of a fork(2) is not registered. Thread safety: all but the destructor.
#pragma once

#include <memory>
#include <mutex>

#include "backend/backend.hpp"
#include "backend/notice_helper.hpp"
#include "base/result.hpp"

namespace mqxx::backend {

class KernelNotice {
 public:
  /// Fails with no_memory.
  static Result<std::unique_ptr<KernelNotice>> make(int queue) noexcept;
  KernelNotice(const KernelNotice&) = delete;
  KernelNotice& operator=(const KernelNotice&) = delete;
  /// Ends the registration. REQUIRES: in the process that made it
  ~KernelNotice();

  Result<void> begin(Notice notice) noexcept;
  void cancel() noexcept;

 private:
  explicit KernelNotice(int queue) noexcept;
  Result<void> begin_call(Notice notice);

  const int queue_;
  std::mutex mutex_;
  NoticeHelper helper_;
};

}  // namespace mqxx::backend
