// Receiver: prints what senders send (sender.cpp), whether they run already, still, or not any more. "bye" ends it.
#include <iostream>

#include <mqxx/queue.hpp>

int main() try {
  auto orders = mqxx::Queue::open_or_create("/orders-example", {.access = mqxx::Access::read_only});
  for (const auto& message : orders.messages()) {  // waits for each; costs nothing meanwhile
    if (message.text() == "bye") break;
    std::cout << "received " << message.text() << '\n';
  }
  orders.unlink();  // until then the queue keeps what nobody has received
} catch (const mqxx::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
