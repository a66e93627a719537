// A sender may die between queueing its message and ringing the doorbell. If nobody else comes, the process that polls
// finds that itself: in each of the calls that poll, and after a death at each step.
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/step.hpp"
#include "shm/queue.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/step_death.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

class Pollers : public testing::TestWithParam<const char*> {
 protected:
  static std::unique_ptr<Queue> make_queue() {
    (void)remove("/q");
    return std::move(*Queue::join(std::move(*publish({"/q", 4, 16, 0600}))));
  }

  static test::Child start_poller() {
    return test::Child([] {
      ::execl(MQXX_POLLER, MQXX_POLLER, GetParam(), nullptr);
      ::_exit(3);
    });
  }

  /// @return whether it died there
  static bool send_and_die_at(int countdown) {
    test::Child child([&] {
      const auto queue = std::move(*Queue::join(std::move(*attach("/q"))));
      test::g_countdown = countdown;
      step_hook = test::die_at_step;
      (void)queue->send(std::as_bytes(std::span("message")), 0, Wait::none());
      step_hook = nullptr;
    });
    return child.join().signal == SIGKILL;
  }

  test::PrivateDirectory directory_;
  test::Watchdog watchdog_{std::chrono::seconds(100)};
};

TEST_P(Pollers, FindAMessageWhoseSenderDiedBeforeItTold) {
  int found = 0;
  bool killed = true;
  for (int countdown = 0; killed; ++countdown) {
    const auto queue = make_queue();
    test::Child poller = start_poller();
    test::wait_until([&] { return queue->segment().header().watch.pollers.get() == 1; });
    killed = send_and_die_at(countdown);
    // Without a lock, which would be the look that only the poller is to take.
    if (!queue->readiness().readable) continue;
    const test::Ended ended = poller.join();
    EXPECT_TRUE(ended.well()) << GetParam() << ", step " << countdown << ": status " << ended.exit_status
                              << (ended.late ? ", does not come back" : "");
    ++found;
  }
  EXPECT_GE(found, 2) << "no sender died after it queued its message, or none before";
}

INSTANTIATE_TEST_SUITE_P(Calls, Pollers,
                         testing::Values("poll", "ppoll", "select", "pselect", "epoll_wait", "epoll_wait_edges",
                                         "epoll_pwait", "epoll_pwait2"),
                         [](const auto& call) { return std::string(call.param); });

}  // namespace
}  // namespace mqxx::shm
