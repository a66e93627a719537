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
#include "cli/move/senders.hpp"
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

Status send_input(const std::vector<std::string>& names, const Sending& wanted) {
  Input input(STDIN_FILENO, "standard input");
  Progress progress(Senders::title("send", names), !input.is_terminal());
  progress.expect_bytes(input.expected());
  Senders senders("send", names, wanted.waiting, progress);
  RecordReader reader(wanted.format, input, {.message_size = senders.message_size(), .priority = wanted.priority});
  try {
    for (auto messages = reader.next(); !messages.empty() && !senders.over(); messages = reader.next()) {
      senders.send(messages);
      progress.show(senders.sent(), input.taken());
    }
  } catch (const BadRecord& bad) {
    senders.fail(bad.what(), bad.too_long ? "EMSGSIZE" : "EINVAL");
  }
  return senders.status();
}

Status send_words(const std::vector<std::string>& names, const Sending& wanted) {
  Progress none("send", false);
  Senders senders("send", names, wanted.waiting, none);
  std::vector<Outgoing> messages;
  for (const std::string& word : wanted.words) messages.push_back({word, wanted.priority});
  senders.send(messages);
  return senders.status();
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
  auto option_names = std::make_shared<std::vector<std::string>>();
  const CLI::Option* queue =
      app.add_option("-q,--queue", *option_names,
                     "Name of the queue; all arguments are messages then. Again for each further queue, which gets "
                     "the same messages")
          ->allow_extra_args(false)
          ->type_name("TEXT");
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
      "priority (length). Messages that begin with a dash follow after '--'.\n"
      "With several --queue every message goes to each of them. Queues and sizes are checked before the first is\n"
      "sent. A queue that fails then is told in a line, and the others get the rest.\n\n"
      "Examples:\n"
      "  mq send /orders 'first message' 'second message'\n"
      "  mq send /orders --priority 10 --timeout 250ms urgent\n"
      "  mq send /frames <picture.png\n"
      "  mq send /log --lines <access.log\n"
      "  mq receive /log --all --format json | mq send /archive --format json\n"
      "  find . -print0 | mq send /files --format nul\n"
      "  mq send /numbers -- -1 -2\n"
      "  mq send -q /orders -q /archive 'for both'\n"
      "  MQUEUE=/orders mq send hello\n");
  return [wanted, option_names, queue, format, &app] {
    wanted->words = words_of(app);
    const std::vector<std::string> names = take_queues(queue, wanted->words);
    if (format.format->count() + format.lines->count() > 0 && !wanted->words.empty()) {
      throw Complaint(Status::usage,
                      "send: --format and --lines are for standard input, so there can be no messages as arguments");
    }
    return wanted->words.empty() ? send_input(names, *wanted) : send_words(names, *wanted);
  };
}

}  // namespace mqxx::cli
