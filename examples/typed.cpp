// Typed: a queue of values. Whoever opens it for another type is refused.
#include <cstdint>
#include <iostream>

#include <mqxx/typed_queue.hpp>

struct Reading {
  std::int64_t time_ms;
  double celsius;
};

int main() {
  auto readings = mqxx::TypedQueue<Reading>::open_or_create("/readings-example", {.capacity = 1000});
  readings.send({.time_ms = 1, .celsius = 20.5});
  readings.send({.time_ms = 2, .celsius = 21.0});

  while (const auto received = readings.try_receive()) {
    std::cout << received->value.time_ms << " ms: " << received->value.celsius << " degrees\n";
  }

  try {
    auto wrong = mqxx::TypedQueue<char>::open("/readings-example");
  } catch (const mqxx::Error& error) {
    std::cout << error.what() << '\n';
  }
  readings.untyped().unlink();
}
