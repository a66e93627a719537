// Waiting for a message or for room, and everything that ends it.
#include <array>
#include <chrono>
#include <csignal>
#include <stop_token>

#include <sys/msg.h>
#include <unistd.h>

#include "support/timing.hpp"
#include "sysv/sysv_test.hpp"

namespace mqxx::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using sysv::Queue;

std::atomic<int> g_handled{0};
extern "C" void count(int) { ++g_handled; }

/// SIGUSR1 is counted while one lives.
class Handler {
 public:
  explicit Handler(int flags) {
    g_handled = 0;
    struct sigaction action {};
    action.sa_handler = count;
    action.sa_flags = flags;
    ::sigaction(SIGUSR1, &action, &before_);
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() { ::sigaction(SIGUSR1, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

class SysvWaiting : public SysvTest {
 protected:
  /// Leaves no room.
  void fill() {
    queue_.change({.most_bytes = 1});
    queue_.send("x");
  }
};

TEST_F(SysvWaiting, EndsWithAMessageOfTheSelection) {
  std::string received;
  Sleeper sleeper([&] { received = text_of(queue_.receive({.type = 5})); });
  sleeper.wait_until_asleep();
  queue_.send("not this", 4);
  queue_.send("this", 5);
  sleeper.join();
  EXPECT_EQ(received, "5 this");
  EXPECT_EQ(queue_.status().messages, 1u);
}

TEST_F(SysvWaiting, EndsWithRoom) {
  fill();
  Sleeper sleeper([&] { queue_.send("y"); });
  sleeper.wait_until_asleep();
  EXPECT_EQ(queue_.receive().text(), "x");
  sleeper.join();
  EXPECT_EQ(queue_.receive().text(), "y");
}

TEST_F(SysvWaiting, EndsWhenTheQueueIsGivenMoreRoom) {
  fill();
  Sleeper sleeper([&] { queue_.send("y"); });
  sleeper.wait_until_asleep();
  queue_.change({.most_bytes = 2});
  sleeper.join();
  EXPECT_EQ(queue_.status().messages, 2u);
}

TEST_F(SysvWaiting, IsNotForWhoOnlyTries) {
  EXPECT_FALSE(queue_.try_receive());
  fill();
  EXPECT_FALSE(queue_.try_send("y"));
  EXPECT_FALSE(queue_.send_for("y", milliseconds(0)));
  EXPECT_TRUE(queue_.try_receive());
}

TEST_F(SysvWaiting, IsLateNotBeforeTheDeadline) {
  const auto late = [](auto clock, auto call) {
    const auto deadline = decltype(clock)::now() + milliseconds(15);
    EXPECT_FALSE(call(deadline));
    EXPECT_GE(decltype(clock)::now(), deadline);
  };
  late(steady_clock(), [&](auto deadline) { return queue_.receive_until(deadline).has_value(); });
  late(system_clock(), [&](auto deadline) { return queue_.receive_until(deadline).has_value(); });
  std::array<std::byte, 8> buffer{};
  late(steady_clock(),
       [&](auto deadline) { return queue_.receive(buffer, {}, Wait::until_time(deadline)).has_value(); });
  fill();
  late(steady_clock(), [&](auto deadline) { return queue_.send_until("y", deadline); });
  late(system_clock(), [&](auto deadline) { return queue_.send_until("y", deadline); });
  const auto begun = steady_clock::now();
  EXPECT_FALSE(queue_.send_for("y", milliseconds(15)));
  EXPECT_GE(steady_clock::now(), begun + milliseconds(15));
}

TEST_F(SysvWaiting, TakesWhatIsThereAlsoAfterTheDeadline) {
  queue_.send("x");
  EXPECT_TRUE(queue_.receive_until(steady_clock::now() - milliseconds(1)));
  EXPECT_TRUE(queue_.send_until("x", system_clock::time_point{}));
}

TEST_F(SysvWaiting, EndsWithItsStopToken) {
  std::stop_source source;
  bool empty = false;
  Sleeper receiver([&] { empty = !queue_.receive(source.get_token()); });
  receiver.wait_until_asleep();
  source.request_stop();
  receiver.join();
  EXPECT_TRUE(empty);
  EXPECT_FALSE(queue_.receive(source.get_token())) << "one that was triggered before";
  fill();
  std::stop_source other;
  bool sent = true;
  Sleeper sender([&] { sent = queue_.send("y", other.get_token()); });
  sender.wait_until_asleep();
  other.request_stop();
  sender.join();
  EXPECT_FALSE(sent);
  EXPECT_EQ(queue_.status().messages, 1u);
}

TEST_F(SysvWaiting, GoesOnAfterASignalHandler) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer holds handlers back while a thread waits in the kernel";
#endif
  const Handler handler(0);
  std::string received;
  Sleeper sleeper([&] { received = text_of(queue_.receive()); });
  for (int i = 1; i <= 3; ++i) {
    sleeper.wait_until_asleep();
    sleeper.raise(SIGUSR1);
    while (g_handled != i) std::this_thread::yield();
  }
  queue_.send("x");
  sleeper.join();
  EXPECT_EQ(received, "1 x");
}

TEST_F(SysvWaiting, IsEndedByASignalHandlerForWhoAsksForThat) {
  const Wait patient = Wait::for_duration(std::chrono::hours(1));
  for (const Wait& base : {Wait::forever(), patient}) {
    for (const int flags : {0, SA_RESTART}) {
      const Handler handler(flags);
      Wait wait = base;
      wait.return_on_signal = true;
      std::error_code code;
      Sleeper sleeper([&] { (void)queue_.receive({}, wait, code); });
      sleeper.wait_until_asleep();
      sleeper.raise(SIGUSR1);
      sleeper.join();
      EXPECT_EQ(code, Errc::interrupted) << "the kernel restarts none of its System V calls, whatever the handler";
    }
  }
  queue_.send("kept");
  EXPECT_EQ(text_of(queue_.try_receive()), "1 kept");
}

TEST_F(SysvWaiting, EndsForAllWhenTheQueueIsRemoved) {
  fill();
  std::array<std::error_code, 4> codes;
  std::string sentence;
  Sleeper forever([&] { queue_.receive({.type = 2}, codes[0]); });
  Sleeper timed([&] { (void)queue_.receive_for(std::chrono::hours(1), {.type = 2}, codes[1]); });
  Sleeper sender([&] { queue_.send("y", 1, codes[2]); });
  Sleeper thrower([&] { sentence = sentence_of([&] { (void)queue_.receive({.type = 2}); }); });
  for (Sleeper* sleeper : {&forever, &timed, &sender, &thrower}) sleeper->wait_until_asleep();
  queue_.remove();
  for (Sleeper* sleeper : {&forever, &timed, &sender, &thrower}) sleeper->join();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(codes[static_cast<std::size_t>(i)], Errc::queue_removed) << i;
  EXPECT_TRUE(says(sentence, "receive 'sysv:id=", "removed", "EIDRM"));
}

TEST_F(SysvWaiting, IsRefusedForAMessageThatWillNeverFit) {
  queue_.change({.most_bytes = 3});
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue_.send("four"); }));
  EXPECT_TRUE(says(sentence_of([&] { queue_.send("four"); }), "message is 4 bytes", "room for 3", "msg_qbytes"));
  queue_.change({.most_bytes = 0});
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue_.send(""); })) << "messages count, too";
}

TEST_F(SysvWaiting, AKilledWaiterLosesNothing) {
  for (int round = 0; round < 5; ++round) {
    Child receiver([&] { (void)queue_.receive(); });
    Child timed([&] { (void)queue_.receive_for(std::chrono::hours(1)); });
    wait_until_asleep(receiver.pid());
    wait_until_asleep(timed.pid());
    EXPECT_EQ(receiver.kill().signal, SIGKILL);
    EXPECT_EQ(timed.kill().signal, SIGKILL);
    queue_.send("kept");
    EXPECT_EQ(text_of(queue_.try_receive()), "1 kept");
  }
  fill();
  Child sender([&] { queue_.send("y"); });
  wait_until_asleep(sender.pid());
  EXPECT_EQ(sender.kill().signal, SIGKILL);
  EXPECT_EQ(text_of(queue_.try_receive()), "1 x");
  EXPECT_EQ(text_of(queue_.try_receive()), "") << "it has not sent";
}

}  // namespace
}  // namespace mqxx::test
