// mq receive, mq follow, mq peek: messages to standard output, taken or only looked at.
#include <memory>
#include <string>

#include <fmt/format.h>

#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/format/format.hpp"
#include "cli/move/delivery.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/queue_choice.hpp"
#include "cli/waiting.hpp"
#include "cli/walk.hpp"

namespace mqxx::cli {
namespace {

/// What these commands have in common.
struct Reading {
  std::string name;
  std::uint64_t count = 1;
  bool all = false;
  Format format = Format::raw;
  bool print_priority = false;
  Waiting waiting;  ///< receive and follow only
  Only only;        ///< peek only
};

[[noreturn]] void no_message(const Reading& wanted, const Queue& queue) {
  if (wanted.waiting.nonblock) {
    throw Complaint(Status::empty, fmt::format("receive '{}': the queue is empty (EAGAIN)", queue.name()));
  }
  throw Complaint(Status::timed_out, fmt::format("receive '{}': the queue stayed empty for {} (ETIMEDOUT)",
                                                 queue.name(), wanted.waiting.timeout_text));
}

Status receive(const Reading& wanted) {
  Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  const std::uint64_t most = wanted.all ? kEverything : wanted.count;
  const bool drain = wanted.all && !wanted.waiting.timeout;
  Delivery delivery(queue, wanted.format, wanted.print_priority);
  Progress progress("receive " + queue.name(), !is_terminal_out());
  if (!wanted.all) progress.expect_messages(most);
  for (std::uint64_t received = 0; received < most;) {
    const std::size_t count = progress.wait(drain ? Wait::none() : wanted.waiting.wait(), "a message",
                                            [&](const Wait& wait) { return delivery.deliver(wait, most - received); });
    if (count == 0 && wanted.all) break;
    if (count == 0) no_message(wanted, queue);
    progress.show(received += count);
  }
  return Status::done;
}

Status follow(const Reading& wanted) {
  Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  Delivery delivery(queue, wanted.format, wanted.print_priority);
  while (delivery.deliver(wanted.waiting.wait(), kEverything) > 0) {
  }
  return Status::done;
}

/// Messages small enough are written together, unless something goes to standard error behind each.
Status peek(const Reading& wanted) {
  constexpr std::size_t kTogether = std::size_t{64} << 10U;  // bytes
  const Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  Walk walk(queue, wanted.all ? queue.attributes().depth : wanted.count, wanted.only);
  bool any = false;
  std::string text;
  for (auto messages = walk.next(); !messages.empty(); messages = walk.next()) {
    any = true;
    for (const Message& message : messages) {
      encode(wanted.format, message.bytes(), message.priority(), text);
      if (text.size() < kTogether && &message != &messages.back() && !wanted.print_priority) continue;
      write_out(text);
      text.clear();
      if (wanted.print_priority) write_error(fmt::format("priority={}\n", message.priority()));
    }
  }
  if (!any && !wanted.all) {
    const std::string why =
        wanted.only.all() ? "the queue is empty" : fmt::format("no message has the priority {}", wanted.only.text);
    throw Complaint(Status::empty, fmt::format("peek '{}': {} (EAGAIN)", queue.name(), why));
  }
  return Status::done;
}

void add_writing(CLI::App& app, Reading& wanted) {
  add_format(app, wanted.format);
  app.add_flag("-p,--priority", wanted.print_priority, "After each message, priority=NUMBER on standard error");
}

const CLI::Option* add_reading(CLI::App& app, Reading& wanted) {
  const CLI::Option* queue = add_queue(app, wanted.name);
  CLI::Option* count = add_count(app, "--count", "How many messages (default 1)", {.least = 1}, wanted.count);
  app.add_flag("-a,--all", wanted.all, "All messages that are there")->excludes(count);
  add_writing(app, wanted);
  return queue;
}

}  // namespace

Run declare_receive(CLI::App& app) {
  auto wanted = std::make_shared<Reading>();
  const CLI::Option* queue = add_reading(app, *wanted);
  add_waiting(app, wanted->waiting);
  app.footer(
      "Messages are written highest priority first: as they are (raw, the default), with a newline (lines)\n"
      "or a NUL (nul) behind each, as JSON objects a line (json), or behind their length and priority\n"
      "(length). With --all the end of the messages is success; with --all --timeout TIME it has come\n"
      "when the queue stayed empty for so long.\n"
      "A message is gone from the queue only when all of it was written.\n\n"
      "Examples:\n"
      "  mq receive /orders\n"
      "  mq receive /orders --count 10 --lines --timeout 2s\n"
      "  mq receive /frames --nonblock >picture.png\n"
      "  mq receive /log --all --lines >>access.log\n"
      "  mq receive /log --all --format json | jq -r .text\n"
      "  MQUEUE=/orders mq receive -p\n");
  return [wanted, queue] {
    require_queue(queue);
    return receive(*wanted);
  };
}

Run declare_follow(CLI::App& app) {
  auto wanted = std::make_shared<Reading>();
  wanted->format = Format::lines;
  const CLI::Option* queue = add_queue(app, wanted->name);
  add_writing(app, *wanted);
  add_timeout(app, wanted->waiting, "End when the queue stayed empty for so long: 250ms, 2s, 1.5m");
  app.footer(
      "Takes messages and writes them as they come, a line each, until it is interrupted or nobody reads\n"
      "them any more. A message is gone from the queue only when all of it was written.\n\n"
      "Examples:\n"
      "  mq follow /log\n"
      "  mq follow /log --format json | jq -r .text\n"
      "  mq follow /jobs --timeout 10s >>jobs.txt\n");
  return [wanted, queue] {
    require_queue(queue);
    return follow(*wanted);
  };
}

Run declare_peek(CLI::App& app) {
  auto wanted = std::make_shared<Reading>();
  const CLI::Option* queue = add_reading(app, *wanted);
  add_only(app, wanted->only);
  app.footer(
      "Messages are written in the order in which they would be received. None is taken. Only a part of\n"
      "them is in memory at a time, however many there are.\n\n"
      "Examples:\n"
      "  mq peek /orders\n"
      "  mq peek /orders --count 3 --lines --priority\n"
      "  mq peek /orders --all --only 5.. --lines\n"
      "  mq peek /log --all --lines | grep error\n");
  return [wanted, queue] {
    require_queue(queue);
    return peek(*wanted);
  };
}

}  // namespace mqxx::cli
