#include "shm/layout.hpp"

#include <algorithm>

namespace mqxx::shm {

Result<Geometry> make_geometry(std::uint64_t capacity, std::uint64_t message_size) noexcept {
  if (capacity < 1 || capacity > kMaxCapacity) return Errc::invalid_capacity;
  if (message_size < 1 || message_size > kMaxMessageSize) return Errc::invalid_message_size;
  Geometry g;
  g.capacity = static_cast<std::uint32_t>(capacity);
  g.message_size = static_cast<std::uint32_t>(message_size);
  g.ring_entries = std::clamp(std::bit_ceil(g.capacity), kMinRing, kMaxRing);
  g.ring_shift = static_cast<std::uint32_t>(std::countr_zero(g.ring_entries));
  // A slot of more than a page starts on a page of its own, so that a short message touches one page, whatever the
  // size.
  const std::uint64_t slot_bytes = sizeof(SlotHeader) + message_size;
  g.sparse = slot_bytes > kPage;
  g.stride = round_up(slot_bytes, g.sparse ? kPage : kLine);
  g.arrived = kHeaderBytes;
  g.returned = g.arrived + g.ring_entries * sizeof(std::uint64_t);
  g.next = g.returned + g.ring_entries * sizeof(std::uint64_t);
  g.users = round_up(g.next + capacity * sizeof(std::uint32_t), kLine);
  g.index = round_up(g.users + kMaxUsers * sizeof(User), kPage);
  g.slots = g.index + kIndexPages * sizeof(IndexPage);
  g.slots_end = round_up(g.slots + capacity * g.stride, kPage);
  // A page of its own: a cut takes that away before it clears the rest of the page that it cuts (decisions/0014).
  g.file_bytes = g.slots_end + kPage;
  g.seal = g.file_bytes - sizeof(std::uint32_t);
  if (g.file_bytes > kMaxFileBytes) return Errc::queue_too_large;
  return g;
}

std::uint32_t fingerprint() noexcept {
  const std::uint32_t order = std::endian::native == std::endian::little ? 1 : 2;
  const auto words = static_cast<std::uint32_t>(sizeof(void*) + sizeof(long) * 16);
  return os::lock_fingerprint() ^ (order << 24) ^ (words << 8);
}

}  // namespace mqxx::shm
