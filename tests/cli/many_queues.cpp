// many_queues COUNT: creates /q00000, /q00001 and so on, as small as queues can be, for tests of many.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

#include <mqxx/queue.hpp>

int main(int argc, char** argv) {
  const long count = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (count < 1 || count > 99999) {
    std::cerr << "usage: many_queues COUNT\n";
    return 2;
  }
  try {
    for (long i = 0; i < count; ++i) {
      char name[16];
      std::snprintf(name, sizeof name, "/q%05ld", i);
      mqxx::Queue queue = mqxx::Queue::create(name, {.capacity = 1, .message_size = 1});
      if (i % 1000 == 7) queue.send("x");
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
