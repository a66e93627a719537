// Clocks that step by an hour. Deadlines of the C++ interface are on the monotonic clock, which does not step; those of
// system_clock follow the wall clock, wherever it goes.
//
// The wall clock of the machine is everybody's, so this program has one of its own: it stands in front of
// clock_gettime(2) and adds what the test says. What the kernel is told is an absolute time on its own clock, so
// backward steps of that one cannot be played here; they only make a sleeper look up, and its deadline is compared anew
// (os/wait.hpp). A monotonic clock that is an hour off is played with a time namespace.
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace {

std::atomic<long> g_wall_step{0};  // seconds

}  // namespace

// The name is the C library's.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += g_wall_step.load();
  return result;
}

namespace mqxx::test {
namespace {

constexpr long kHour = 3600;

class Clocks : public QueueTest {
 protected:
  void TearDown() override { g_wall_step = 0; }

  /// Steps the wall clock while somebody sleeps.
  static std::jthread step_soon(Queue& queue, long seconds) {
    return std::jthread([&queue, seconds] {
      wait_until([&] { return queue.statistics().waiting_receivers == 1; });
      g_wall_step = seconds;
    });
  }
};

TEST_F(Clocks, TheProgramHasAClockOfItsOwn) {
  const auto before = std::chrono::system_clock::now();
  g_wall_step = kHour;
  EXPECT_GE(std::chrono::system_clock::now() - before, 1h);
}

TEST_F(Clocks, MonotonicWaitsDoNotCareForSteps) {
  Queue queue = Queue::create("/q");
  for (const long step : {-kHour, kHour}) {
    g_wall_step = 0;
    const std::jthread stepper = step_soon(queue, step);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(queue.receive_for(1200ms)) << step;  // longer than a sleeper sleeps at a time
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 1200ms) << step;
  }
}

TEST_F(Clocks, AMessageArrivesWhateverTheClocksDo) {
  Queue queue = Queue::create("/q");
  for (const long step : {-kHour, kHour}) {
    std::jthread sender([&] {
      wait_until([&] { return queue.statistics().waiting_receivers == 1; });
      g_wall_step = step;
      queue.send("x");
    });
    EXPECT_EQ(queue.receive().text(), "x");
    sender.join();
    EXPECT_EQ(queue.statistics().messages_sent, queue.statistics().messages_received);
  }
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(Clocks, AWallClockDeadlineIsReachedByAStepForward) {
  Queue queue = Queue::create("/q");
  const auto deadline = std::chrono::system_clock::now() + 30min;
  const std::jthread stepper = step_soon(queue, kHour);
  EXPECT_FALSE(queue.receive_until(deadline));
  EXPECT_GE(std::chrono::system_clock::now(), deadline);
}

/// In the child of this process the monotonic clock is so much ahead. @return why not, or ""
std::string shift_monotonic(long seconds) {
  if (::unshare(CLONE_NEWTIME) != 0) return std::string("unshare: ") + std::strerror(errno);
  const int fd = ::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  const std::string offset = "monotonic " + std::to_string(seconds) + " 0\n";
  const bool done = fd >= 0 && ::write(fd, offset.data(), offset.size()) == static_cast<ssize_t>(offset.size());
  const std::string why = done ? "" : std::string("timens_offsets: ") + std::strerror(errno);
  ::close(fd);
  return why;
}

TEST_F(Clocks, ProcessesWhoseMonotonicClocksAreAnHourApartShareAQueue) {
  Queue there = Queue::create("/there", {.capacity = 1, .message_size = 64});
  Queue back = Queue::create("/back", {.capacity = 1, .message_size = 64});
  std::string why;
  Child probe([&] {
    if (!(why = shift_monotonic(kHour)).empty()) throw std::runtime_error(why);
  });
  const Ended probed = probe.join();
  if (!probed.well()) GTEST_SKIP() << "no time namespace can be made here: " << probed.failures;
  Child elsewhere([&] {
    ASSERT_EQ(shift_monotonic(kHour), "");
    Child shifted([&] {
      for (int i = 0; i < 200; ++i) {
        const std::optional<Message> message = there.receive_for(1h);
        ASSERT_TRUE(message) << i;
        ASSERT_TRUE(back.send_for(message->bytes(), 1h)) << i;
      }
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_FALSE(there.receive_for(100ms));
      EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
    });
    expect_well(shifted);
  });
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(there.send_for(std::to_string(i), 1h));
    const std::optional<Message> message = back.receive_for(1h);
    ASSERT_TRUE(message) << i;
    EXPECT_EQ(message->text(), std::to_string(i));
  }
  expect_well(elsewhere);
}

}  // namespace
}  // namespace mqxx::test
