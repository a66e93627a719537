// AsyncQueue: a queue for Asio. Sends and receives take any completion token (a callback, use_future, use_awaitable,
// deferred), so `co_await queue.async_receive(asio::use_awaitable)` works.
//
// Header only; Asio is needed only where it is included: the standalone one (CMake: mqxx::asio), or Boost's where
// MQXX_BOOST_ASIO is defined. docs/asio.md is its page.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <mqxx/asio/actions.hpp>
#include <mqxx/asio/initiate.hpp>
#include <mqxx/asio/library.hpp>
#include <mqxx/asio/port.hpp>
#include <mqxx/queue.hpp>

namespace mqxx {
inline namespace MQXX_ASIO_KIND {

/// A queue whose operations complete on an executor. Thread-safe, but for close(), moves and destruction. The
/// operations of one direction are done one at a time, in the order in which they were started; who must not wait until
/// the executor of another is free makes an AsyncQueue of `queue().duplicate()`.
///
/// An operation tries first, then waits for the descriptor, and tries again. It never completes inside the call that
/// starts it. It tries in the very step that calls its handler, so a receive that is cancelled, by its cancellation
/// slot (total, partial and terminal are one: it has happened or it has not) or by cancel(), leaves the message in the
/// queue and gets operation_aborted. Other errors are those of mqxx::Queue, as codes: `code ==
/// mqxx::Errc::queue_removed`.
///
/// Payloads and buffers are the caller's, and stay valid until the handler is called.
template <class Executor = async::net::any_io_executor>
class BasicAsyncQueue {
  using ErrorCode = async::ErrorCode;
  using Otherwise = typename async::net::default_completion_token<Executor>::type;

 public:
  using executor_type = Executor;
  /// The same with another executor: use_awaitable_t<>::as_default_on_t<AsyncQueue> makes awaitables by itself.
  template <class Other>
  struct rebind_executor {                 // NOLINT(readability-identifier-naming): Asio looks for this name
    using other = BasicAsyncQueue<Other>;  // NOLINT(readability-identifier-naming): and this one
  };

  /// A queue of the kernel is opened anew for this. Where it cannot be (docs/asio.md) its description is nonblocking
  /// for a moment here.
  /// @throws Error  closed, unsupported (there is no native_handle()), or no descriptor is left
  BasicAsyncQueue(const Executor& executor, Queue queue)
      : executor_(executor), port_(std::make_shared<async::Port>(executor, std::move(queue))) {}
  template <class Context>
  requires std::convertible_to<Context&, async::net::execution_context&> BasicAsyncQueue(Context& context, Queue queue)
      : BasicAsyncQueue(Executor(context.get_executor()), std::move(queue)) {}

  BasicAsyncQueue(BasicAsyncQueue&&) noexcept = default;
  BasicAsyncQueue& operator=(BasicAsyncQueue&& other) noexcept {
    if (this == &other) return *this;
    close();
    executor_ = std::move(other.executor_);
    port_ = std::move(other.port_);
    return *this;
  }
  BasicAsyncQueue(const BasicAsyncQueue&) = delete;
  BasicAsyncQueue& operator=(const BasicAsyncQueue&) = delete;
  ~BasicAsyncQueue() { close(); }

  /// Where handlers run that have no executor of their own.
  [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
  /// Neither closed nor moved from.
  [[nodiscard]] bool is_open() const noexcept { return port_ != nullptr; }
  /// For what does not wait: try_send, attributes, unlink. It is not to be closed. REQUIRES: is_open()
  [[nodiscard]] Queue& queue() const noexcept { return port_->queue(); }

  /// Operations that have not happened complete with operation_aborted.
  void cancel() {
    if (port_ != nullptr) port_->cancel_all();
  }
  /// Likewise, and gives the queue up. What is started from now on is `closed`.
  void close() {
    if (port_ != nullptr) std::exchange(port_, nullptr)->close();
  }

  // ---- Sending -----------------------------------------------------------------------------------------------------

  /// Queues a copy of the payload behind all messages of its priority, when there is room.
  /// Handler: void(error_code).
  template <async::net::completion_token_for<void(ErrorCode)> Token = Otherwise>
  auto async_send(Payload payload, Priority priority, Token&& token = Token()) {
    return start<Token, void(ErrorCode)>(async::Direction::out, async::Send{payload, priority}, token);
  }
  template <async::net::completion_token_for<void(ErrorCode)> Token = Otherwise>
  auto async_send(Payload payload, Token&& token = Token()) {
    return start<Token, void(ErrorCode)>(async::Direction::out, async::Send{payload, 0}, token);
  }

  /// Sends all of them in order, as room comes. Handler: void(error_code, std::size_t), how many were sent: all, but
  /// for an error.
  template <async::net::completion_token_for<void(ErrorCode, std::size_t)> Token = Otherwise>
  auto async_send_batch(std::span<const Outgoing> messages, Token&& token = Token()) {
    return start<Token, void(ErrorCode, std::size_t)>(async::Direction::out, async::SendBatch{messages}, token);
  }

  // ---- Receiving ---------------------------------------------------------------------------------------------------

  /// Takes the oldest message of the highest priority, when there is one. Handler: void(error_code, Message).
  template <async::net::completion_token_for<void(ErrorCode, Message)> Token = Otherwise>
  auto async_receive(Token&& token = Token()) {
    return start<Token, void(ErrorCode, Message)>(async::Direction::in, async::Receive{}, token);
  }
  /// The same into a buffer of at least attributes().message_size bytes. Handler: void(error_code, Received).
  template <async::net::completion_token_for<void(ErrorCode, Received)> Token = Otherwise>
  auto async_receive(std::span<std::byte> buffer, Token&& token = Token()) {
    return start<Token, void(ErrorCode, Received)>(async::Direction::in, async::ReceiveInto{buffer}, token);
  }
  /// As soon as there is one, takes what is there, in order; see Queue::receive_batch.
  /// Handler: void(error_code, std::size_t), how many.
  template <async::net::completion_token_for<void(ErrorCode, std::size_t)> Token = Otherwise>
  auto async_receive_batch(std::span<Incoming> room, Token&& token = Token()) {
    return start<Token, void(ErrorCode, std::size_t)>(async::Direction::in, async::ReceiveBatch{room}, token);
  }

 private:
  /// Token may be a reference, to a handler that is then copied.
  template <class Token, class Signature, class Action>
  auto start(async::Direction direction, Action action, std::remove_reference_t<Token>& token) {
    return async::net::async_initiate<Token, Signature>(async::Initiate<Executor>{executor_, port_, direction}, token,
                                                        std::move(action));
  }

  Executor executor_;
  std::shared_ptr<async::Port> port_;  // null: closed, or moved from
};

using AsyncQueue = BasicAsyncQueue<>;

}  // namespace MQXX_ASIO_KIND
}  // namespace mqxx
