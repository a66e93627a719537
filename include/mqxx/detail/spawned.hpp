// Spawned: how a task runs that nobody awaits but the loop. Not for programs: EventLoop::spawn is.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

#include <mqxx/detail/waiting.hpp>
#include <mqxx/task.hpp>

namespace mqxx::detail {

/// The coroutine around a task that nobody awaits but the loop.
class Spawned {
 public:
  // NOLINTNEXTLINE(readability-identifier-naming): the compiler looks for this name
  class promise_type {
   public:
    promise_type(EventLoop& loop, const Task<void>& /*task*/) noexcept : loop_(&loop) {}
    promise_type(const promise_type&) = delete;
    promise_type& operator=(const promise_type&) = delete;
    ~promise_type() {
      if (entry_ != nullptr) LoopAccess::finished(*entry_);
    }

    Spawned get_return_object() noexcept { return Spawned(std::coroutine_handle<promise_type>::from_promise(*this)); }
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }  // and so it is destroyed
    void return_void() const noexcept {}
    void unhandled_exception() { LoopAccess::failed(*loop_, std::current_exception()); }

   private:
    friend class Spawned;

    EventLoop* loop_;
    loop::Entry* entry_ = nullptr;
  };

  static Spawned make(EventLoop& /*loop*/, Task<void> task) { co_await std::move(task); }

  /// What is thrown here has destroyed the task.
  Watch start(EventLoop& loop) const {
    Watch watch;
    try {
      watch = LoopAccess::adopt(loop, handle_, handle_.promise().entry_);
      loop.post([&loop, watch, handle = handle_] {
        if (watch.is_active()) LoopAccess::resume(loop, handle);
      });
    } catch (...) {
      if (watch.is_active()) {
        watch.cancel();
      } else {
        handle_.destroy();
      }
      throw;
    }
    return watch;
  }

 private:
  explicit Spawned(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

}  // namespace mqxx::detail
