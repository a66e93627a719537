// LoopTest: what tests of the event loop begin with. LoopOnHome runs once for each home of queues.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mqxx/event_loop.hpp>

#include "support/child.hpp"
#include "support/failures.hpp"
#include "support/payload.hpp"
#include "support/place.hpp"
#include "support/private_directory.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {

using Texts = std::vector<std::string>;
using LoopEnded = EventLoop::Ended;

inline void PrintTo(LoopEnded ended, std::ostream* out) {
  *out << (ended == LoopEnded::stopped ? "stopped" : ended == LoopEnded::timed_out ? "timed_out" : "nothing_left");
}

class LoopTest : public testing::Test {
 protected:
  static constexpr OpenOptions kUsual{.capacity = 10, .message_size = 64};

  PrivateDirectory directory_;
  Watchdog watchdog_{std::chrono::seconds(60)};
  EventLoop loop_;
};

class LoopOnHome : public LoopTest, public testing::WithParamInterface<In> {
 protected:
  static Place make(std::string_view name = "q", const OpenOptions& options = kUsual) {
    return Place(GetParam(), name, options);
  }
};

/// Polling queues that are not the kernel's makes a thread.
inline bool may_poll_in_a_child(In home) { return kThreadsInChildren || home == In::kernel; }

inline std::string in_home(const testing::TestParamInfo<In>& info) { return home_name(info.param); }

/// What leaves run(): "" when nothing does.
inline std::string thrown_by_run(EventLoop& loop) {
  try {
    loop.run();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

}  // namespace mqxx::test
