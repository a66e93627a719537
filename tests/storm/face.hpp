// Face: the two ways for a worker to its queues, the C++ library and the calls of <mqueue.h>.
//
// Each object belongs to one process. It chooses the form of each call at random: waiting, timed and not waiting;
// single, in batches and by loan; and, for mq_*, told by poll, epoll or mq_notify. What is not expected is thrown.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <mqxx/types.hpp>

#include "support/seed.hpp"

namespace mqxx::test {

enum class Face : std::uint8_t { cpp, posix };

/// How long one call waits.
enum class Patience : std::uint8_t { none, brief, endless };

inline Patience random_patience(Random& random) { return static_cast<Patience>(random.below(3)); }
inline std::chrono::microseconds brief_time(Random& random) { return std::chrono::microseconds(random.below(4000)); }

/// Sends to any of kPlaces.
class Sending {
 public:
  Sending() = default;
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
  virtual ~Sending() = default;

  /// How many messages one call may have.
  [[nodiscard]] virtual std::size_t most() const = 0;
  /// One call. @return how many were sent, the first ones; the others were refused, for the lack of room or on a whim
  virtual std::size_t send(std::size_t place, std::span<const Outgoing> messages, Patience patience) = 0;
};

/// Receives from one of kPlaces.
class Receiving {
 public:
  Receiving() = default;
  Receiving(const Receiving&) = delete;
  Receiving& operator=(const Receiving&) = delete;
  virtual ~Receiving() = default;

  /// At most one call that takes messages. @return how many came, into the first of `room`
  virtual std::size_t receive(std::span<Incoming> room, Patience patience) = 0;
};

std::unique_ptr<Sending> cpp_sending(Random& random);
std::unique_ptr<Receiving> cpp_receiving(std::size_t place, Random& random);
std::unique_ptr<Sending> posix_sending(Random& random);
std::unique_ptr<Receiving> posix_receiving(std::size_t place, Random& random);

inline std::unique_ptr<Sending> make_sending(Face face, Random& random) {
  return face == Face::cpp ? cpp_sending(random) : posix_sending(random);
}
inline std::unique_ptr<Receiving> make_receiving(Face face, std::size_t place, Random& random) {
  return face == Face::cpp ? cpp_receiving(place, random) : posix_receiving(place, random);
}

}  // namespace mqxx::test
