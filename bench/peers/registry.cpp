// The list of peers, and what all of them share.
#include <cerrno>
#include <system_error>

#include "peer.hpp"

namespace bench {

void Endpoint::send_to(unsigned /*consumer*/, std::span<const std::byte> message) { send(message, 0); }

void Endpoint::send_batch(std::span<const std::byte> messages, std::size_t count) {
  const std::size_t size = messages.size() / count;
  for (std::size_t i = 0; i < count; ++i) send(messages.subspan(i * size, size), 0);
}

std::size_t Endpoint::receive_batch(std::span<std::byte> room, std::size_t count) {
  receive(room.first(room.size() / count));
  return 1;
}

std::vector<PeerPtr> all_peers() {
  std::vector<PeerPtr> peers;
  peers.push_back(make_mqxx());
  peers.push_back(make_mqxx_nospin());
  peers.push_back(make_kernel());
  peers.push_back(make_mqxx_kernel());
  peers.push_back(make_sysv());
  peers.push_back(make_mqxx_sysv());
  peers.push_back(make_unix_datagram());
  peers.push_back(make_pipe());
#if MQXX_BENCH_HAVE_BOOST
  peers.push_back(make_boost());
#endif
#if MQXX_BENCH_HAVE_ZEROMQ
  peers.push_back(make_zeromq());
#endif
#if MQXX_BENCH_HAVE_NNG
  peers.push_back(make_nng());
#endif
  peers.push_back(make_ring());
  return peers;
}

const Peer* find_peer(const std::vector<PeerPtr>& peers, std::string_view name) {
  for (const PeerPtr& peer : peers) {
    if (peer->name() == name) return peer.get();
  }
  return nullptr;
}

// FNV-1a.
std::uint32_t sysv_key_of(const std::string& name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return 0x4d000000U | (hash & 0x00ffffffU);
}

void throw_errno(const std::string& operation) { throw std::system_error(errno, std::generic_category(), operation); }

}  // namespace bench
