#include "backend/moving.hpp"

#include "os/memory.hpp"

namespace mqxx::backend {

Identity file_identity(int file) noexcept {
  const Result<os::FileFacts> facts = os::facts(file);
  if (!facts) return {.device = 0, .number = static_cast<std::uint64_t>(file)};
  return {.device = facts->device, .number = facts->inode};
}

Moved send_in_order(Backend& to, std::span<const Outgoing> messages, const Wait& wait) noexcept {
  Moved moved;
  bool one_by_one = false;  // a batch is refused as a whole for one message in it
  while (moved.messages < messages.size()) {
    const std::span<const Outgoing> rest = messages.subspan(moved.messages);
    const Result<std::size_t> sent = to.send_batch(one_by_one ? rest.first(1) : rest, wait);
    if (sent) {
      moved.messages += *sent;
      continue;
    }
    if (sent.is(Errc::message_too_big) && !one_by_one && rest.size() > 1) {
      one_by_one = true;
      continue;
    }
    moved.ended = Moved::Ended::at_destination;
    moved.failure = sent.failure();
    moved.size = rest.front().payload.size();
    break;
  }
  return moved;
}

}  // namespace mqxx::backend
