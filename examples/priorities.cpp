// Priorities: the highest leaves first; equal ones leave in the order in which they came. Batches and iteration.
#include <array>
#include <iostream>

#include <mqxx/queue.hpp>

int main() {
  auto queue = mqxx::Queue::create("/priorities-example", {.capacity = 16, .message_size = 64, .exclusive = false});
  const std::array<mqxx::Outgoing, 4> batch{{
      {"sweep the floor", 1},
      {"put out the fire", mqxx::kMaxPriority},
      {"water the plants", 1},
      {"answer the phone", 100},
  }};
  queue.send_batch(batch);  // all of them under one lock

  for (const auto& message : queue.drain()) {  // ends when the queue is empty
    std::cout << message.priority() << '\t' << message.text() << '\n';
  }
  queue.unlink();
}
