// Waiting: a wait of a coroutine on an EventLoop, from its co_await until it has what it waited for. It lives in the
// frame of the coroutine. Not for programs: <mqxx/coroutine.hpp> is.
//
//   W1  What it waits for is one Watch of the loop, which ends with the frame: nothing is taken or sent afterwards.
//   W2  A stop token may be triggered in any thread; the wait ends in the loop's, if it has not ended before.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include <mqxx/event_loop.hpp>

namespace mqxx::detail {

/// The loop's side of it.
class LoopAccess {
 public:
  /// Calls `attempt` when the queue is ready, those who wait for the same in the order in which they came, until it has
  /// answered true and cancelled the watch.
  static Watch when_ready(EventLoop& loop, Events events, const Queue& queue, std::function<bool(Queue&)> attempt);
  /// Whether a wait may end without a turn of the others.
  static bool may_go_on(EventLoop& loop) noexcept;
  /// Resumes, and throws what has left a task meanwhile.
  static void resume(EventLoop& loop, std::coroutine_handle<> waiting);
  /// A task that the loop destroys if it has not finished, and what its promise tells.
  static Watch adopt(EventLoop& loop, std::coroutine_handle<> task, loop::Entry*& entry);
  static void finished(loop::Entry& entry) noexcept;
  static void failed(EventLoop& loop, std::exception_ptr failure);
};

/// A wait in progress. Lives in the frame of the coroutine that waits, and ends with it.
class Waiting {
 public:
  explicit Waiting(EventLoop& loop, std::stop_token stop = {}) noexcept : loop_(&loop), stop_(std::move(stop)) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    on_stop_.reset();
    watch_.cancel();
  }

 protected:
  /// @return whether the token was triggered before the wait began
  bool stopped_before() noexcept { return stopped_ = stop_.stop_requested(); }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  [[nodiscard]] EventLoop& event_loop() const noexcept { return *loop_; }

  /// It waits from now on, as long as `watch` is active, or until its token is triggered.
  void begin(std::coroutine_handle<> waiting, Watch watch) {
    waiting_ = waiting;
    watch_ = std::move(watch);
    if (stop_.stop_possible()) on_stop_.emplace(std::move(stop_), Stop{this, watch_, loop_});
  }
  /// It has what it waited for. Nothing of *this may be touched afterwards.
  void end() {
    watch_.cancel();
    LoopAccess::resume(*loop_, waiting_);
  }

 private:
  /// Called in any thread, so the rest is done in the loop's, where the wait may have ended meanwhile.
  struct Stop {
    Waiting* waiting;
    Watch watch;
    EventLoop* loop;
    void operator()() const {
      loop->post([waiting = waiting, watch = watch] {
        if (!watch.is_active()) return;
        waiting->stopped_ = true;
        waiting->end();
      });
    }
  };

  EventLoop* loop_;
  std::stop_token stop_;
  std::coroutine_handle<> waiting_;
  Watch watch_;
  std::optional<std::stop_callback<Stop>> on_stop_;
  bool stopped_ = false;
};

/// A wait for a queue: an attempt that is made at once, and again whenever the queue is ready.
template <class Attempt>
class QueueWaiting : public Waiting {
 public:
  QueueWaiting(EventLoop& loop, Queue& queue, Events events, Attempt attempt, std::stop_token stop) noexcept
      : Waiting(loop, std::move(stop)), queue_(&queue), events_(events), attempt_(std::move(attempt)) {}

  bool await_ready() { return stopped_before() || (LoopAccess::may_go_on(event_loop()) && attempt_(*queue_)); }
  void await_suspend(std::coroutine_handle<> waiting) {
    begin(waiting, LoopAccess::when_ready(event_loop(), events_, *queue_, [this](Queue& queue) {
            try {
              if (!attempt_(queue)) return false;
            } catch (...) {
              failure_ = std::current_exception();
            }
            end();
            return true;
          }));
  }

 protected:
  Attempt& outcome() {
    if (failure_) std::rethrow_exception(failure_);
    return attempt_;
  }

 private:
  Queue* queue_;  // used before it is suspended only: the watch has a handle of its own
  Events events_;
  Attempt attempt_;
  std::exception_ptr failure_;
};

}  // namespace mqxx::detail
