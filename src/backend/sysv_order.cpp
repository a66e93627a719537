#include "backend/sysv_order.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "backend/sysv_place.hpp"
#include "os/sysv_queue.hpp"

namespace mqxx::backend {
namespace {

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

Result<std::vector<SysvSeen>> see_in_order(int queue, std::size_t window) noexcept {
  constexpr std::size_t kUsual = 1024;
  return or_no_memory([&]() -> Result<std::vector<SysvSeen>> {
    std::vector<std::byte> buffer(kUsual);
    std::vector<SysvSeen> seen;
    while (seen.size() < window) {
      const Result<os::SysvReceived> found = look_at(queue, seen.size(), buffer);
      if (found.is(Errc::would_block)) break;  // no more
      if (!found) return found.failure();
      const std::span<const std::byte> bytes = std::span(buffer).first(found->size);
      seen.push_back({found->type, Message(bytes, priority_of(found->type))});
    }
    std::ranges::stable_sort(seen, {}, &SysvSeen::type);
    return seen;
  });
}

Result<std::vector<Message>> peek_in_order(int queue, std::size_t most) noexcept {
  Result<std::vector<SysvSeen>> seen = see_in_order(queue, std::numeric_limits<std::size_t>::max());
  if (!seen) return seen.failure();
  return or_no_memory([&]() -> Result<std::vector<Message>> {
    std::vector<Message> messages;
    for (SysvSeen& one : *seen) {
      if (messages.size() == most) break;
      messages.push_back(std::move(one.message));
    }
    return messages;
  });
}

}  // namespace mqxx::backend
