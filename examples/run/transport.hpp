// Transport: a kind of queue that the main job can run over. Both kinds do the same work through the same calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <mqxx/types.hpp>

namespace run {

/// One process's end of a queue. Failures throw.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  /// Waits while the queue is full.
  virtual void send(std::span<const std::byte> message, std::uint32_t priority) = 0;
  /// Waits while it is empty. `room` has at least the queue's message size.
  virtual mqxx::Received receive(std::span<std::byte> room) = 0;
  [[nodiscard]] virtual std::size_t depth() const = 0;
};

struct Shape {
  std::size_t capacity = 0;      ///< messages
  std::size_t message_size = 0;  ///< bytes
};

class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  [[nodiscard]] virtual std::string label() const = 0;
  /// What this system lets us have of what we want.
  /// @throws std::exception  there are no such queues here
  [[nodiscard]] virtual Shape probe(const Shape& wanted) = 0;
  /// Creates the queue under a name of this process, and opens it for looking at its depth.
  [[nodiscard]] virtual std::unique_ptr<Channel> create(const Shape& shape) = 0;
  [[nodiscard]] virtual std::unique_ptr<Channel> open(mqxx::Access access) = 0;
  /// Removes the name if it is there.
  virtual void unlink() noexcept = 0;
};

[[nodiscard]] std::unique_ptr<Transport> make_mqxx_transport();
[[nodiscard]] std::unique_ptr<Transport> make_kernel_transport();

}  // namespace run
