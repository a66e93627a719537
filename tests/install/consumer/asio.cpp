// A stranger's program on Asio: the installed header, a message, and an error that crosses the library's border.
#include <cstdio>

#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <mqxx/asio.hpp>

int main() {
  asio::io_context io;
  mqxx::AsyncQueue queue(io, mqxx::Queue::create("/installed-asio", {.capacity = 4, .message_size = 64}));
  auto sent = queue.async_send("through Asio", asio::use_future);
  auto received = queue.async_receive(asio::use_future);
  std::error_code refused;
  queue.async_send("x", mqxx::kMaxPriority + 1, [&](std::error_code code) { refused = code; });
  io.run();
  sent.get();
  queue.queue().unlink();
  if (received.get().text() == "through Asio" && refused == mqxx::Errc::invalid_priority) return 0;
  std::fputs("not so: a message and an error arrive through Asio\n", stderr);
  return 1;
}
