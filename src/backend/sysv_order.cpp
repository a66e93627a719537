#include "backend/sysv_order.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "backend/sysv_place.hpp"
#include "os/sysv_queue.hpp"

namespace mqxx::backend {
namespace {

struct Seen {
  long type = 0;
  Message message;
};

/// The buffer grows until it has room: no message is larger than all that are queued.
Result<os::SysvReceived> look_at(int queue, std::size_t index, std::vector<std::byte>& buffer) {
  for (;;) {
    os::SysvReceived found;
    const Result<void> looked = os::peek_sysv(queue, buffer, index, found);
    if (looked) return found;
    if (!looked.is(Errc::buffer_too_small)) return looked.failure();
    const Result<os::SysvFacts> facts = facts_of_sysv(queue);
    if (!facts) return facts.failure();
    buffer.resize(std::max(buffer.size() * 2, static_cast<std::size_t>(facts->queued_bytes)));
  }
}

}  // namespace

Result<std::vector<Message>> peek_in_order(int queue, std::size_t most) noexcept {
  constexpr std::size_t kUsual = 1024;
  return or_no_memory([&]() -> Result<std::vector<Message>> {
    std::vector<std::byte> buffer(kUsual);
    std::vector<Seen> seen;
    for (;;) {
      const Result<os::SysvReceived> found = look_at(queue, seen.size(), buffer);
      if (found.is(Errc::would_block)) break;  // no more
      if (!found) return found.failure();
      const std::span<const std::byte> bytes = std::span(buffer).first(found->size);
      seen.push_back({found->type, Message(bytes, priority_of(found->type))});
    }
    std::ranges::stable_sort(seen, {}, &Seen::type);
    std::vector<Message> messages;
    for (Seen& one : seen) {
      if (messages.size() == most) break;
      messages.push_back(std::move(one.message));
    }
    return messages;
  });
}

}  // namespace mqxx::backend
