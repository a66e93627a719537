#include <string>
#include <system_error>

#include <unistd.h>

#include <mqxx/queue.hpp>

#include "transport.hpp"

namespace run {
namespace {

class MqxxChannel : public Channel {
 public:
  explicit MqxxChannel(mqxx::Queue queue) : queue_(std::move(queue)) {}
  void send(std::span<const std::byte> message, std::uint32_t priority) override { queue_.send(message, priority); }
  mqxx::Received receive(std::span<std::byte> room) override { return queue_.receive(room); }
  [[nodiscard]] std::size_t depth() const override { return queue_.attributes().depth; }

 private:
  mqxx::Queue queue_;
};

class MqxxTransport : public Transport {
 public:
  [[nodiscard]] std::string label() const override { return "mqxx"; }
  [[nodiscard]] Shape probe(const Shape& wanted) override { return wanted; }
  [[nodiscard]] std::unique_ptr<Channel> create(const Shape& shape) override {
    return std::make_unique<MqxxChannel>(
        mqxx::Queue::create(name_, {.capacity = shape.capacity, .message_size = shape.message_size}));
  }
  [[nodiscard]] std::unique_ptr<Channel> open(mqxx::Access access) override {
    return std::make_unique<MqxxChannel>(mqxx::Queue::open(name_, {.access = access}));
  }
  void unlink() noexcept override {
    std::error_code gone_already;
    mqxx::Queue::unlink(name_, gone_already);
  }

 private:
  std::string name_ = "/mqxx-run-" + std::to_string(::getpid());
};

}  // namespace

std::unique_ptr<Transport> make_mqxx_transport() { return std::make_unique<MqxxTransport>(); }

}  // namespace run
