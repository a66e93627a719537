// The kernel's POSIX message queue: what mqxx replaces, and the measure of every ratio.
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>

#include "measure/machine.hpp"
#include "peer.hpp"

namespace bench {
namespace {

class KernelEndpoint : public Endpoint {
 public:
  explicit KernelEndpoint(mqd_t queue) : queue_(queue) {}

  void send(std::span<const std::byte> message, unsigned priority) override {
    const auto* text = reinterpret_cast<const char*>(message.data());
    if (::mq_send(queue_, text, message.size(), priority) != 0) throw_errno("mq_send");
  }

  Taken receive(std::span<std::byte> buffer) override {
    unsigned priority = 0;
    const ssize_t size = ::mq_receive(queue_, reinterpret_cast<char*>(buffer.data()), buffer.size(), &priority);
    if (size < 0) throw_errno("mq_receive");
    return {static_cast<std::size_t>(size), priority};
  }

 private:
  mqd_t queue_;
};

class KernelChannel : public Channel {
 public:
  explicit KernelChannel(const ChannelOptions& options) : name_("/" + options.name) {
    mq_attr attributes{};
    attributes.mq_maxmsg = static_cast<long>(options.capacity);
    attributes.mq_msgsize = static_cast<long>(options.message_size);
    queue_ = ::mq_open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    if (queue_ == static_cast<mqd_t>(-1)) {
      throw Unavailable(std::string("mq_open: ") + std::strerror(errno) + " (" + std::to_string(options.capacity) +
                        " x " + std::to_string(options.message_size) +
                        " bytes is over fs.mqueue.* or RLIMIT_MSGQUEUE here)");
    }
  }
  ~KernelChannel() override {
    ::mq_close(queue_);
    ::mq_unlink(name_.c_str());
  }

  // The descriptor is inherited by fork, as the kernel's descriptions are made for.
  std::unique_ptr<Endpoint> producer(unsigned) override { return std::make_unique<KernelEndpoint>(queue_); }
  std::unique_ptr<Endpoint> consumer(unsigned) override { return std::make_unique<KernelEndpoint>(queue_); }

 private:
  std::string name_;
  mqd_t queue_;
};

class KernelPeer : public Peer {
 public:
  std::string name() const override { return std::string(kKernel); }
  std::string version() const override { return "POSIX message queue of " + kernel_name(); }
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override {
    return std::make_unique<KernelChannel>(options);
  }
  void remove(const std::string& name) const noexcept override { ::mq_unlink(("/" + name).c_str()); }
};

}  // namespace

PeerPtr make_kernel() { return std::make_unique<KernelPeer>(); }

}  // namespace bench
