#include "backend/notice_helper.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "os/process.hpp"

namespace mqxx::backend {

/// The thread's as well: whoever is called by it may destroy the queue, and with it this helper.
struct NoticeHelper::Waiting {
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
};

Result<void> NoticeHelper::start(std::function<bool()> await, std::function<void()> act) noexcept {
  const os::Uncancelled uncancelled;
  const os::SignalsHeldBack held;
  try {
    auto waiting = std::make_shared<Waiting>();
    std::thread([waiting, await = std::move(await), act = std::move(act)] {
      const bool told = await();
      {
        const std::scoped_lock lock(waiting->mutex);
        waiting->over = true;
        waiting->changed.notify_all();
      }
      if (told) act();
    }).detach();
    waiting_ = std::move(waiting);
  } catch (const std::exception&) {  // bad_alloc, or system_error
    return Errc::no_memory;
  }
  return {};
}

bool NoticeHelper::is_idle() const noexcept {
  if (waiting_ == nullptr) return true;
  const std::scoped_lock lock(waiting_->mutex);
  return waiting_->over;
}

void NoticeHelper::wait() const noexcept {
  if (waiting_ == nullptr) return;
  const os::Uncancelled uncancelled;
  std::unique_lock lock(waiting_->mutex);
  waiting_->changed.wait(lock, [this] { return waiting_->over; });
}

}  // namespace mqxx::backend
