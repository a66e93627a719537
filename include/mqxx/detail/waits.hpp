// What a coroutine may wait for: a message, room, a time, a signal; each with a stop token and without. Not for
// programs: <mqxx/coroutine.hpp> is.
#pragma once

#include <coroutine>
#include <optional>
#include <stop_token>
#include <utility>

#include <mqxx/detail/waiting.hpp>

namespace mqxx::detail {

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

}  // namespace mqxx::detail
