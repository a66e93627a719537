// The forms of send and receive as tables, so that a test can say "every form" and mean it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <mqxx/queue.hpp>

namespace mqxx::test {

/// One way to send one message.
struct SendForm {
  std::string name;
  /// True for a form that waits while the queue is full (for ever, or for an hour).
  bool waits;
  /// @param ec  null: the throwing form; else the twin
  /// @return false when the queue was full
  std::function<bool(Queue&, Payload, Priority, std::error_code* ec)> send;
};

/// One way to receive one message.
struct ReceiveForm {
  std::string name;
  bool waits;  ///< while the queue is empty
  /// @return nullopt when the queue was empty, or, for a twin, when it failed
  std::function<std::optional<Message>(Queue&, std::error_code* ec)> receive;
};

const std::vector<SendForm>& send_forms();
const std::vector<ReceiveForm>& receive_forms();

}  // namespace mqxx::test
