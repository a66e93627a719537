// Attributes: what a queue was made with, what is in it now, and what that means for buffers.
#include <array>
#include <iostream>

#include <mqxx/queue.hpp>

namespace {

void print(const mqxx::Queue& queue) {
  const mqxx::Attributes now = queue.attributes();
  std::cout << "capacity " << now.capacity << ", message size " << now.message_size << ", depth " << now.depth
            << (now.nonblocking ? ", nonblocking\n" : ", blocking\n");
}

}  // namespace

int main() {
  auto queue = mqxx::Queue::create("/attributes-example", {.capacity = 4, .message_size = 100, .exclusive = false});
  print(queue);
  queue.send("first");
  queue.send("second");
  queue.set_nonblocking(true);
  print(queue);

  // Who opens it gets what it was made with, whatever he asks for; nonblocking is his own affair.
  print(mqxx::Queue::open("/attributes-example", {.capacity = 1000}));

  // A buffer must hold the largest message that may come, not only the one that does. A Message needs no buffer.
  std::array<std::byte, 50> small{};
  std::error_code code;
  (void)queue.receive(small, code);
  std::cout << code.message() << ": " << small.size() << " bytes for a message of 5\n";
  std::cout << queue.receive().text() << '\n';

  const mqxx::Statistics history = queue.statistics();
  std::cout << history.messages_sent << " sent, " << history.messages_received << " received, at most "
            << history.high_water << " queued\n";
  queue.unlink();
}
