// Traffic: many producers and consumers, each a process, on one queue; and the account of what arrived.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <mqxx/queue.hpp>

#include "support/shared_array.hpp"
#include "support/stamp.hpp"

namespace mqxx::test {

/// How messages are moved.
enum class By { call, batch, loan };

struct Traffic {
  std::string name;  ///< of the test
  std::size_t capacity = 10;
  std::size_t message_size = 64;  ///< at least sizeof(Stamp)
  std::uint32_t producers = 2;
  std::uint32_t consumers = 2;
  std::uint64_t messages = 1000;  ///< of each producer
  By by = By::call;
  bool fork_before_open = true;  ///< else the children use the handle that they inherit
};

inline constexpr Priority kPriorities = 5;  // 1 .. 5; end marks have 0, and so come last

/// Writes message `counter` of `producer` into `bytes`, all of which it uses, and returns its priority.
Priority write_message(std::span<std::byte> bytes, std::uint32_t producer, std::uint64_t counter);

/// How large message `counter` is: anything from a stamp alone to the largest.
std::size_t size_of_message(std::size_t message_size, std::uint32_t producer, std::uint64_t counter);

/// Reads the stamp. Records a failure when a byte of the message is wrong.
Stamp read_message(std::span<const std::byte> bytes, Priority priority);

/// Who received what, in memory that all processes share.
class Account {
 public:
  Account(std::uint32_t producers, std::uint64_t messages) : messages_(messages), counts_(producers * messages) {}

  /// @return how often it was received before
  std::uint32_t received(const Stamp& stamp) const {
    return counts_[stamp.producer * messages_ + stamp.counter].fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t count(std::uint32_t producer, std::uint64_t counter) const {
    return counts_[producer * messages_ + counter].load(std::memory_order_relaxed);
  }

 private:
  std::uint64_t messages_;
  SharedArray<std::atomic<std::uint32_t>> counts_;
};

/// Runs it all and checks that every message arrived exactly once, whole and in order.
void run_traffic(const Traffic& traffic);

}  // namespace mqxx::test
