#include "backend/kernel_notice.hpp"

#include <functional>
#include <new>
#include <utility>

#include "os/kernel_queue.hpp"

namespace mqxx::backend {

KernelNotice::KernelNotice(int queue) noexcept : queue_(queue) {}

Result<std::unique_ptr<KernelNotice>> KernelNotice::make(int queue) noexcept {
  std::unique_ptr<KernelNotice> notice(new (std::nothrow) KernelNotice(queue));
  if (notice == nullptr) return Errc::no_memory;
  return notice;
}

KernelNotice::~KernelNotice() { cancel(); }

Result<void> KernelNotice::begin(Notice notice) noexcept {
  const std::scoped_lock lock(mutex_);
  switch (notice.kind) {
    case Notice::Kind::signal: return os::notify_by_signal(queue_, notice.signal, notice.value);
    case Notice::Kind::nothing: return os::notify_silently(queue_);
    case Notice::Kind::call: break;
  }
  return or_no_memory([&] { return begin_call(std::move(notice)); });
}

// If the registration before this one was a call, it is over, or this one is refused; its helper may be on its way.
Result<void> KernelNotice::begin_call(Notice notice) {
  Result<UniqueFd> made = os::make_notice();
  if (!made) return made.failure();
  const auto told = std::make_shared<UniqueFd>(std::move(*made));
  std::function<bool()> await = [told] { return os::await_notice(told->get()); };
  const Result<void> done = os::notify_through(queue_, told->get());
  if (!done) return done;
  helper_.wait();
  Result<void> started = helper_.start(std::move(await), std::move(notice.call));
  if (!started) (void)os::cancel_notify(queue_);
  return started;
}

void KernelNotice::cancel() noexcept {
  const std::scoped_lock lock(mutex_);
  (void)os::cancel_notify(queue_);
  helper_.wait();
}

}  // namespace mqxx::backend
