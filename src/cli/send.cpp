// mq send: arguments, standard input, or its lines as messages.
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/output.hpp"
#include "cli/queue_choice.hpp"
#include "cli/values.hpp"
#include "cli/waiting.hpp"

namespace mqxx::cli {
namespace {

struct Sending {
  std::vector<std::string> words;  ///< the messages, after the queue's name was taken out
  Priority priority = 0;
  Waiting waiting;
  bool lines = false;
};

class Sender {
 public:
  Sender(Queue& queue, const Sending& wanted) : queue_(queue), wanted_(wanted) {}

  /// All or none as far as sizes and the priority go: those are checked before the first one is sent.
  void send(std::span<const Outgoing> messages) {
    while (!messages.empty()) {
      advance(messages, queue_.try_send_batch(messages));
      if (messages.empty()) return;
      // Full. The rest goes one by one, so that each message has the whole timeout.
      if (advance(messages, queue_.send_batch(messages.first(1), wanted_.waiting.wait())) == 0) no_room();
    }
  }

  void send(const std::string& text) {
    const Outgoing message{text, wanted_.priority};
    send(std::span(&message, 1));
  }

  [[noreturn]] void too_long(const std::string& what, std::size_t longest) const {
    throw Complaint(Status::failed,
                    fmt::format("send '{}': {} is longer than the {} bytes that the queue takes{} (EMSGSIZE)",
                                queue_.name(), what, longest, sent_before()));
  }

  [[nodiscard]] std::size_t sent() const { return sent_; }

 private:
  std::size_t advance(std::span<const Outgoing>& messages, std::size_t count) {
    messages = messages.subspan(count);
    sent_ += count;
    return count;
  }

  [[noreturn]] void no_room() const {
    if (wanted_.waiting.nonblock) {
      throw Complaint(Status::full,
                      fmt::format("send '{}': the queue is full{} (EAGAIN)", queue_.name(), sent_before()));
    }
    throw Complaint(Status::timed_out, fmt::format("send '{}': the queue stayed full for {}{} (ETIMEDOUT)",
                                                   queue_.name(), wanted_.waiting.timeout_text, sent_before()));
  }

  [[nodiscard]] std::string sent_before() const {
    if (sent_ == 0) return "";
    return fmt::format("; {} {} sent before", sent_, sent_ == 1 ? "message was" : "messages were");
  }

  Queue& queue_;
  const Sending& wanted_;
  std::size_t sent_ = 0;
};

void send_lines(Sender& sender, std::size_t longest) {
  LineReader reader(longest);
  while (const auto line = reader.next()) {
    if (line->size() > longest) sender.too_long(fmt::format("line {}", sender.sent() + 1), longest);
    sender.send(*line);
  }
}

Status send(const std::string& name, const Sending& wanted) {
  Queue queue = Queue::open(name, {.access = Access::write_only});
  const std::size_t longest = queue.attributes().message_size;
  Sender sender(queue, wanted);
  if (wanted.lines) {
    send_lines(sender, longest);
  } else if (wanted.words.empty()) {
    const std::string message = read_all(longest);
    if (message.size() > longest) sender.too_long("standard input", longest);
    sender.send(message);
  } else {
    std::vector<Outgoing> messages;
    for (const std::string& word : wanted.words) messages.push_back({word, wanted.priority});
    sender.send(messages);
  }
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
  app.add_flag("-l,--lines", wanted->lines, "Each line of standard input is a message, without its newline");
  // Messages come as extras: what CLI11 stores in a list is changed on the way ("[a,b]" becomes two words).
  app.allow_extras();
  app.footer(
      "The first argument is the queue if it begins with a slash or kernel:/, or is sysv: and a key;\n"
      "otherwise --queue or else MQUEUE names it. Every further argument is one message. Without any,\n"
      "all of standard input is one message. Messages that begin with a dash follow after '--'.\n\n"
      "Examples:\n"
      "  mq send /orders 'first message' 'second message'\n"
      "  mq send /orders --priority 10 --timeout 250ms urgent\n"
      "  mq send /frames <picture.png\n"
      "  mq send /log --lines <access.log\n"
      "  mq send /numbers -- -1 -2\n"
      "  MQUEUE=/orders mq send hello\n");
  return [wanted, option_name, queue, &app] {
    wanted->words = words_of(app);
    const std::string name = take_queue(queue, wanted->words);
    if (wanted->lines && !wanted->words.empty()) {
      throw Complaint(Status::usage, "send: --lines reads standard input, so there can be no messages as arguments");
    }
    return send(name, *wanted);
  };
}

}  // namespace mqxx::cli
