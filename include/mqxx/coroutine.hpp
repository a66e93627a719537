// Coroutines on an EventLoop: what its spawn, receive, send, sleep and signal answer. docs/event-loop.md is the guide.
//
// Who awaits one is resumed by the loop, in the loop's thread. Destroyed while it waits, it waits no more, and nothing
// was taken or sent. A wait that can end at once does, sixty-four times in a row: then the others have their turn.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include <mqxx/event_loop.hpp>
#include <mqxx/task.hpp>

namespace mqxx {
namespace detail {

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

struct ReceiveAttempt {
  std::optional<Message> message{};
  bool operator()(Queue& queue) {
    message = queue.try_receive();
    return message.has_value();
  }
};

struct SendAttempt {
  Payload payload;
  Priority priority;
  bool operator()(Queue& queue) const { return queue.try_send(payload, priority); }
};

class StoppableReceiving : public QueueWaiting<ReceiveAttempt> {
 public:
  StoppableReceiving(EventLoop& loop, Queue& queue, std::stop_token stop) noexcept
      : QueueWaiting(loop, queue, Events::readable, {}, std::move(stop)) {}
  std::optional<Message> await_resume() { return std::move(outcome().message); }
};

class Receiving : public QueueWaiting<ReceiveAttempt> {
 public:
  Receiving(EventLoop& loop, Queue& queue) noexcept : QueueWaiting(loop, queue, Events::readable, {}, {}) {}
  Message await_resume() { return *std::move(outcome().message); }
};

class StoppableSending : public QueueWaiting<SendAttempt> {
 public:
  StoppableSending(EventLoop& loop, Queue& queue, SendAttempt what, std::stop_token stop) noexcept
      : QueueWaiting(loop, queue, Events::writable, what, std::move(stop)) {}
  /// @return false when the token was triggered first
  bool await_resume() {
    (void)outcome();
    return !stopped();
  }
};

class Sending : public QueueWaiting<SendAttempt> {
 public:
  Sending(EventLoop& loop, Queue& queue, SendAttempt what) noexcept
      : QueueWaiting(loop, queue, Events::writable, what, {}) {}
  void await_resume() { (void)outcome(); }
};

class StoppableSleeping : public Waiting {
 public:
  StoppableSleeping(EventLoop& loop, EventLoop::Duration delay, std::stop_token stop) noexcept
      : Waiting(loop, std::move(stop)), delay_(delay) {}
  bool await_ready() noexcept { return stopped_before(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    begin(waiting, event_loop().after(delay_, [this] { end(); }));
  }
  /// @return false when the token was triggered first
  bool await_resume() const noexcept { return !stopped(); }

 private:
  EventLoop::Duration delay_;
};

class Sleeping : public StoppableSleeping {
 public:
  Sleeping(EventLoop& loop, EventLoop::Duration delay) noexcept : StoppableSleeping(loop, delay, {}) {}
  void await_resume() const noexcept {}
};

class StoppableSignalAwaiting : public Waiting {
 public:
  StoppableSignalAwaiting(EventLoop& loop, int signal, std::stop_token stop) noexcept
      : Waiting(loop, std::move(stop)), signal_(signal) {}
  bool await_ready() noexcept { return stopped_before(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    begin(waiting, event_loop().on_signal(signal_, [this](const SignalInfo& info) {
      info_ = info;
      end();
    }));
  }
  std::optional<SignalInfo> await_resume() const noexcept { return info_; }

 private:
  int signal_;
  std::optional<SignalInfo> info_;
};

class SignalAwaiting : public StoppableSignalAwaiting {
 public:
  SignalAwaiting(EventLoop& loop, int signal) noexcept : StoppableSignalAwaiting(loop, signal, {}) {}
  SignalInfo await_resume() const noexcept { return *StoppableSignalAwaiting::await_resume(); }
};

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

}  // namespace detail

inline Watch EventLoop::spawn(Task<void> task) { return detail::Spawned::make(*this, std::move(task)).start(*this); }

inline detail::Receiving EventLoop::receive(Queue& queue) { return {*this, queue}; }
inline detail::StoppableReceiving EventLoop::receive(Queue& queue, std::stop_token stop) {
  return {*this, queue, std::move(stop)};
}
inline detail::Sending EventLoop::send(Queue& queue, Payload payload, Priority priority) {
  return {*this, queue, {payload, priority}};
}
inline detail::StoppableSending EventLoop::send(Queue& queue, Payload payload, std::stop_token stop,
                                                Priority priority) {
  return {*this, queue, {payload, priority}, std::move(stop)};
}
inline detail::Sleeping EventLoop::sleep(Duration delay) { return {*this, delay}; }
inline detail::StoppableSleeping EventLoop::sleep(Duration delay, std::stop_token stop) {
  return {*this, delay, std::move(stop)};
}
inline detail::SignalAwaiting EventLoop::signal(int signal) { return {*this, signal}; }
inline detail::StoppableSignalAwaiting EventLoop::signal(int signal, std::stop_token stop) {
  return {*this, signal, std::move(stop)};
}

}  // namespace mqxx
