// The kernel's POSIX message queue, within what this user may have of it.
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "transport.hpp"

namespace run {
namespace {

[[noreturn]] void fail(const char* call, int error) {
  throw std::system_error(error, std::generic_category(), std::string("kernel queue: ") + call);
}

class KernelChannel : public Channel {
 public:
  explicit KernelChannel(mqd_t descriptor) : descriptor_(descriptor) {}
  KernelChannel(const KernelChannel&) = delete;
  KernelChannel& operator=(const KernelChannel&) = delete;
  ~KernelChannel() override { ::mq_close(descriptor_); }

  void send(std::span<const std::byte> message, std::uint32_t priority) override {
    const auto* const bytes = reinterpret_cast<const char*>(message.data());
    if (::mq_send(descriptor_, bytes, message.size(), priority) != 0) fail("mq_send", errno);
  }

  mqxx::Received receive(std::span<std::byte> room) override {
    unsigned priority = 0;
    auto* const bytes = reinterpret_cast<char*>(room.data());
    const ssize_t size = ::mq_receive(descriptor_, bytes, room.size(), &priority);
    if (size < 0) fail("mq_receive", errno);
    return {.size = static_cast<std::size_t>(size), .priority = priority};
  }

  [[nodiscard]] std::size_t depth() const override {
    mq_attr attributes{};
    if (::mq_getattr(descriptor_, &attributes) != 0) fail("mq_getattr", errno);
    return static_cast<std::size_t>(attributes.mq_curmsgs);
  }

 private:
  mqd_t descriptor_;
};

/// A ceiling for users without CAP_SYS_RESOURCE. @see mq_overview(7)
std::size_t ceiling(const char* file, std::size_t fallback) {
  std::size_t value = fallback;
  std::ifstream(std::string("/proc/sys/fs/mqueue/") + file) >> value;
  return value;
}

/// As much of RLIMIT_MSGQUEUE as we may take: everything as root, else the hard limit.
void raise_limit() {
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_MSGQUEUE, &all) == 0) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_MSGQUEUE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_MSGQUEUE, &limit);  // if it fails, the probe finds out what is left
}

class KernelTransport : public Transport {
 public:
  [[nodiscard]] std::string label() const override { return "kernel"; }

  [[nodiscard]] Shape probe(const Shape& wanted) override {
    raise_limit();
    Shape shape = wanted;
    while (true) {
      const mqd_t descriptor = try_create(shape);
      if (descriptor >= 0) {
        ::mq_close(descriptor);
        unlink();
        return shape;
      }
      if (!lower(shape, errno)) fail("mq_open", errno);
    }
  }

  [[nodiscard]] std::unique_ptr<Channel> create(const Shape& shape) override {
    const mqd_t descriptor = try_create(shape);
    if (descriptor < 0) fail("mq_open", errno);
    return std::make_unique<KernelChannel>(descriptor);
  }

  [[nodiscard]] std::unique_ptr<Channel> open(mqxx::Access access) override {
    const mqd_t descriptor = ::mq_open(name_.c_str(), access == mqxx::Access::read_only ? O_RDONLY : O_WRONLY);
    if (descriptor < 0) fail("mq_open", errno);
    return std::make_unique<KernelChannel>(descriptor);
  }

  void unlink() noexcept override { ::mq_unlink(name_.c_str()); }

 private:
  mqd_t try_create(const Shape& shape) {
    mq_attr attributes{};
    attributes.mq_maxmsg = static_cast<long>(shape.capacity);
    attributes.mq_msgsize = static_cast<long>(shape.message_size);
    return ::mq_open(name_.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  }

  /// The next smaller shape after a refusal; false when there is none. Every step makes it smaller, so it ends.
  static bool lower(Shape& shape, int error) {
    constexpr std::size_t kSmallest = 512;
    if (error == EINVAL) {
      const Shape before = shape;
      shape.capacity = std::min(shape.capacity, ceiling("msg_max", 10));
      shape.message_size = std::min(shape.message_size, ceiling("msgsize_max", 8192));
      return shape.capacity < before.capacity || shape.message_size < before.message_size;
    }
    if (error != EMFILE) return false;
    // RLIMIT_MSGQUEUE counts capacity times size, and other queues of this user.
    std::size_t& larger = shape.message_size > kSmallest ? shape.message_size : shape.capacity;
    if (larger <= 1) return false;
    larger /= 2;
    return true;
  }

  std::string name_ = "/mqxx-run-" + std::to_string(::getpid());
};

}  // namespace

std::unique_ptr<Transport> make_kernel_transport() { return std::make_unique<KernelTransport>(); }

}  // namespace run
