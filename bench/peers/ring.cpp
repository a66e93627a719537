// A bare ring of 64-byte records between one producer and one consumer, both spinning: no priorities, no sleep, no
// recovery. Not a queue anybody should use, but the most that two cores can do.
#include <atomic>
#include <cstring>

#include "measure/clock.hpp"
#include "measure/shared.hpp"
#include "peer.hpp"

namespace bench {
namespace {

constexpr std::size_t kRecord = 64;
constexpr std::size_t kRecords = 1024;  // a power of two: indexes wrap by masking

struct Ring {
  alignas(128) std::atomic<std::uint64_t> sent{0};
  alignas(128) std::atomic<std::uint64_t> received{0};
  alignas(128) std::byte records[kRecords][kRecord];
};

class RingEndpoint : public Endpoint {
 public:
  explicit RingEndpoint(Ring& ring) : ring_(ring) {}

  void send(std::span<const std::byte> message, unsigned /*priority*/) override {
    while (position_ - seen_ == kRecords) {
      seen_ = ring_.received.load(std::memory_order_acquire);
      if (position_ - seen_ == kRecords) pause_cpu();
    }
    std::memcpy(ring_.records[position_ % kRecords], message.data(), kRecord);
    ring_.sent.store(++position_, std::memory_order_release);
  }

  Taken receive(std::span<std::byte> buffer) override {
    while (seen_ == position_) {
      seen_ = ring_.sent.load(std::memory_order_acquire);
      if (seen_ == position_) pause_cpu();
    }
    std::memcpy(buffer.data(), ring_.records[position_ % kRecords], kRecord);
    ring_.received.store(++position_, std::memory_order_release);
    return {kRecord, 0};
  }

 private:
  Ring& ring_;
  std::uint64_t position_ = 0;  // own side
  std::uint64_t seen_ = 0;      // the other side, as of the last look
};

class RingChannel : public Channel {
 public:
  std::unique_ptr<Endpoint> producer(unsigned) override { return std::make_unique<RingEndpoint>(*ring_); }
  std::unique_ptr<Endpoint> consumer(unsigned) override { return std::make_unique<RingEndpoint>(*ring_); }

 private:
  Shared<Ring> ring_;
};

class RingPeer : public Peer {
 public:
  std::string name() const override { return std::string(kRing); }
  std::string version() const override { return "bare spinning ring of 64-byte records, for reference"; }
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override {
    if (options.message_size != kRecord || options.producers != 1 || options.consumers != 1) {
      throw Unavailable("one producer, one consumer, 64 bytes only");
    }
    return std::make_unique<RingChannel>();
  }
  void remove(const std::string& /*name*/) const noexcept override {}
};

}  // namespace

PeerPtr make_ring() { return std::make_unique<RingPeer>(); }

}  // namespace bench
