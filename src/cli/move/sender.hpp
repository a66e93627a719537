// Sender: messages into a queue, in order, with a count of those that went, for every failure tells it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <mqxx/queue.hpp>

#include "cli/progress.hpp"
#include "cli/waiting.hpp"

namespace mqxx::cli {

class Sender {
 public:
  /// @param operation  the command, for messages
  /// @param progress   is shown what was sent. All four must outlive the Sender
  Sender(const char* operation, Queue& queue, const Waiting& waiting, Progress& progress)
      : operation_(operation), queue_(queue), waiting_(waiting), progress_(progress) {}

  /// All or none as far as sizes and priorities go: those are checked before the first one is sent. Each message has
  /// the whole timeout. @throws Complaint  full, timed_out; Error
  void send(std::span<const Outgoing> messages);

  /// Stops with a sentence about what could not be sent.
  [[noreturn]] void fail(const std::string& why, const char* symbol) const;

  [[nodiscard]] std::size_t sent() const { return sent_; }
  /// "; 3 messages were sent before", or nothing.
  [[nodiscard]] std::string sent_before() const;

 private:
  std::size_t advance(std::span<const Outgoing>& messages, std::size_t count);
  void send_rest(std::span<const Outgoing> messages);
  [[noreturn]] void no_room() const;

  const char* operation_;
  Queue& queue_;
  const Waiting& waiting_;
  Progress& progress_;
  std::size_t sent_ = 0;
};

}  // namespace mqxx::cli
