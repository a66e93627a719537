// Boost.Interprocess message_queue: a mutex, two condition variables and a sorted array in shared memory.
// A process that dies inside it leaves the mutex locked for ever, hence the watchdog around every run.
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/version.hpp>

#include "peer.hpp"

namespace bench {
namespace {

namespace bip = boost::interprocess;

class BoostEndpoint : public Endpoint {
 public:
  explicit BoostEndpoint(const std::string& name) : queue_(bip::open_only, name.c_str()) {}

  void send(std::span<const std::byte> message, unsigned priority) override {
    queue_.send(message.data(), message.size(), priority);
  }

  Taken receive(std::span<std::byte> buffer) override {
    bip::message_queue::size_type size = 0;
    unsigned priority = 0;
    queue_.receive(buffer.data(), buffer.size(), size, priority);
    return {size, priority};
  }

 private:
  bip::message_queue queue_;
};

class BoostChannel : public Channel {
 public:
  explicit BoostChannel(const ChannelOptions& options)
      : name_(options.name), queue_(bip::create_only, name_.c_str(), options.capacity, options.message_size) {}
  ~BoostChannel() override { bip::message_queue::remove(name_.c_str()); }

  std::unique_ptr<Endpoint> producer(unsigned) override { return std::make_unique<BoostEndpoint>(name_); }
  std::unique_ptr<Endpoint> consumer(unsigned) override { return std::make_unique<BoostEndpoint>(name_); }

 private:
  std::string name_;
  bip::message_queue queue_;
};

class BoostPeer : public Peer {
 public:
  std::string name() const override { return std::string(kBoost); }
  std::string version() const override { return "Boost.Interprocess " BOOST_LIB_VERSION; }
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override {
    return std::make_unique<BoostChannel>(options);
  }
  void remove(const std::string& name) const noexcept override { bip::message_queue::remove(name.c_str()); }
};

}  // namespace

PeerPtr make_boost() { return std::make_unique<BoostPeer>(); }

}  // namespace bench
