// mq receive, mq peek: messages to standard output, taken or only looked at.
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/queue_choice.hpp"
#include "cli/values.hpp"
#include "cli/waiting.hpp"

namespace mqxx::cli {
namespace {

/// What receive and peek have in common.
struct Reading {
  std::string name;
  std::uint64_t count = 1;
  bool all = false;
  bool lines = false;
  bool print_priority = false;
  Waiting waiting;  ///< receive only
};

/// The message and its newline leave in one write, so that several mq may share an output.
void write_message(const Reading& wanted, std::span<const std::byte> bytes, Priority priority) {
  if (wanted.lines) {
    std::string line(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    write_out(line += '\n');
  } else {
    write_out(bytes);
  }
  if (wanted.print_priority) fmt::print(stderr, "priority={}\n", priority);
}

[[noreturn]] void no_message(const Reading& wanted, const Queue& queue) {
  if (wanted.waiting.nonblock) {
    throw Complaint(Status::empty, fmt::format("receive '{}': the queue is empty (EAGAIN)", queue.name()));
  }
  throw Complaint(Status::timed_out, fmt::format("receive '{}': the queue stayed empty for {} (ETIMEDOUT)",
                                                 queue.name(), wanted.waiting.timeout_text));
}

/// A message leaves the queue only when all of it was written: if that fails it goes back to its place, and if mq is
/// killed the library puts it there.
Status receive(const Reading& wanted) {
  Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  const std::uint64_t most = wanted.all ? std::numeric_limits<std::uint64_t>::max() : wanted.count;
  const bool drain = wanted.all && !wanted.waiting.timeout;
  for (std::uint64_t received = 0; received < most; ++received) {
    ReceiveLoan message = queue.receive_loan(drain ? Wait::none() : wanted.waiting.wait());
    if (!message && wanted.all) break;
    if (!message) no_message(wanted, queue);
    try {
      write_message(wanted, message.bytes(), message.priority());
    } catch (...) {
      message.put_back();
      throw;
    }
    message.release();
  }
  return Status::done;
}

Status peek(const Reading& wanted) {
  const Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  const std::size_t most = wanted.all ? std::numeric_limits<std::size_t>::max() : wanted.count;
  const auto messages = queue.peek(most);
  for (const Message& message : messages) write_message(wanted, message.bytes(), message.priority());
  if (messages.empty() && !wanted.all) {
    throw Complaint(Status::empty, fmt::format("peek '{}': the queue is empty (EAGAIN)", queue.name()));
  }
  return Status::done;
}

const CLI::Option* add_reading(CLI::App& app, Reading& wanted) {
  const CLI::Option* queue = add_queue(app, wanted.name);
  auto* count = app.add_option_function<std::string>(
      "--count",
      [&wanted](const std::string& text) {
        const auto number = parse_number(text);
        if (!number || *number == 0)
          throw CLI::ValidationError("--count", "'" + text + "' is not a whole number from 1 up");
        wanted.count = *number;
      },
      "How many messages (default 1)");
  count->type_name("COUNT");
  app.add_flag("-a,--all", wanted.all, "All messages that are there")->excludes(count);
  app.add_flag("-l,--lines", wanted.lines, "A newline after each message");
  app.add_flag("-p,--priority", wanted.print_priority, "After each message, priority=NUMBER on standard error");
  return queue;
}

}  // namespace

Run declare_receive(CLI::App& app) {
  auto wanted = std::make_shared<Reading>();
  const CLI::Option* queue = add_reading(app, *wanted);
  add_waiting(app, wanted->waiting);
  app.footer(
      "Messages are written as they are, highest priority first. With --all the end of the messages\n"
      "is success; with --all --timeout TIME it has come when the queue stayed empty for so long.\n"
      "A message is gone from the queue only when all of it was written.\n\n"
      "Examples:\n"
      "  mq receive /orders\n"
      "  mq receive /orders --count 10 --lines --timeout 2s\n"
      "  mq receive /frames --nonblock >picture.png\n"
      "  mq receive /log --all --lines >>access.log\n"
      "  MQUEUE=/orders mq receive -p\n");
  return [wanted, queue] {
    require_queue(queue);
    return receive(*wanted);
  };
}

Run declare_peek(CLI::App& app) {
  auto wanted = std::make_shared<Reading>();
  const CLI::Option* queue = add_reading(app, *wanted);
  app.footer(
      "Messages are written in the order in which they would be received. None is taken.\n\n"
      "Examples:\n"
      "  mq peek /orders\n"
      "  mq peek /orders --count 3 --lines --priority\n"
      "  mq peek /log --all --lines | grep error\n");
  return [wanted, queue] {
    require_queue(queue);
    return peek(*wanted);
  };
}

}  // namespace mqxx::cli
