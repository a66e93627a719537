// AsioTest: a queue of each home, and an io_context that runs what the test starts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include <mqxx/asio.hpp>
#include <mqxx/queue.hpp>

#include "support/private_directory.hpp"
#include "support/private_ipc.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {

/// What the addresses of each home begin with.
inline constexpr const char* kHomes[] = {"", "kernel:", "sysv:"};

inline std::string home_name(const testing::TestParamInfo<const char*>& home) {
  const std::string prefix = home.param;
  if (prefix.empty()) return "Shm";
  return prefix == "kernel:" ? "Kernel" : "SysV";
}

class AsioTest : public testing::TestWithParam<const char*> {
 protected:
  static constexpr std::chrono::seconds kLimit{100};

  /// A new queue, which nobody else finds under its name.
  Queue make_queue(std::size_t capacity = 4, std::size_t message_size = 64) {
    const std::string home = GetParam();
    static int count = 0;
    const std::string name = "asio-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    Queue queue = Queue::create(home == "sysv:" ? "sysv:private" : home + "/" + name,
                                {.capacity = capacity, .message_size = message_size});
    removed_later_.push_back(queue.duplicate());
    return queue;
  }
  AsyncQueue async(const Queue& queue) { return {io_, queue.duplicate()}; }

  /// Runs until nothing is left to do. @return how many handlers ran
  std::size_t run() {
    io_.restart();
    return io_.run();
  }

  /// Runs until nothing happens for a moment, while something is waited for. A loop that turns for nothing never rests.
  void rest() {
    io_.restart();
    while (io_.run_for(kMoment) > 0) {
    }
  }

  void TearDown() override {
    std::error_code gone;
    for (const Queue& queue : removed_later_) Queue::unlink(queue.name(), gone);
  }

  PrivateDirectory directory_;
  Watchdog watchdog_{kLimit};
  std::vector<Queue> removed_later_;
  asio::io_context io_;
};

/// What a handler was told.
template <class Value>
struct Told {
  int times = 0;
  std::error_code code;
  Value value{};

  auto handler() {
    return [this](std::error_code result, Value got) {
      ++times;
      code = result;
      value = std::move(got);
    };
  }
};
template <>
struct Told<void> {
  int times = 0;
  std::error_code code;

  auto handler() {
    return [this](std::error_code result) {
      ++times;
      code = result;
    };
  }
};

}  // namespace mqxx::test
