// The contract: what a queue promises wherever it lives. Every TEST_P(BackendContract, ...) of this folder runs once
// for each home that homes.cpp lists.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "support/queue_test.hpp"

namespace mqxx::test {

/// What a home can do. The engine can do everything; others (the kernel's queues, System V's) lack a part, and
/// a test that needs it is skipped there, with the reason.
struct Capabilities {
  bool loans = true;               ///< in place, counted against the capacity, put_back
  bool peek = true;                ///< without taking
  bool statistics = true;          ///< counters, times and process ids
  bool waiting_counts = true;      ///< Statistics::waiting_senders and waiting_receivers
  bool inspection = true;          ///< list, describe and check find the queue
  bool free_names = true;          ///< any byte but NUL and the slash
  bool unlink_keeps_open = true;   ///< an unlinked queue lives until it is closed
  bool shared_nonblocking = true;  ///< duplicates share O_NONBLOCK
  std::size_t most_capacity = 1'000'000;
  std::size_t most_message_size = std::size_t{64} << 20;
};

/// A place where queues live.
struct Home {
  std::string_view name;    ///< in the names of the tests
  std::string_view prefix;  ///< of its addresses
  Capabilities can;
};

inline void PrintTo(const Home& home, std::ostream* out) { *out << home.name; }

class BackendContract : public testing::TestWithParam<Home> {
 protected:
  ~BackendContract() override {
    std::error_code ignored;  // most tests have removed theirs; a home outside directory_ needs the rest gone
    for (const std::string& address : used_) Queue::unlink(address, ignored);
  }

  /// An address in the home under test. What it names is removed after the test.
  std::string at(std::string_view name = "q") {
    std::string address = std::string(GetParam().prefix) + "/" + std::string(name);
    used_.push_back(address);
    return address;
  }

  /// A queue with room for `capacity` messages of `message_size` bytes.
  Queue make(std::size_t capacity = 10, std::size_t message_size = 64, std::string_view name = "q") {
    return Queue::create(at(name), {.capacity = capacity, .message_size = message_size});
  }

  static void fill(Queue& queue) {
    while (queue.try_send("filler")) {
    }
  }

  /// Waits until `count` receivers sleep in the queue; where a home cannot tell, for a moment.
  static void until_receivers_wait(const Queue& queue, std::size_t count = 1) {
    if (!GetParam().can.waiting_counts) return std::this_thread::sleep_for(kMoment);
    wait_until([&] { return queue.statistics().waiting_receivers == count; });
  }
  static void until_senders_wait(const Queue& queue, std::size_t count = 1) {
    if (!GetParam().can.waiting_counts) return std::this_thread::sleep_for(kMoment);
    wait_until([&] { return queue.statistics().waiting_senders == count; });
  }

  PrivateDirectory directory_;

 private:
  std::vector<std::string> used_;
  Watchdog watchdog_{std::chrono::seconds(50)};
};

/// Ends the test here, with the reason, in a home that cannot do what the test is about.
#define MQXX_NEEDS(capability)    \
  if (!GetParam().can.capability) \
  GTEST_SKIP() << "queues of the home '" << GetParam().name << "' do not have: " #capability

}  // namespace mqxx::test
