// ZeroMQ PUSH/PULL over ipc (a Unix stream socket and an I/O thread in each process).
// Each consumer binds an address of its own; a producer connects to all and takes whichever has room, as PUSH does.
// The high-water marks of both sides are the capacity each: ZeroMQ has no bound on the whole.
#include <unistd.h>
#include <zmq.h>

#include "peer.hpp"

namespace bench {
namespace {

constexpr long kConnectPatience = 5000;  // ms

std::string path_of(const std::string& name, unsigned consumer) {
  return "/tmp/" + name + ".zmq" + std::to_string(consumer);
}

[[noreturn]] void throw_zmq(const std::string& operation) {
  throw std::runtime_error(operation + ": " + zmq_strerror(zmq_errno()));
}

class ZeromqEndpoint : public Endpoint {
 public:
  ZeromqEndpoint() : context_(zmq_ctx_new()) {}
  ~ZeromqEndpoint() override {
    for (void* socket : sockets_) zmq_close(socket);
    zmq_ctx_term(context_);
  }

  void bind(const ChannelOptions& options, unsigned consumer) {
    void* socket = make_socket(ZMQ_PULL, ZMQ_RCVHWM, options.capacity);
    if (zmq_bind(socket, ("ipc://" + path_of(options.name, consumer)).c_str()) != 0) throw_zmq("zmq_bind");
  }

  void connect(const ChannelOptions& options) {
    for (unsigned consumer = 0; consumer < options.consumers; ++consumer) {
      void* socket = make_socket(ZMQ_PUSH, ZMQ_SNDHWM, options.capacity);
      if (zmq_connect(socket, ("ipc://" + path_of(options.name, consumer)).c_str()) != 0) {
        throw_zmq("zmq_connect");
      }
      zmq_pollitem_t writable{socket, 0, ZMQ_POLLOUT, 0};
      if (zmq_poll(&writable, 1, kConnectPatience) != 1) throw std::runtime_error("zmq_connect: no consumer");
    }
  }

  void send(std::span<const std::byte> message, unsigned /*priority*/) override {
    for (std::size_t tried = 1; tried < sockets_.size(); ++tried) {
      if (zmq_send(next_socket(), message.data(), message.size(), ZMQ_DONTWAIT) >= 0) return;
    }
    if (zmq_send(next_socket(), message.data(), message.size(), 0) < 0) throw_zmq("zmq_send");
  }

  void send_to(unsigned consumer, std::span<const std::byte> message) override {
    if (zmq_send(sockets_.at(consumer), message.data(), message.size(), 0) < 0) throw_zmq("zmq_send");
  }

  Taken receive(std::span<std::byte> buffer) override {
    const int size = zmq_recv(sockets_.front(), buffer.data(), buffer.size(), 0);
    if (size < 0) throw_zmq("zmq_recv");
    return {static_cast<std::size_t>(size), 0};
  }

 private:
  void* make_socket(int type, int mark_option, std::size_t mark_messages) {
    void* socket = zmq_socket(context_, type);
    if (socket == nullptr) throw_zmq("zmq_socket");
    sockets_.push_back(socket);
    const int mark = static_cast<int>(mark_messages);
    const int linger = 0;  // all workers wait for each other before they close: nothing is left by then
    zmq_setsockopt(socket, mark_option, &mark, sizeof mark);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    const int immediate = 1;  // writable only when connected: connecting is not part of the measurement
    zmq_setsockopt(socket, ZMQ_IMMEDIATE, &immediate, sizeof immediate);
    return socket;
  }

  void* next_socket() { return sockets_[next_++ % sockets_.size()]; }

  void* context_;
  std::vector<void*> sockets_;
  std::size_t next_ = 0;
};

class ZeromqPeer : public Peer {
 public:
  std::string name() const override { return std::string(kZeromq); }
  std::string version() const override {
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    return "libzmq " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch) +
           ", PUSH/PULL over ipc";
  }
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override;
  void remove(const std::string& name) const noexcept override {
    for (unsigned consumer = 0; consumer < 2; ++consumer) ::unlink(path_of(name, consumer).c_str());
  }
};

class ZeromqChannel : public Channel {
 public:
  ZeromqChannel(const ZeromqPeer& peer, const ChannelOptions& options) : peer_(peer), options_(options) {}
  ~ZeromqChannel() override { peer_.remove(options_.name); }

  std::unique_ptr<Endpoint> producer(unsigned) override {
    auto endpoint = std::make_unique<ZeromqEndpoint>();
    endpoint->connect(options_);
    return endpoint;
  }
  std::unique_ptr<Endpoint> consumer(unsigned index) override {
    auto endpoint = std::make_unique<ZeromqEndpoint>();
    endpoint->bind(options_, index);
    return endpoint;
  }

 private:
  const ZeromqPeer& peer_;
  ChannelOptions options_;
};

std::unique_ptr<Channel> ZeromqPeer::make(const ChannelOptions& options) const {
  return std::make_unique<ZeromqChannel>(*this, options);
}

}  // namespace

PeerPtr make_zeromq() { return std::make_unique<ZeromqPeer>(); }

}  // namespace bench
