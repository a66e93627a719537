#include "cli/move/sender.hpp"

#include <fmt/format.h>

#include <mqxx/error.hpp>

#include "cli/status.hpp"

namespace mqxx::cli {

void Sender::send(std::span<const Outgoing> messages) {
  try {
    send_rest(messages);
  } catch (const Error& error) {
    if (sent_ == 0) throw;
    throw Error(error.code(), error.what() + sent_before());
  }
}

void Sender::send_rest(std::span<const Outgoing> messages) {
  const bool for_ever = !waiting_.nonblock && !waiting_.timeout;
  while (!messages.empty()) {
    if (!for_ever) {
      advance(messages, queue_.try_send_batch(messages));
      if (messages.empty()) return;
    }
    // Full. With a timeout the rest goes one by one, so that each message has the whole of it.
    const auto next = for_ever ? messages : messages.first(1);
    const std::size_t sent =
        progress_.wait(waiting_.wait(), "room", [&](const Wait& wait) { return queue_.send_batch(next, wait); });
    if (advance(messages, sent) == 0) no_room();
  }
}

std::size_t Sender::advance(std::span<const Outgoing>& messages, std::size_t count) {
  messages = messages.subspan(count);
  sent_ += count;
  progress_.show(sent_);
  return count;
}

void Sender::fail(const std::string& why, const char* symbol) const {
  throw Complaint(Status::failed,
                  fmt::format("{} '{}': {}{} ({})", operation_, queue_.name(), why, sent_before(), symbol));
}

void Sender::no_room() const {
  if (waiting_.nonblock) {
    throw Complaint(Status::full,
                    fmt::format("{} '{}': the queue is full{} (EAGAIN)", operation_, queue_.name(), sent_before()));
  }
  throw Complaint(Status::timed_out, fmt::format("{} '{}': the queue stayed full for {}{} (ETIMEDOUT)", operation_,
                                                 queue_.name(), waiting_.timeout_text, sent_before()));
}

std::string Sender::sent_before() const {
  if (sent_ == 0) return "";
  return fmt::format("; {} {} sent before", sent_, sent_ == 1 ? "message was" : "messages were");
}

}  // namespace mqxx::cli
