// A signal every 50 us, handled without SA_RESTART: the C++ calls go on, whatever they are in the middle of.
#include <atomic>
#include <csignal>

#include <gtest/gtest.h>
#include <sys/time.h>

#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

volatile sig_atomic_t g_signals = 0;

/// For this process, until it ends or stop() is called.
class Storm {
 public:
  Storm() {
    struct sigaction action {};
    action.sa_handler = [](int) { g_signals = g_signals + 1; };
    ::sigaction(SIGALRM, &action, nullptr);
    set(50 * kSlowdown);
  }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;
  ~Storm() {
    set(0);
    EXPECT_GT(g_signals, 0) << "there was no storm";
  }

 private:
  static void set(int microseconds) {
    const itimerval every{{0, microseconds}, {0, microseconds}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
  }
};

class Interruption : public QueueTest {};

TEST_F(Interruption, WaitsGoOnAndEveryMessageArrivesOnce) {
  constexpr std::uint64_t kMessages = 1500;
  Queue there = Queue::create("/there", {.capacity = 1, .message_size = 5000});
  Queue back = Queue::create("/back", {.capacity = 1, .message_size = 5000});
  Child echo([&] {
    const Storm storm;
    for (std::uint64_t i = 0; i < kMessages; ++i) back.send(there.receive().bytes());
  });
  Child asker([&] {
    const Storm storm;
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      const std::size_t size = i % 2 == 0 ? 100 : 5000;
      there.send(std::span<const std::byte>(pattern(size, i)));
      const Message message = back.receive();
      ASSERT_TRUE(message.size() == size && is_pattern(message.bytes(), i)) << i;
    }
  });
  expect_well(asker);
  expect_well(echo);
}

TEST_F(Interruption, TimeoutsAreNotCutShort) {
  Child child([] {
    Queue queue = Queue::create("/q", {.capacity = 1, .message_size = 64});
    const Storm storm;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(queue.receive_for(100ms));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
    queue.send("x");
    EXPECT_FALSE(queue.send_for("y", 100ms));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 200ms);
  });
  expect_well(child);
}

TEST_F(Interruption, OpeningCreatingAndRemovingGoOn) {
  Child child([this] {
    const Storm storm;
    for (int i = 0; i < 300; ++i) {
      Queue queue = Queue::create("/q", {.capacity = 100, .message_size = 64});
      Queue again = Queue::open("/q");
      again.send("x");
      EXPECT_EQ(queue.receive().text(), "x");
      queue.unlink();
    }
    EXPECT_EQ(directory_.file_count(), 0U);
  });
  expect_well(child);
}

// The system undoes what it has reserved when it is interrupted: all of it at once would never be done.
TEST_F(Interruption, RoomForALargeMessageIsFoundInTheEnd) {
  Child child([] {
    constexpr std::size_t kSize = std::size_t{24} << 20;
    Queue queue = Queue::create("/q", {.capacity = 2, .message_size = kSize});
    const std::vector<std::byte> bytes = pattern(kSize, 5);
    const Storm storm;
    queue.send(std::span<const std::byte>(bytes));
    EXPECT_TRUE(is_pattern(queue.receive().bytes(), 5));
  });
  expect_well(child);
}

}  // namespace
}  // namespace mqxx::test
