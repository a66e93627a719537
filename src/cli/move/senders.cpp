#include "cli/move/senders.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <mqxx/error.hpp>

#include "cli/output.hpp"
#include "cli/suggest.hpp"

namespace mqxx::cli {

Senders::Senders(const char* operation, const std::vector<std::string>& names, const Waiting& waiting,
                 Progress& progress) {
  for (const std::string& name : names) all_.emplace_back(operation, name, waiting, progress);
}

void Senders::send(std::span<const Outgoing> messages) {
  if (all_.size() == 1) return all_.front().sender.send(messages);
  require_fit(messages);
  for (One& one : all_) {
    if (one.failed) continue;
    try {
      one.sender.send(messages);
    } catch (const Complaint& complaint) {
      complain(complaint.what());
      note(one, complaint.status());
    } catch (const Error& error) {
      complain(error);
      note(one, status_of(error.code()));
    }
  }
}

void Senders::note(One& one, Status status) {
  one.failed = true;
  if (first_failure_ == Status::done) first_failure_ = status;
}

// Sender checks as well, but by then the queues before have their messages.
void Senders::require_fit(std::span<const Outgoing> messages) const {
  for (const Outgoing& message : messages) {
    if (message.payload.size() <= message_size()) continue;
    fail(fmt::format("message is {} bytes, the queue takes at most {}; it goes to no queue", message.payload.size(),
                     message_size()),
         "EMSGSIZE");
  }
}

bool Senders::over() const { return std::ranges::all_of(all_, &One::failed); }

const Senders::One& Senders::narrowest() const { return *std::ranges::min_element(all_, {}, &One::size); }

std::size_t Senders::sent() const {
  std::size_t most = 0;
  for (const One& one : all_) most = std::max(most, one.sender.sent());
  return most;
}

std::string Senders::title(const char* operation, const std::vector<std::string>& names) {
  if (names.size() == 1) return fmt::format("{} {}", operation, names.front());
  return fmt::format("{} to {} queues", operation, names.size());
}

}  // namespace mqxx::cli
