// A pipe that carries records of one size. It holds whole pages, so small capacities come out larger: one page is
// 64 records of 64 bytes.
#include <algorithm>
#include <climits>

#include <fcntl.h>
#include <unistd.h>

#include "peer.hpp"

namespace bench {
namespace {

class PipeEndpoint : public Endpoint {
 public:
  PipeEndpoint(int descriptor, std::size_t message_size) : descriptor_(descriptor), message_size_(message_size) {}

  void send(std::span<const std::byte> message, unsigned /*priority*/) override {
    while (!message.empty()) {
      const ssize_t size = ::write(descriptor_, message.data(), message.size());
      if (size < 0) throw_errno("write");
      message = message.subspan(static_cast<std::size_t>(size));
    }
  }

  Taken receive(std::span<std::byte> buffer) override {
    std::span<std::byte> rest = buffer.first(message_size_);
    while (!rest.empty()) {
      const ssize_t size = ::read(descriptor_, rest.data(), rest.size());
      if (size < 0) throw_errno("read");
      if (size == 0) throw std::runtime_error("read: end of the pipe");
      rest = rest.subspan(static_cast<std::size_t>(size));
    }
    return {message_size_, 0};
  }

 private:
  int descriptor_;
  std::size_t message_size_;
};

class PipeChannel : public Channel {
 public:
  explicit PipeChannel(const ChannelOptions& options) : message_size_(options.message_size) {
    // Only writes up to PIPE_BUF are atomic; a page must hold whole records, or readers would get halves.
    const bool many = options.producers > 1 || options.consumers > 1;
    if (many && (options.message_size > PIPE_BUF || 4096 % options.message_size != 0)) {
      throw Unavailable("a pipe with many ends needs records that divide a page");
    }
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw_errno("pipe2");
    const std::size_t bytes = std::max<std::size_t>(options.capacity * options.message_size, 4096);
    if (::fcntl(ends_[1], F_SETPIPE_SZ, static_cast<int>(bytes)) < 0) throw_errno("F_SETPIPE_SZ");
  }
  ~PipeChannel() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  std::unique_ptr<Endpoint> producer(unsigned) override {
    return std::make_unique<PipeEndpoint>(ends_[1], message_size_);
  }
  std::unique_ptr<Endpoint> consumer(unsigned) override {
    return std::make_unique<PipeEndpoint>(ends_[0], message_size_);
  }

 private:
  std::size_t message_size_;
  int ends_[2] = {-1, -1};
};

class PipePeer : public Peer {
 public:
  std::string name() const override { return std::string(kPipe); }
  std::string version() const override { return "pipe2, fixed-size records, F_SETPIPE_SZ to the capacity"; }
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override {
    return std::make_unique<PipeChannel>(options);
  }
  void remove(const std::string& /*name*/) const noexcept override {}
};

}  // namespace

PeerPtr make_pipe() { return std::make_unique<PipePeer>(); }

}  // namespace bench
