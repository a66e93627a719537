// mq send: arguments, or standard input in one of the formats, as messages.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/format/format.hpp"
#include "cli/format/reader.hpp"
#include "cli/input.hpp"
#include "cli/move/sender.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/queue_choice.hpp"
#include "cli/values.hpp"
#include "cli/waiting.hpp"

namespace mqxx::cli {
namespace {

struct Sending {
  std::vector<std::string> words;  ///< the messages, after the queue's name was taken out
  Priority priority = 0;
  Waiting waiting;
  Format format = Format::raw;
};

void send_input(const Sending& wanted, Queue& queue, Sender& sender) {
  Input input(STDIN_FILENO, "standard input");
  RecordReader reader(wanted.format, input,
                      {.message_size = queue.attributes().message_size, .priority = wanted.priority});
  Progress progress("send " + queue.name(), !input.is_terminal());
  progress.expect(input.expected());
  try {
    for (auto messages = reader.next(); !messages.empty(); messages = reader.next()) {
      sender.send(messages);
      progress.show(sender.sent(), input.taken());
    }
  } catch (const BadRecord& bad) {
    sender.fail(bad.what(), bad.too_long ? "EMSGSIZE" : "EINVAL");
  }
}

Status send(const std::string& name, const Sending& wanted) {
  Queue queue = Queue::open(name, {.access = Access::write_only});
  Sender sender("send", queue, wanted.waiting);
  if (wanted.words.empty()) {
    send_input(wanted, queue, sender);
    return Status::done;
  }
  std::vector<Outgoing> messages;
  for (const std::string& word : wanted.words) messages.push_back({word, wanted.priority});
  sender.send(messages);
  return Status::done;
}

void add_priority(CLI::App& app, Sending& wanted) {
  app.add_option_function<std::string>(
         "-p,--priority",
         [&wanted](const std::string& text) {
           const auto priority = parse_number(text);
           if (!priority || *priority > kMaxPriority) {
             throw CLI::ValidationError("--priority",
                                        fmt::format("'{}' is not a whole number from 0 to {}", text, kMaxPriority));
           }
           wanted.priority = static_cast<Priority>(*priority);
         },
         fmt::format("0 (lowest, default) to {}", kMaxPriority))
      ->type_name("NUMBER");
}

/// Everything that is no option. A word with a dash in front is a message only after "--"; numbers may go without.
std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words = app.remaining();
  const auto marker = std::find(words.begin(), words.end(), "--");
  const auto unknown = std::find_if(words.begin(), marker, [](const std::string& word) {
    return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9');
  });
  if (unknown != marker) {
    throw Complaint(Status::usage,
                    fmt::format("send: no such option: '{}'; messages that begin with a dash go after '--'; "
                                "see 'mq send --help'",
                                *unknown));
  }
  if (marker != words.end()) words.erase(marker);
  return words;
}

}  // namespace

Run declare_send(CLI::App& app) {
  auto wanted = std::make_shared<Sending>();
  auto option_name = std::make_shared<std::string>();
  const CLI::Option* queue =
      app.add_option("-q,--queue", *option_name, "Name of the queue; all arguments are messages then");
  add_priority(app, *wanted);
  add_waiting(app, wanted->waiting);
  const FormatOptions format = add_format(app, wanted->format);
  // Messages come as extras: what CLI11 stores in a list is changed on the way ("[a,b]" becomes two words).
  app.allow_extras();
  app.footer(
      "The first argument is the queue if it begins with a slash or kernel:/, or is sysv: and a key;\n"
      "otherwise --queue or else MQUEUE names it. Every further argument is one message. Without any,\n"
      "standard input is read: as a whole (raw, the default), a message a line (lines) or up to a NUL (nul),\n"
      "JSON objects a line (json: {\"priority\":3,\"text\":\"...\"} or \"base64\"), or behind their length and\n"
      "priority (length). Messages that begin with a dash follow after '--'.\n\n"
      "Examples:\n"
      "  mq send /orders 'first message' 'second message'\n"
      "  mq send /orders --priority 10 --timeout 250ms urgent\n"
      "  mq send /frames <picture.png\n"
      "  mq send /log --lines <access.log\n"
      "  mq receive /log --all --format json | mq send /archive --format json\n"
      "  find . -print0 | mq send /files --format nul\n"
      "  mq send /numbers -- -1 -2\n"
      "  MQUEUE=/orders mq send hello\n");
  return [wanted, option_name, queue, format, &app] {
    wanted->words = words_of(app);
    const std::string name = take_queue(queue, wanted->words);
    if (format.format->count() + format.lines->count() > 0 && !wanted->words.empty()) {
      throw Complaint(Status::usage,
                      "send: --format and --lines are for standard input, so there can be no messages as arguments");
    }
    return send(name, *wanted);
  };
}

}  // namespace mqxx::cli
