// Where the parts of a queue lie, for who wants to see it.

#include "shm/layout.hpp"

#include <mqxx/inspect.hpp>

#include "api/failure.hpp"

namespace mqxx {
namespace {

std::vector<Region> header_parts() {
  using shm::Header;
  return {{"identity", offsetof(Header, identity), sizeof(Header::identity)},
          {"senders' side", offsetof(Header, sender), sizeof(Header::sender)},
          {"receivers' side", offsetof(Header, receiver), sizeof(Header::receiver)},
          {"common", offsetof(Header, common), sizeof(Header::common)},
          {"watch", offsetof(Header, watch), sizeof(Header::watch)},
          {"changes", offsetof(Header, changes), sizeof(Header::changes)}};
}

std::vector<Region> file_regions(const shm::Geometry& g) {
  constexpr std::uint64_t kEntry = sizeof(std::uint64_t);
  constexpr std::uint64_t kLink = sizeof(std::uint32_t);
  return {{"header", 0, shm::kHeaderBytes},
          {"arrived ring", g.arrived, g.ring_entries * kEntry},
          {"returned ring", g.returned, g.ring_entries * kEntry},
          {"next", g.next, g.capacity * kLink},
          {"users", g.users, shm::kMaxUsers * sizeof(shm::User)},
          {"index", g.index, shm::kIndexPages * sizeof(shm::IndexPage)},
          {"slots", g.slots, g.capacity * g.stride},
          {"seal", g.slots_end, g.file_bytes - g.slots_end}};
}

}  // namespace

Layout layout(std::size_t capacity, std::size_t message_size) {
  const shm::Geometry g = api::value_or_throw(shm::make_geometry(capacity, message_size), "layout", "",
                                              {.capacity = capacity, .message_size = message_size});
  return {.format = shm::kFormat,
          .ring_entries = g.ring_entries,
          .stride = g.stride,
          .sparse = g.sparse,
          .header = header_parts(),
          .regions = file_regions(g),
          .file_bytes = g.file_bytes};
}

}  // namespace mqxx
