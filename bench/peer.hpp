// Peer: one way to pass messages between processes, behind an interface small enough for all of them.
//
// A measurement process calls Peer::make() once, forks its workers, and each worker takes one endpoint. Nothing
// here is called by the driver process except name(), version() and remove(): libraries that start threads (ZeroMQ,
// nng) would not survive the forks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// The peer cannot do this here; what() says why. The row is then shown as missing, with the reason.
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ChannelOptions {
  std::string name;  ///< unique on the machine: letters, digits and '-', no slash
  std::size_t capacity = 10;
  std::size_t message_size = 64;
  unsigned producers = 1;
  unsigned consumers = 1;
  bool priorities = false;  ///< messages leave by priority; otherwise all of them have priority 0
};

struct Taken {
  std::size_t size = 0;
  unsigned priority = 0;
};

/// One process's end of a channel. Failures throw; the worker ends and the run says so.
class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  virtual ~Endpoint() = default;

  /// Waits while the channel is full.
  virtual void send(std::span<const std::byte> message, unsigned priority) = 0;
  /// Waits while the channel is empty. The buffer has message_size bytes.
  virtual Taken receive(std::span<std::byte> buffer) = 0;

  /// Sends to one consumer where each has a queue of its own (ZeroMQ, nng); elsewhere to whoever comes first.
  virtual void send_to(unsigned consumer, std::span<const std::byte> message);
  /// Sends `count` messages that lie one behind the other. One by one, unless the peer knows better.
  virtual void send_batch(std::span<const std::byte> messages, std::size_t count);
  /// Receives 1 .. count messages, one behind the other in `room`. One, unless the peer knows better.
  virtual std::size_t receive_batch(std::span<std::byte> room, std::size_t count);
};

/// One queue. The destructor removes whatever name it has.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  /// Both are called in the process that will use the endpoint.
  virtual std::unique_ptr<Endpoint> producer(unsigned index) = 0;
  virtual std::unique_ptr<Endpoint> consumer(unsigned index) = 0;
};

class Peer {
 public:
  Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// What exactly was measured, for the record.
  [[nodiscard]] virtual std::string version() const = 0;
  /// @throws Unavailable and others: the message says why
  [[nodiscard]] virtual std::unique_ptr<Channel> make(const ChannelOptions& options) const = 0;
  /// Removes what a killed run left behind under this name. Never throws.
  virtual void remove(const std::string& name) const noexcept = 0;
};

using PeerPtr = std::unique_ptr<Peer>;

// Names, used in workload lists, tables and CSV files.
inline constexpr std::string_view kMqxx = "mqxx";
inline constexpr std::string_view kMqxxNoSpin = "mqxx-nospin";
inline constexpr std::string_view kMqxxKernel = "mqxx-kernel";
inline constexpr std::string_view kMqxxSysv = "mqxx-sysv";
inline constexpr std::string_view kKernel = "kernel";
inline constexpr std::string_view kSysv = "sysv";
inline constexpr std::string_view kUnix = "unix-dgram";
inline constexpr std::string_view kPipe = "pipe";
inline constexpr std::string_view kBoost = "boost";
inline constexpr std::string_view kZeromq = "zeromq";
inline constexpr std::string_view kNng = "nng";
inline constexpr std::string_view kRing = "ring";

// One factory a file in peers/.
PeerPtr make_mqxx();
PeerPtr make_mqxx_nospin();
PeerPtr make_mqxx_kernel();
PeerPtr make_mqxx_sysv();
PeerPtr make_kernel();
PeerPtr make_sysv();
PeerPtr make_unix_datagram();
PeerPtr make_pipe();
PeerPtr make_ring();
#if MQXX_BENCH_HAVE_BOOST
PeerPtr make_boost();
#endif
#if MQXX_BENCH_HAVE_ZEROMQ
PeerPtr make_zeromq();
#endif
#if MQXX_BENCH_HAVE_NNG
PeerPtr make_nng();
#endif

/// All peers this build knows, mqxx first.
[[nodiscard]] std::vector<PeerPtr> all_peers();
/// Null when the build has no such peer.
[[nodiscard]] const Peer* find_peer(const std::vector<PeerPtr>& peers, std::string_view name);

/// The System V key that stands for a channel's name: queues are found again by name after a killed run.
[[nodiscard]] std::uint32_t sysv_key_of(const std::string& name);

/// "operation: strerror (errno)" as an exception, for peers that are plain system calls.
[[noreturn]] void throw_errno(const std::string& operation);

}  // namespace bench
