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

/// What a home can do. The engine can do everything; others lack a part. No test is left out there: it asserts instead
/// what docs/homes.md says that the home does. Each has a function without_NAME() for that.
struct Capabilities {
  bool loans_in_place = true;  ///< they count against the capacity, and put_back finds the old place
  bool peek = true;            ///< without taking
  bool steady_cursor = true;   ///< it knows its message; elsewhere it counts those that were seen
  bool statistics = true;      ///< counters, times, process ids and memory
  bool users = true;           ///< who has a queue open
  bool commands = true;        ///< and what their programs are called
  bool check = true;           ///< of the invariants
  bool listing = true;         ///< for this user, here
  bool names = true;           ///< addresses are names of up to 255 bytes
  bool exact_sizes = true;     ///< capacity and message size are those that were asked for
  bool lives_on = true;        ///< a queue whose name was removed serves those who have it open
  bool notices = true;         ///< one process may be registered to be told of the next message
  bool times = true;           ///< of the last send and receive, and by whom: a part of the statistics
};

/// A place where queues live.
struct Home {
  std::string name;    ///< in the names of the tests
  std::string prefix;  ///< of its addresses
  std::string tag;     ///< in front of every name, where strangers have queues too
  Capabilities can;
  /// Why a queue of that size is refused here, as a code; none where it is not.
  Errc (*refusal)(std::size_t capacity, std::size_t message_size) = [](std::size_t, std::size_t) { return Errc{}; };
  std::size_t most_capacity = kMaxCapacity;
  std::size_t most_message_size = kMaxMessageSize;
  /// So many messages at once are no test of patience.
  std::size_t deepest = kMaxCapacity;
};

inline void PrintTo(const Home& home, std::ostream* out) { *out << home.name; }

class BackendContract : public testing::TestWithParam<Home> {
 protected:
  void SetUp() override;
  ~BackendContract() override;

  static const Home& home() { return GetParam(); }
  static const Capabilities& can() { return GetParam().can; }

  /// An address in the home under test. What it names is removed after the test.
  std::string at(std::string_view name = "q");

  /// A queue with room for `capacity` messages of `message_size` bytes.
  Queue make(std::size_t capacity = 10, std::size_t message_size = 64, std::string_view name = "q") {
    filler_.assign(message_size, 'f');
    return Queue::create(at(name), {.capacity = capacity, .message_size = message_size});
  }

  /// The queues of this test that the home lists.
  std::vector<QueueInfo> listed();
  /// No queue of this test is there: what a failing create promises.
  void expect_nothing_left();

  /// With as many messages as its capacity is: each has all the bytes that one may have, since a home may count those.
  void fill(Queue& queue) const {
    while (queue.try_send(filler_)) {
    }
  }

  /// Waits until `count` receivers sleep in the queue; where a home cannot tell, for a moment.
  static void until_receivers_wait(const Queue& queue, std::size_t count = 1) {
    if (!can().statistics) return std::this_thread::sleep_for(kMoment);
    wait_until([&] { return queue.statistics().waiting_receivers == count; });
  }
  static void until_senders_wait(const Queue& queue, std::size_t count = 1) {
    if (!can().statistics) return std::this_thread::sleep_for(kMoment);
    wait_until([&] { return queue.statistics().waiting_senders == count; });
  }

  // What a home does that lacks a capability.
  void without_loans_in_place();
  void without_peek();
  void without_steady_cursor();
  void without_statistics();
  void without_users();
  void without_check();
  static void without_listing();
  void without_room(std::size_t capacity, std::size_t message_size);
  void without_names();
  void without_exact_sizes();
  void without_lives_on();
  void without_notices();

  PrivateDirectory directory_;
  std::string filler_;  ///< a message of the size that make() was last asked for

 private:
  std::vector<std::string> used_;
  Watchdog watchdog_{std::chrono::seconds(50)};
};

/// In a home that cannot do what the test is about: asserts what it does instead, and ends the test.
#define MQXX_NEEDS(capability) \
  if (!can().capability) return without_##capability()

/// Likewise where the home has no room for such a queue.
#define MQXX_NEEDS_ROOM(capacity, message_size) \
  if (home().refusal(capacity, message_size) != Errc{}) return without_room(capacity, message_size)

}  // namespace mqxx::test
