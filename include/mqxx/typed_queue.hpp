// TypedQueue<T>: a queue whose messages are values of one trivially copyable type.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <utility>

#include <mqxx/queue.hpp>

namespace mqxx {

namespace detail {
/// @throws Error  type_mismatch when the queue's message size is not `size`
void require_message_size(const Queue& queue, std::size_t size);
/// @throws Error  type_mismatch when a message has not `size` bytes
void require_received_size(const Queue& queue, std::size_t received, std::size_t size);
}  // namespace detail

/// Each message is the sizeof(T) bytes of one T. T must mean the same to both sides: no pointers.
/// Opening a queue whose message size is not sizeof(T) throws type_mismatch.
template <class T>
class TypedQueue {
  static_assert(std::is_trivially_copyable_v<T>, "a message is copied byte by byte into another process");
  static_assert(std::is_default_constructible_v<T>, "a received value needs somewhere to go");

 public:
  /// A value and the priority it was sent with.
  struct Typed {
    T value;
    Priority priority;
  };

  /// As Queue::open, create and open_or_create. @throws Error  as these, and type_mismatch
  [[nodiscard]] static TypedQueue open(std::string_view name, const OpenOptions& options = {}) {
    return TypedQueue(Queue::open(name, options));
  }
  /// options.message_size is ignored: it is sizeof(T).
  [[nodiscard]] static TypedQueue create(std::string_view name, OpenOptions options = {}) {
    options.message_size = sizeof(T);
    return TypedQueue(Queue::create(name, options));
  }
  [[nodiscard]] static TypedQueue open_or_create(std::string_view name, OpenOptions options = {}) {
    options.message_size = sizeof(T);
    return TypedQueue(Queue::open_or_create(name, options));
  }

  /// Sends a copy of the value; the forms are those of Queue::send.
  void send(const T& value, Priority priority = 0) { queue_.send(payload(value), priority); }
  bool send(const T& value, const std::stop_token& stop, Priority priority = 0) {
    return queue_.send(payload(value), stop, priority);
  }
  bool try_send(const T& value, Priority priority = 0) { return queue_.try_send(payload(value), priority); }
  template <class Rep, class Period>
  bool send_for(const T& value, std::chrono::duration<Rep, Period> timeout, Priority priority = 0) {
    return queue_.send_for(payload(value), timeout, priority);
  }
  template <class Clock, class Duration>
  bool send_until(const T& value, std::chrono::time_point<Clock, Duration> deadline, Priority priority = 0) {
    return queue_.send_until(payload(value), deadline, priority);
  }

  /// Takes a value out; the forms are those of Queue::receive.
  /// @throws Error  as these, and type_mismatch: the message had another size, and is gone
  Typed receive() {
    return *received([&](auto buffer) { return std::optional(queue_.receive(buffer)); });
  }
  std::optional<Typed> receive(const std::stop_token& stop) {
    return received([&](auto buffer) { return queue_.receive(buffer, stop); });
  }
  std::optional<Typed> try_receive() {
    return received([&](auto buffer) { return queue_.try_receive(buffer); });
  }
  template <class Rep, class Period>
  std::optional<Typed> receive_for(std::chrono::duration<Rep, Period> timeout) {
    return received([&](auto buffer) { return queue_.receive_for(buffer, timeout); });
  }
  template <class Clock, class Duration>
  std::optional<Typed> receive_until(std::chrono::time_point<Clock, Duration> deadline) {
    return received([&](auto buffer) { return queue_.receive_until(buffer, deadline); });
  }

  /// Everything else: attributes, statistics, unlink and so on.
  [[nodiscard]] Queue& untyped() { return queue_; }

 private:
  explicit TypedQueue(Queue queue) : queue_(std::move(queue)) { detail::require_message_size(queue_, sizeof(T)); }

  static Payload payload(const T& value) { return {&value, sizeof value}; }

  /// A message of another size came from a sender that is not a TypedQueue<T>: type_mismatch; the message is gone.
  template <class Receive>
  std::optional<Typed> received(Receive&& receive) {
    std::optional<Typed> result(std::in_place);
    const std::optional<Received> got = receive(std::as_writable_bytes(std::span(&result->value, 1)));
    if (!got) return std::nullopt;
    detail::require_received_size(queue_, got->size, sizeof(T));
    result->priority = got->priority;
    return result;
  }

  Queue queue_;
};

}  // namespace mqxx
