// Posts: functions that threads hand to the loop's thread, in the order of the calls. add() from any thread.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace mqxx::loop {

class Posts {
 public:
  /// @return whether it is the first since the loop last looked: then, and only then, the loop is to be woken
  bool add(std::function<void()> function) {
    const std::scoped_lock lock(mutex_);
    incoming_.push_back(std::move(function));
    return !waiting_.exchange(true, std::memory_order_relaxed);  // under the lock, as run() reads it again
  }

  /// For the loop's thread. A stale answer is no loss: whoever has added the first wakes the poller, and that system
  /// call, here and there, comes between his store and the next look.
  [[nodiscard]] bool any() const noexcept { return !taken_.empty() || waiting_.load(std::memory_order_relaxed); }

  /// Calls those that are there now. What an exception leaves over comes first the next time.
  void run() {
    if (taken_.empty()) take();
    while (!taken_.empty()) {
      const std::function<void()> function = std::move(taken_.front());
      taken_.pop_front();
      function();
    }
  }

 private:
  void take() {
    if (!waiting_.load(std::memory_order_relaxed)) return;
    const std::scoped_lock lock(mutex_);
    waiting_.store(false, std::memory_order_relaxed);
    taken_.swap(incoming_);
  }

  std::mutex mutex_;
  std::deque<std::function<void()>> incoming_;  // under mutex_
  std::atomic<bool> waiting_{false};            // incoming_ is not empty; changed under mutex_
  std::deque<std::function<void()>> taken_;     // the loop's thread's alone
};

}  // namespace mqxx::loop
