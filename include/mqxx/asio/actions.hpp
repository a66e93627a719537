// What the operations of an AsyncQueue do: each tries without waiting, and then tells a handler what came of it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <mqxx/asio/library.hpp>
#include <mqxx/message.hpp>
#include <mqxx/queue.hpp>

namespace mqxx {
inline namespace MQXX_ASIO_KIND {
namespace async {

/// bool attempt(Queue&, std::error_code&): whether it is over, done or failed with the code.
/// void tell(Handler, ErrorCode): calls the handler.
struct Send {
  Payload payload;
  Priority priority;

  bool attempt(mqxx::Queue& queue, std::error_code& code) const {
    return queue.try_send(payload, priority, code) || code;
  }
  template <class Handler>
  void tell(Handler handler, ErrorCode code) const {
    std::move(handler)(code);
  }
};

struct Receive {
  Message message{};

  bool attempt(mqxx::Queue& queue, std::error_code& code) {
    std::optional<Message> received = queue.try_receive(code);
    if (received) message = std::move(*received);
    return received || code;
  }
  template <class Handler>
  void tell(Handler handler, ErrorCode code) {
    std::move(handler)(code, std::move(message));
  }
};

struct ReceiveInto {
  std::span<std::byte> buffer;
  Received received{};

  bool attempt(mqxx::Queue& queue, std::error_code& code) {
    const std::optional<Received> got = queue.try_receive(buffer, code);
    if (got) received = *got;
    return got || code;
  }
  template <class Handler>
  void tell(Handler handler, ErrorCode code) const {
    std::move(handler)(code, received);
  }
};

struct SendBatch {
  std::span<const Outgoing> messages;
  std::size_t sent = 0;

  bool attempt(mqxx::Queue& queue, std::error_code& code) {
    sent += queue.send_batch(messages.subspan(sent), Wait::none(), code);
    return sent == messages.size() || code;
  }
  template <class Handler>
  void tell(Handler handler, ErrorCode code) const {
    std::move(handler)(code, sent);
  }
};

struct ReceiveBatch {
  std::span<Incoming> room;
  std::size_t received = 0;

  bool attempt(mqxx::Queue& queue, std::error_code& code) {
    received = queue.receive_batch(room, Wait::none(), code);
    return received > 0 || room.empty() || code;
  }
  template <class Handler>
  void tell(Handler handler, ErrorCode code) const {
    std::move(handler)(code, received);
  }
};

}  // namespace async
}  // namespace MQXX_ASIO_KIND
}  // namespace mqxx
