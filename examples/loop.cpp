// Loop: what epoll over a queue, a timerfd and a signalfd is by hand. One thread serves orders, takes statistics from a
// timer, and on SIGINT or SIGTERM finishes what is queued before it goes home.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <mqxx/event_loop.hpp>
#include <mqxx/queue.hpp>

using namespace std::chrono_literals;

namespace {

constexpr const char* kOrders = "/loop-example";
constexpr int kCount = 300;

/// Sends orders from another process, more than fit, and then asks the loop's process to end.
pid_t start_customer() {
  const pid_t process = ::fork();
  if (process != 0) return process;
  auto orders = mqxx::Queue::open(kOrders);
  for (int i = 1; i <= kCount; ++i) orders.send("order " + std::to_string(i));
  ::kill(::getppid(), SIGTERM);
  ::_exit(0);
}

}  // namespace

int main() {
  auto orders = mqxx::Queue::create(kOrders, {.capacity = 16, .message_size = 64, .exclusive = false});
  int served = 0;
  int looks = 0;
  std::size_t deepest = 0;

  mqxx::EventLoop loop;
  loop.on_message(orders, [&](const mqxx::Message& order) { served += order.empty() ? 0 : 1; },
                  {.drain_on_stop = true});
  loop.every(1ms, [&] {
    ++looks;
    deepest = std::max(deepest, orders.attributes().depth);
  });
  loop.on_signal({SIGINT, SIGTERM}, [&](const mqxx::SignalInfo& info) {
    std::cout << "signal " << info.signal << ": finishing\n";
    loop.stop();
  });

  const pid_t customer = start_customer();  // who must not touch the loop: it is its parent's
  loop.run();
  ::waitpid(customer, nullptr, 0);
  std::cout << "served " << served << " orders\n";
  std::cerr << "the timer looked " << looks << " times and saw up to " << deepest << " orders queued\n";
  orders.unlink();
}
