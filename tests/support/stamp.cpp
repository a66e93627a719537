#include "support/stamp.hpp"

#include <cstring>
#include <iterator>

#include "support/payload.hpp"

namespace mqxx::test {
namespace {

std::uint64_t tag_of(const Stamp& stamp) {
  std::uint64_t tag = 0;
  for (const std::uint64_t part :
       {std::uint64_t{stamp.producer}, std::uint64_t{stamp.priority}, stamp.counter, stamp.size}) {
    tag = (tag ^ part) * 0x9E3779B97F4A7C15u;
    tag ^= tag >> 32;
  }
  return tag;
}

}  // namespace

void write_stamped(std::span<std::byte> bytes, std::uint32_t producer, std::uint64_t counter, Priority priority) {
  Stamp stamp{producer, priority, counter, bytes.size(), 0};
  stamp.tag = tag_of(stamp);
  std::memcpy(bytes.data(), &stamp, sizeof stamp);
  fill_pattern(bytes.subspan(sizeof stamp), stamp.tag);
}

std::optional<Stamp> read_stamped(std::span<const std::byte> bytes) {
  Stamp stamp{};
  if (bytes.size() < sizeof stamp) return std::nullopt;
  std::memcpy(&stamp, bytes.data(), sizeof stamp);
  if (stamp.size != bytes.size() || stamp.tag != tag_of(stamp)) return std::nullopt;
  if (!is_pattern(bytes.subspan(sizeof stamp), stamp.tag)) return std::nullopt;
  return stamp;
}

bool OrderCheck::saw(const Stamp& stamp) {
  std::map<Priority, std::uint64_t>& seen = seen_.at(stamp.producer);
  const auto higher = seen.upper_bound(stamp.priority);
  if (higher != seen.begin() && std::prev(higher)->second >= stamp.counter) return false;
  auto at = seen.insert_or_assign(stamp.priority, stamp.counter).first;
  for (++at; at != seen.end() && at->second <= stamp.counter;) at = seen.erase(at);
  return true;
}

}  // namespace mqxx::test
