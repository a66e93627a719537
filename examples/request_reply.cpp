// Request and reply: a server with one queue for requests; each client has a queue of its own for the replies, and
// names it in its request. Typed queues: a request and a reply are values.
#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

#include <mqxx/typed_queue.hpp>

namespace {

struct Request {
  std::array<char, 32> reply_to;  // "" ends the server
  double number;
};
struct Reply {
  double square;
};

constexpr const char* kRequests = "/requests-example";

void serve() {
  auto requests = mqxx::TypedQueue<Request>::open(kRequests);
  for (;;) {
    const Request request = requests.receive().value;
    if (request.reply_to.front() == '\0') return;
    std::error_code gone;  // a client that did not wait is its own affair
    auto replies = mqxx::Queue::open(request.reply_to.data(), {}, gone);
    const Reply reply{request.number * request.number};
    if (!gone) replies.try_send(mqxx::Payload(&reply, sizeof reply));
  }
}

void ask(double number) {
  Request request{.reply_to = {}, .number = number};
  const std::string name = "/replies-example-" + std::to_string(::getpid());
  std::copy(name.begin(), name.end(), request.reply_to.begin());
  auto replies = mqxx::TypedQueue<Reply>::create(name, {.capacity = 1});
  mqxx::TypedQueue<Request>::open(kRequests).send(request);
  if (const auto reply = replies.receive_for(std::chrono::seconds(10))) {
    std::cout << "the square of " << number << " is " << reply->value.square << '\n' << std::flush;
  }
  replies.untyped().unlink();
}

/// Runs it in a process of its own.
template <class Work>
pid_t start(Work work) {
  const pid_t process = ::fork();
  if (process != 0) return process;
  work();
  ::_exit(0);
}

}  // namespace

int main() {
  auto requests = mqxx::TypedQueue<Request>::open_or_create(kRequests, {.capacity = 8});
  const pid_t server = start(serve);
  for (const double number : {3.0, 12.0}) {
    const pid_t client = start([number] { ask(number); });
    ::waitpid(client, nullptr, 0);
  }
  requests.send({.reply_to = {}, .number = 0});
  ::waitpid(server, nullptr, 0);
  requests.untyped().unlink();
}
