// mq: message queues from the command line. The table of commands, and how a failure becomes a line and a status.
#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <mqxx/error.hpp>

#include "cli/command.hpp"
#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

constexpr std::array kCommands{
    Command{"create", nullptr, "[QUEUE] [OPTION...]", "Create a queue", declare_create},
    Command{"send", nullptr, "[/QUEUE] [OPTION...] [--] [MESSAGE...]", "Send messages", declare_send},
    Command{"receive", "recv", "[QUEUE] [OPTION...]", "Receive messages", declare_receive},
    Command{"follow", nullptr, "[QUEUE] [OPTION...]", "Write messages as they come", declare_follow},
    Command{"exec", nullptr, "[QUEUE] [OPTION...] -- COMMAND [ARGUMENT...]", "Run a command for each message",
            declare_exec},
    Command{"peek", nullptr, "[QUEUE] [OPTION...]", "Show messages and leave them", declare_peek},
    Command{"copy", nullptr, "FROM TO [OPTION...]", "Send copies of messages to another queue", declare_copy},
    Command{"move", "mv", "FROM TO [OPTION...]", "Move messages to another queue", declare_move},
    Command{"drain", nullptr, "[QUEUE] [OPTION...]", "Throw messages away", declare_drain},
    Command{"save", nullptr, "[QUEUE [FILE]] [OPTION...]", "Write all messages to a file", declare_save},
    Command{"load", nullptr, "[QUEUE [FILE]] [OPTION...]", "Send the messages of such a file", declare_load},
    Command{"bench", nullptr, "[HOME] [OPTION...]", "Measure queues on this machine", declare_bench},
    Command{"info", nullptr, "[QUEUE] [OPTION...]", "Show attributes and statistics of a queue", declare_info},
    Command{"list", "ls", "[OPTION...]", "List all queues", declare_list},
    Command{"check", nullptr, "[QUEUE...] [OPTION...]", "Test the invariants of queues", declare_check},
    Command{"remove", "rm", "[QUEUE...] [OPTION...]", "Remove queues", declare_remove},
};

const Command* find_command(std::string_view word) {
  const auto* const found = std::find_if(kCommands.begin(), kCommands.end(), [word](const Command& command) {
    return word == command.name || (command.alias != nullptr && word == command.alias);
  });
  return found == kCommands.end() ? nullptr : found;
}

std::string help() {
  std::string text = "mq: message queues in shared memory\n\nUsage: mq COMMAND [QUEUE] [OPTION...]\n\nCommands:\n";
  for (const Command& command : kCommands) {
    const std::string alias = command.alias == nullptr ? "" : fmt::format(", {}", command.alias);
    text += fmt::format("  {:<16}{}\n", command.name + alias, command.summary);
  }
  text +=
      "\n'mq COMMAND --help' shows the options of a command and examples. 'mq --version' shows the version.\n\n"
      "Environment:\n"
      "  MQUEUE    the queue, where the command line names none\n"
      "  MQXX_DIR  the directory of the queues (default /dev/shm)\n\n";
  return text + status_help() +
         "\nExamples:\n"
         "  mq create /orders --capacity 100\n"
         "  mq send /orders hello\n"
         "  mq receive /orders\n"
         "  mq list\n";
}

/// Help as CLI11 makes it, but with our own usage line.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(const Command& command) : command_(command) { column_width(kColumn); }
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return fmt::format("Usage: mq {} {}\n", command_.name, command_.synopsis);
  }
  /// The usage line shows them, and --queue describes them.
  std::string make_positionals(const CLI::App* /*app*/) const override { return ""; }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string& type = option->get_type_name();
    if (type.empty()) return "";
    return " " + (type == "TEXT" ? "NAME" : type);
  }

 private:
  static constexpr std::size_t kColumn = 36;
  const Command& command_;
};

Status run_command(const Command& command, const std::vector<std::string>& arguments) {
  CLI::App app(std::string(command.summary) + ".", std::string("mq ") + command.name);
  app.formatter(std::make_shared<HelpFormatter>(command));
  app.set_help_flag("-h,--help", "Show this help");
  const Run run = command.declare(app);
  app.add_flag_callback("--quiet", be_quiet, "Nothing on standard error; the exit status says what happened");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 wants them backwards
  } catch (const CLI::CallForHelp&) {
    write_out(app.help());
    return Status::done;
  } catch (const CLI::ParseError& error) {
    throw Complaint(Status::usage, fmt::format("{0}: {1}; see 'mq {0} --help'", command.name, error.what()));
  }
  return run();
}

Status run(const std::vector<std::string>& arguments) {
  const std::string word = arguments.empty() ? "" : arguments.front();
  if (word == "--version") {
    write_out("mq " MQXX_VERSION "\n");
    return Status::done;
  }
  if (word == "--help" || word == "-h" || word == "help") {
    write_out(help());
    return Status::done;
  }
  if (word.empty()) throw Complaint(Status::usage, "no command; see 'mq --help'");
  const Command* const command = find_command(word);
  if (command == nullptr) throw Complaint(Status::usage, fmt::format("no such command: '{}'; see 'mq --help'", word));
  return run_command(*command, {arguments.begin() + 1, arguments.end()});
}

/// Ends as every program does whose reader went away.
void end_by_broken_pipe() {
  static_cast<void>(std::signal(SIGPIPE, SIG_DFL));
  static_cast<void>(std::raise(SIGPIPE));
}

Status guarded(const std::vector<std::string>& arguments) {
  try {
    return run(arguments);
  } catch (const BrokenPipe&) {
    end_by_broken_pipe();
    return Status::failed;
  } catch (const Complaint& complaint) {
    complain(complaint.what());
    return complaint.status();
  } catch (const Error& error) {
    complain(error.what());
    return status_of(error.code());
  } catch (const std::exception& error) {
    complain(error.what());
    return Status::failed;
  }
}

}  // namespace
}  // namespace mqxx::cli

int main(int argc, char** argv) {
  // A broken pipe comes back from write(2), so that a message that nobody got can go back to its queue. All other
  // signals keep their default: a queue survives the end of its users at any instruction.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  return static_cast<int>(mqxx::cli::guarded({argv + 1, argv + argc}));
}
