// mq wait: until there is a message, which stays.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <poll.h>

#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/queue_choice.hpp"
#include "cli/waiting.hpp"

namespace mqxx::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Awaiting {
  std::string name;
  Waiting waiting;
};

/// What poll(2) is to wait, rounded up; -1 for ever. A time that is longer than it can count is waited for in turns.
int milliseconds_left(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

std::optional<Clock::time_point> deadline_of(const Waiting& waiting) {
  if (waiting.nonblock) return Clock::now();
  if (!waiting.timeout) return std::nullopt;
  const Clock::time_point now = Clock::now();
  const auto longest = Clock::time_point::max() - now;
  return now + std::min<Clock::duration>(*waiting.timeout, longest);
}

[[noreturn]] void no_message(const Awaiting& wanted, const Queue& queue) {
  if (wanted.waiting.nonblock) {
    throw Complaint(Status::empty, fmt::format("wait '{}': the queue is empty (EAGAIN)", queue.name()));
  }
  throw Complaint(Status::timed_out, fmt::format("wait '{}': the queue stayed empty for {} (ETIMEDOUT)", queue.name(),
                                                 wanted.waiting.timeout_text));
}

Status wait(const Awaiting& wanted) {
  const Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  const std::optional<Clock::time_point> deadline = deadline_of(wanted.waiting);
  pollfd readable{.fd = queue.native_handle(), .events = POLLIN, .revents = 0};
  for (;;) {
    const int ready = ::poll(&readable, 1, milliseconds_left(deadline));
    if (ready < 0 && errno != EINTR) {
      throw Complaint(Status::failed,
                      fmt::format("wait '{}': {}", queue.name(), std::generic_category().message(errno)));
    }
    if (ready <= 0) {
      if (deadline && Clock::now() >= *deadline) no_message(wanted, queue);
      continue;
    }
    // Whoever polls is woken by damage and removal too: the queue says which it was.
    if (queue.attributes().depth != 0) return Status::done;
    // Another receiver was quicker.
    if (deadline && Clock::now() >= *deadline) no_message(wanted, queue);
  }
}

}  // namespace

Run declare_wait(CLI::App& app) {
  auto wanted = std::make_shared<Awaiting>();
  const CLI::Option* queue = add_queue(app, wanted->name);
  add_waiting(app, wanted->waiting);
  app.footer(
      "The message stays, and another process may receive it first. Any number may wait.\n\n"
      "Examples:\n"
      "  mq wait /orders && mq receive /orders --nonblock\n"
      "  mq wait /orders --timeout 2s || echo 'nothing came'\n");
  return [wanted, queue] {
    require_queue(queue);
    return wait(*wanted);
  };
}

}  // namespace mqxx::cli
