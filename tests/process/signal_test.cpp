// Signal handlers that use a queue. One that interrupts a call of its own thread inside a lock is told would_deadlock;
// it never hangs, and what it was told is true.
#include <atomic>
#include <csignal>
#include <iostream>

#include <gtest/gtest.h>
#include <sys/time.h>

#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

Queue* handler_queue = nullptr;
std::atomic<long> handler_sent{0};
std::atomic<long> handler_received{0};
std::atomic<long> handler_refused{0};

void use_the_queue(int) {
  const int before = errno;
  std::error_code ec;
  if (handler_queue->try_send("from the handler", kMaxPriority, ec)) ++handler_sent;
  if (ec == Errc::would_deadlock) ++handler_refused;
  std::byte buffer[64];
  if (handler_queue->try_receive(std::span<std::byte>(buffer), ec)) ++handler_received;
  if (ec == Errc::would_deadlock) ++handler_refused;
  errno = before;
}

class SignalHandler : public QueueTest {
 protected:
  /// From now on the handler runs every 50 us, in the middle of whatever this thread does.
  static void start(Queue& queue) {
    handler_queue = &queue;
    handler_sent = handler_received = handler_refused = 0;
    struct sigaction action = {};
    action.sa_handler = use_the_queue;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often{.it_interval = {0, 50}, .it_value = {0, 50}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  static void stop() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::signal(SIGALRM, SIG_DFL);
    std::cout << "the handler sent " << handler_sent << ", received " << handler_received << " and was refused "
              << handler_refused << " times\n";
  }
  static void expect_account(const Queue& queue, long sent, long received) {
    EXPECT_EQ(static_cast<long>(queue.attributes().depth), sent + handler_sent - received - handler_received);
    EXPECT_EQ(broken_invariants("/q"), "");
  }
};

TEST_F(SignalHandler, AHandlerThatSendsAndReceivesInsideACallNeverHangsAndIsToldTheTruth) {
  Queue queue = Queue::create("/q", {.capacity = 100, .message_size = 64});
  long sent = 0;
  long received = 0;
  start(queue);
  const int rounds = scaled(500'000);
  for (int i = 0; i < rounds; ++i) {
    if (queue.try_send("from the thread", static_cast<Priority>(i % 3))) ++sent;
    if (queue.try_receive()) ++received;
  }
  stop();
  expect_account(queue, sent, received);
}

TEST_F(SignalHandler, AHandlerThatInterruptsABlockedReceiveCanWakeIt) {
  Queue queue = Queue::create("/q", {.capacity = 100, .message_size = 64});
  handler_queue = &queue;
  handler_sent = 0;
  struct sigaction action = {};
  action.sa_handler = [](int) {
    std::error_code ec;
    if (handler_queue->try_send("from the handler", 0, ec)) ++handler_sent;
  };
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval soon{.it_interval = {0, 20'000}, .it_value = {0, 20'000}};
  ::setitimer(ITIMER_REAL, &soon, nullptr);
  EXPECT_EQ(queue.receive().text(), "from the handler");
  stop();
}

TEST_F(SignalHandler, AHandlerThatInterruptsSleepersAndBatchesLosesNothing) {
  Queue queue = Queue::create("/q", {.capacity = 3, .message_size = 64});
  const int rounds = scaled(20'000);
  std::atomic<long> peer_received{0};
  std::jthread peer([&](const std::stop_token& stop) {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);  // the handler is for the other thread
    while (queue.receive(stop)) ++peer_received;
  });
  start(queue);
  long sent = 0;
  const std::vector<Outgoing> batch(5, Outgoing{"from the thread", 1});
  for (int i = 0; i < rounds; ++i) sent += static_cast<long>(queue.send_batch(batch));
  stop();
  EXPECT_EQ(sent, 5L * rounds);
  wait_until([&] { return queue.attributes().depth == 0; });
  peer.request_stop();
  peer.join();
  expect_account(queue, sent, peer_received);
}

}  // namespace
}  // namespace mqxx::test
