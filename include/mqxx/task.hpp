// Task: a coroutine that somebody awaits. Lazy, move-only, for one thread; exceptions travel to who awaits it.
#pragma once

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace mqxx {

template <class T = void>
class Task;

namespace detail {

/// What every task's promise has: who waits for it.
class TaskPromiseBase {
 public:
  struct Final {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> task) const noexcept {
      const std::coroutine_handle<> next = task.promise().awaiting_;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] Final final_suspend() const noexcept { return {}; }
  void set_awaiting(std::coroutine_handle<> awaiting) noexcept { awaiting_ = awaiting; }

 private:
  std::coroutine_handle<> awaiting_;  // null while it runs for the first time: see Task::Awaiter
};

template <class T>
class TaskPromise final : public TaskPromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class Value>
  requires std::is_convertible_v<Value&&, T>
  void return_value(Value&& value) { outcome_.template emplace<1>(std::forward<Value>(value)); }
  void unhandled_exception() noexcept { outcome_.template emplace<2>(std::current_exception()); }
  T take() {
    if (outcome_.index() == 2) std::rethrow_exception(std::get<2>(outcome_));
    return std::move(std::get<1>(outcome_));
  }

 private:
  std::variant<std::monostate, T, std::exception_ptr> outcome_;
};

template <>
class TaskPromise<void> final : public TaskPromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }
  void take() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
};

}  // namespace detail

/// `Task<int> answer() { co_return 42; }` and then once, `int i = co_await answer();`. It begins when it is awaited, or
/// with EventLoop::spawn; destroyed where it is suspended, it ends there, and so does everything that it awaits.
template <class T>
class [[nodiscard]] Task {
  static_assert(!std::is_reference_v<T>, "a task answers a value");

 public:
  // NOLINTNEXTLINE(readability-identifier-naming): the compiler looks for this name
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  /// What the compiler calls.
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { destroy(); }

  /// Runs it until it is suspended. One that finishes at once does not suspend its awaiter, and takes no stack from it:
  /// a loop over such tasks may go on for ever, also where the compiler makes no tail calls.
  class Awaiter {
   public:
    /// What the compiler calls.
    explicit Awaiter(Handle handle) noexcept : handle_(handle) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> awaiting) const {
      handle_.resume();
      if (handle_.done()) return false;
      handle_.promise().set_awaiting(awaiting);
      return true;
    }
    T await_resume() const { return handle_.promise().take(); }

   private:
    Handle handle_;
  };

  /// REQUIRES: it was not awaited or moved from before.
  Awaiter operator co_await() && noexcept { return Awaiter(handle_); }

 private:
  void destroy() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

  Handle handle_;
};

template <class T>
Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

inline Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

}  // namespace mqxx
