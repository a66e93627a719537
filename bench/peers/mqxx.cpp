// mqxx through its public C++ API, as any program would use it.
// MQXX_SPIN=0 in the environment makes the same engine sleep at once instead of spinning first: the second peer here.
// The third and fourth have the kernel's queues and System V's under the same API: what that adds to them.
#include <cstdlib>

#include <mqxx/inspect.hpp>
#include <mqxx/queue.hpp>

#include "peer.hpp"

namespace bench {
namespace {

class MqxxEndpoint : public Endpoint {
 public:
  explicit MqxxEndpoint(const std::string& name) : queue_(mqxx::Queue::open(name)) {}

  void send(std::span<const std::byte> message, unsigned priority) override { queue_.send(message, priority); }

  Taken receive(std::span<std::byte> buffer) override {
    const mqxx::Received received = queue_.receive(buffer);
    return {received.size, received.priority};
  }

  void send_batch(std::span<const std::byte> messages, std::size_t count) override {
    const std::size_t size = messages.size() / count;
    outgoing_.resize(count);
    for (std::size_t i = 0; i < count; ++i) outgoing_[i].payload = messages.subspan(i * size, size);
    if (queue_.send_batch(outgoing_) != count) throw std::runtime_error("send_batch sent a part");
  }

  std::size_t receive_batch(std::span<std::byte> room, std::size_t count) override {
    const std::size_t size = room.size() / count;
    incoming_.resize(count);
    for (std::size_t i = 0; i < count; ++i) incoming_[i].buffer = room.subspan(i * size, size);
    return queue_.receive_batch(incoming_);
  }

 private:
  mqxx::Queue queue_;
  std::vector<mqxx::Outgoing> outgoing_;
  std::vector<mqxx::Incoming> incoming_;
};

class MqxxChannel : public Channel {
 public:
  MqxxChannel(std::string name, const ChannelOptions& options)
      : name_(std::move(name)),
        queue_(mqxx::Queue::create(name_, {.capacity = options.capacity, .message_size = options.message_size})) {}
  ~MqxxChannel() override {
    std::error_code ignored;
    mqxx::Queue::unlink(name_, ignored);
  }

  std::unique_ptr<Endpoint> producer(unsigned) override { return std::make_unique<MqxxEndpoint>(name_); }
  std::unique_ptr<Endpoint> consumer(unsigned) override { return std::make_unique<MqxxEndpoint>(name_); }

 private:
  std::string name_;
  mqxx::Queue queue_;
};

class MqxxPeer : public Peer {
 public:
  enum class Kind { as_shipped, without_spinning, in_kernel, in_sysv };

  explicit MqxxPeer(Kind kind) : kind_(kind) {}

  std::string name() const override {
    switch (kind_) {
      case Kind::without_spinning: return std::string(kMqxxNoSpin);
      case Kind::in_kernel: return std::string(kMqxxKernel);
      case Kind::in_sysv: return std::string(kMqxxSysv);
      default: return std::string(kMqxx);
    }
  }
  std::string version() const override {
    switch (kind_) {
      case Kind::without_spinning: return "this tree, with MQXX_SPIN=0";
      case Kind::in_kernel: return "this tree, kernel:/name";
      case Kind::in_sysv: return "this tree, sysv:KEY";
      default: return "this tree";
    }
  }
  /// The workers inherit the environment and open their queues after this.
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override {
    if (kind_ == Kind::without_spinning) {
      ::setenv("MQXX_SPIN", "0", 1);
    } else {
      ::unsetenv("MQXX_SPIN");
    }
    try {
      return std::make_unique<MqxxChannel>(address_of(options.name), options);
    } catch (const mqxx::Error& error) {
      if (kind_ != Kind::in_kernel && kind_ != Kind::in_sysv) throw;
      throw Unavailable(error.what());  // the kernel's limits
    }
  }
  void remove(const std::string& name) const noexcept override {
    std::error_code ignored;
    mqxx::Queue::unlink(address_of(name), ignored);
  }

 private:
  [[nodiscard]] std::string address_of(const std::string& name) const {
    switch (kind_) {
      case Kind::in_kernel: return "kernel:/" + name;
      case Kind::in_sysv: return "sysv:" + std::to_string(sysv_key_of(name));
      default: return "/" + name;
    }
  }

  Kind kind_;
};

}  // namespace

PeerPtr make_mqxx() { return std::make_unique<MqxxPeer>(MqxxPeer::Kind::as_shipped); }
PeerPtr make_mqxx_nospin() { return std::make_unique<MqxxPeer>(MqxxPeer::Kind::without_spinning); }
PeerPtr make_mqxx_sysv() { return std::make_unique<MqxxPeer>(MqxxPeer::Kind::in_sysv); }
PeerPtr make_mqxx_kernel() { return std::make_unique<MqxxPeer>(MqxxPeer::Kind::in_kernel); }

}  // namespace bench
