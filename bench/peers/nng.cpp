// nng push/pull over ipc. As with ZeroMQ each consumer listens on an address of its own.
// Send and receive buffers are the capacity each.
#include <algorithm>

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <unistd.h>

#include "measure/clock.hpp"
#include "peer.hpp"

namespace bench {
namespace {

constexpr std::size_t kMostBuffered = 8192;            // nng refuses more
constexpr std::int64_t kDialPatience = 5'000'000'000;  // ns

std::string path_of(const std::string& name, unsigned consumer) {
  return "/tmp/" + name + ".nng" + std::to_string(consumer);
}

void expect(int result, const std::string& operation) {
  if (result != 0) throw std::runtime_error(operation + ": " + nng_strerror(result));
}

class NngEndpoint : public Endpoint {
 public:
  ~NngEndpoint() override {
    for (const nng_socket socket : sockets_) nng_close(socket);
  }

  void listen(const ChannelOptions& options, unsigned consumer) {
    nng_socket socket{};
    expect(nng_pull0_open(&socket), "nng_pull0_open");
    sockets_.push_back(socket);
    set_buffer(socket, NNG_OPT_RECVBUF, options.capacity);
    expect(nng_listen(socket, ("ipc://" + path_of(options.name, consumer)).c_str(), nullptr, 0), "nng_listen");
  }

  void dial(const ChannelOptions& options) {
    for (unsigned consumer = 0; consumer < options.consumers; ++consumer) {
      nng_socket socket{};
      expect(nng_push0_open(&socket), "nng_push0_open");
      sockets_.push_back(socket);
      set_buffer(socket, NNG_OPT_SENDBUF, options.capacity);
      dial_until_listening(socket, "ipc://" + path_of(options.name, consumer));
    }
  }

  void send(std::span<const std::byte> message, unsigned /*priority*/) override {
    for (std::size_t tried = 1; tried < sockets_.size(); ++tried) {
      if (send_on(next_socket(), message, NNG_FLAG_NONBLOCK) == 0) return;
    }
    expect(send_on(next_socket(), message, 0), "nng_send");
  }

  void send_to(unsigned consumer, std::span<const std::byte> message) override {
    expect(send_on(sockets_.at(consumer), message, 0), "nng_send");
  }

  Taken receive(std::span<std::byte> buffer) override {
    std::size_t size = buffer.size();
    expect(nng_recv(sockets_.front(), buffer.data(), &size, 0), "nng_recv");
    return {size, 0};
  }

 private:
  static int send_on(nng_socket socket, std::span<const std::byte> message, int flags) {
    // nng_send copies; its signature takes a mutable pointer for a flag that is not used here.
    return nng_send(socket, const_cast<std::byte*>(message.data()), message.size(), flags);
  }

  static void set_buffer(nng_socket socket, const char* option, std::size_t messages) {
    const int result = nng_socket_set_int(socket, option, static_cast<int>(std::min(messages, kMostBuffered)));
    if (result != NNG_ENOTSUP) expect(result, option);
  }

  /// The consumers start at the same time: their address may not be there yet.
  static void dial_until_listening(nng_socket socket, const std::string& address) {
    const std::int64_t deadline = now_ns() + kDialPatience;
    int result = 0;
    while ((result = nng_dial(socket, address.c_str(), nullptr, 0)) != 0) {
      if (now_ns() > deadline) expect(result, "nng_dial");
      ::usleep(1000);
    }
  }

  nng_socket next_socket() { return sockets_[next_++ % sockets_.size()]; }

  std::vector<nng_socket> sockets_;
  std::size_t next_ = 0;
};

class NngPeer : public Peer {
 public:
  std::string name() const override { return std::string(kNng); }
  std::string version() const override { return std::string("nng ") + nng_version() + ", push/pull over ipc"; }
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override;
  void remove(const std::string& name) const noexcept override {
    for (unsigned consumer = 0; consumer < 2; ++consumer) ::unlink(path_of(name, consumer).c_str());
  }
};

class NngChannel : public Channel {
 public:
  NngChannel(const NngPeer& peer, const ChannelOptions& options) : peer_(peer), options_(options) {}
  ~NngChannel() override { peer_.remove(options_.name); }

  std::unique_ptr<Endpoint> producer(unsigned) override {
    auto endpoint = std::make_unique<NngEndpoint>();
    endpoint->dial(options_);
    return endpoint;
  }
  std::unique_ptr<Endpoint> consumer(unsigned index) override {
    auto endpoint = std::make_unique<NngEndpoint>();
    endpoint->listen(options_, index);
    return endpoint;
  }

 private:
  const NngPeer& peer_;
  ChannelOptions options_;
};

std::unique_ptr<Channel> NngPeer::make(const ChannelOptions& options) const {
  return std::make_unique<NngChannel>(*this, options);
}

}  // namespace

PeerPtr make_nng() { return std::make_unique<NngPeer>(); }

}  // namespace bench
