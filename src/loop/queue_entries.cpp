#include "loop/queue_entries.hpp"

#include <utility>

#include "loop/core.hpp"

namespace mqxx::loop {
namespace {

/// Up to here a message is received into a buffer that all watches share, and copied once more for its owner: that is
/// cheaper than a loan.
constexpr std::size_t kMostCopied = 65536;

constexpr Events wanted_by(Trigger trigger) noexcept {
  return trigger == Trigger::edges ? Events::readable | Events::edges : Events::readable;
}

}  // namespace

MessageEntry::MessageEntry(Core& core, const Queue& queue, Callback callback, DrainOptions options)
    : QueueEntry(core, wanted_by(options.trigger), queue),
      callback_(std::move(callback)),
      options_(std::move(options)),
      message_size_(queue.attributes().message_size) {
  if (message_size_ <= kMostCopied) core.need_buffer(message_size_);
}

bool MessageEntry::ready(Events /*events*/) {
  if (options_.trigger == Trigger::edges) {
    core().sources().set_unread(*this);
  } else {
    (void)deliver(options_.most_per_turn);
  }
  return true;
}

bool MessageEntry::go_on() { return deliver(options_.most_per_turn); }

void MessageEntry::drain() {
  if (!options_.drain_on_stop) return;
  std::size_t depth = 0;
  try {
    depth = queue().attributes().depth;
  } catch (const Error& error) {
    return fail(error);
  }
  (void)deliver(depth);
}

bool MessageEntry::deliver(std::size_t most) {
  for (std::size_t i = 0; i < most && is_active(); ++i) {
    std::optional<Message> message;
    try {
      message = receive();
    } catch (const Error& error) {
      fail(error);
      return false;
    }
    if (!message) return false;
    callback_(std::move(*message));
  }
  return is_active();
}

std::optional<Message> MessageEntry::receive() {
  if (message_size_ <= kMostCopied) {
    const std::span<std::byte> buffer = core().buffer();
    std::error_code ec;
    const std::optional<Received> received = queue().try_receive(buffer, ec);
    if (received) return Message(std::span<const std::byte>(buffer).first(received->size), received->priority);
    if (!ec) return std::nullopt;
  }
  // A System V queue may have been made larger. Whatever else it was is said, and said in full, by this.
  return queue().try_receive();
}

void MessageEntry::fail(const Error& error) {
  core().cancel(*this);
  if (!options_.on_error) throw error;
  options_.on_error(error);
}

}  // namespace mqxx::loop
