// Hello: create a queue, send to it, receive from it, remove it.
#include <iostream>

#include <mqxx/queue.hpp>

int main() {
  auto orders = mqxx::Queue::open_or_create("/hello", {.capacity = 64, .message_size = 512});
  orders.send("two coffees");
  orders.send("one tea, quickly", 10);  // a higher priority: it overtakes

  std::cout << orders.receive().text() << '\n';  // one tea, quickly
  std::cout << orders.receive().text() << '\n';  // two coffees
  if (!orders.try_receive()) std::cout << "nothing left\n";
  orders.unlink();
}
