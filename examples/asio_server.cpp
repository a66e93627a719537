// Asio server: a coroutine for each client queue and one that looks at the clock, on one thread and without a callback.
// The clients here are coroutines of the same program; in another process they would be the same.
#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <variant>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <mqxx/asio.hpp>

using asio::awaitable;
using asio::use_awaitable;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

constexpr const char* kRequests = "/asio-example-requests";
constexpr const char* kReplies = "/asio-example-replies";
constexpr mqxx::OpenOptions kSmall{.capacity = 4, .message_size = 64};

/// Answers until nobody has asked for a tenth of a second. A receive that loses against the timer takes no message.
awaitable<void> serve(asio::io_context& io) {
  mqxx::AsyncQueue requests(io, mqxx::Queue::open(kRequests));
  mqxx::AsyncQueue replies(io, mqxx::Queue::open(kReplies));
  asio::steady_timer idle(io);
  for (int answered = 0;; ++answered) {
    idle.expires_after(100ms);
    auto first = co_await (requests.async_receive(use_awaitable) || idle.async_wait(use_awaitable));
    if (first.index() == 1) {
      std::cout << "nobody asks any more; " << answered << " answers\n";
      co_return;
    }
    const mqxx::Message& request = std::get<0>(first);
    co_await replies.async_send("hello " + std::string(request.text()), use_awaitable);
  }
}

awaitable<void> ask(asio::io_context& io) {
  mqxx::AsyncQueue requests(io, mqxx::Queue::open(kRequests));
  mqxx::AsyncQueue replies(io, mqxx::Queue::open(kReplies));
  for (const char* name : {"Ann", "Bob", "Eve"}) {
    co_await requests.async_send(name, use_awaitable);
    const mqxx::Message reply = co_await replies.async_receive(use_awaitable);
    std::cout << reply.text() << '\n';
  }
}

void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace

int main() {
  auto requests = mqxx::Queue::open_or_create(kRequests, kSmall);
  auto replies = mqxx::Queue::open_or_create(kReplies, kSmall);
  asio::io_context io;
  asio::co_spawn(io, serve(io), rethrow);
  asio::co_spawn(io, ask(io), rethrow);
  io.run();
  requests.unlink();
  replies.unlink();
}
