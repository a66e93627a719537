// Sender: one half of a pair that knows nothing of each other but a name; receiver.cpp is the other. Whichever starts
// first makes the queue.
//
//   example-sender 'two coffees' 'one bun' bye
#include <iostream>
#include <span>

#include <mqxx/queue.hpp>

int main(int argc, char** argv) try {
  auto orders = mqxx::Queue::open_or_create("/orders-example", {.access = mqxx::Access::write_only});
  for (const char* order : std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
    orders.send(order);  // waits while the queue is full
    std::cout << "sent " << order << '\n';
  }
} catch (const mqxx::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
