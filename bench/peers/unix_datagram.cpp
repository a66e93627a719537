// A pair of Unix datagram sockets. Bounded by the bytes of the send buffer, of which the kernel counts its own
// bookkeeping too: the capacity is met only roughly.
#include <sys/socket.h>
#include <unistd.h>

#include "peer.hpp"

namespace bench {
namespace {

constexpr std::size_t kBookkeeping = 704;  // bytes of kernel structures a datagram of 64 bytes costs

class DatagramEndpoint : public Endpoint {
 public:
  explicit DatagramEndpoint(int socket) : socket_(socket) {}

  void send(std::span<const std::byte> message, unsigned /*priority*/) override {
    if (::send(socket_, message.data(), message.size(), 0) < 0) throw_errno("send");
  }

  Taken receive(std::span<std::byte> buffer) override {
    const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (size < 0) throw_errno("recv");
    return {static_cast<std::size_t>(size), 0};
  }

 private:
  int socket_;
};

class DatagramChannel : public Channel {
 public:
  explicit DatagramChannel(const ChannelOptions& options) {
    if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends_) != 0) throw_errno("socketpair");
    // The kernel doubles the value it is given.
    const int bytes = static_cast<int>(options.capacity * (options.message_size + kBookkeeping) / 2);
    if (::setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0 &&
        ::setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) != 0) {
      throw_errno("setsockopt SO_SNDBUF");
    }
  }
  ~DatagramChannel() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  std::unique_ptr<Endpoint> producer(unsigned) override { return std::make_unique<DatagramEndpoint>(ends_[0]); }
  std::unique_ptr<Endpoint> consumer(unsigned) override { return std::make_unique<DatagramEndpoint>(ends_[1]); }

 private:
  int ends_[2] = {-1, -1};
};

class DatagramPeer : public Peer {
 public:
  std::string name() const override { return std::string(kUnix); }
  std::string version() const override { return "socketpair(AF_UNIX, SOCK_DGRAM)"; }
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override {
    return std::make_unique<DatagramChannel>(options);
  }
  void remove(const std::string& /*name*/) const noexcept override {}
};

}  // namespace

PeerPtr make_unix_datagram() { return std::make_unique<DatagramPeer>(); }

}  // namespace bench
