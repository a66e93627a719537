// Nonblocking: four ways to meet a full or an empty queue. Wait for it, wait so long, ask once, or be told EAGAIN.
#include <chrono>
#include <iostream>
#include <thread>

#include <mqxx/queue.hpp>

using namespace std::chrono_literals;

int main() {
  auto queue = mqxx::Queue::create("/nonblocking-example", {.capacity = 1, .message_size = 64, .exclusive = false});

  // Ask once: full and empty are answers.
  std::cout << std::boolalpha << "room for one: " << queue.try_send("one") << '\n';
  std::cout << "room for two: " << queue.try_send("two") << '\n';

  // Wait so long.
  std::cout << "room within 10 ms: " << queue.send_for("two", 10ms) << '\n';

  // Wait for it: the send returns when somebody has received.
  std::jthread receiver([&] {
    std::this_thread::sleep_for(10ms);
    std::cout << "received " << queue.receive().text() << '\n';
  });
  queue.send("two");
  receiver.join();
  std::cout << "sent two, received " << queue.receive().text() << '\n';

  // As mq_open(3) with O_NONBLOCK: the plain calls fail instead of waiting. Another handle need not.
  auto impatient = mqxx::Queue::open("/nonblocking-example", {.nonblocking = true});
  try {
    impatient.receive();
  } catch (const mqxx::Error& error) {
    std::cout << error.what() << '\n';
  }
  impatient.send("three");
  try {
    impatient.send("four");
  } catch (const mqxx::Error& error) {
    std::cout << error.what() << '\n';
  }
  queue.unlink();
}
