// NoticeHelper: the thread of a registered process that does what nobody else can do for it: the call that it asked
// for, and a signal that the sender may not raise. It takes no signals, waits for the end of one registration, and
// ends. Thread safety: the caller lets in one at a time.
#pragma once

#include <functional>
#include <memory>

#include "base/result.hpp"

namespace mqxx::backend {

class NoticeHelper {
 public:
  /// In a thread: `await`, which sleeps until the registration is over and answers whether somebody is to be told; and
  /// then `act`, which may do anything, with the queue too. Fails with no_memory. REQUIRES: is_idle()
  Result<void> start(std::function<bool()> await, std::function<void()> act) noexcept;
  /// Whether nobody is in `await`.
  [[nodiscard]] bool is_idle() const noexcept;
  /// Until that is so. REQUIRES: the registration is over.
  void wait() const noexcept;

 private:
  struct Waiting;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace mqxx::backend
