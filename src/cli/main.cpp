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
#include "cli/suggest.hpp"

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
    Command{"wait", nullptr, "[QUEUE] [OPTION...]", "Wait for a message and leave it", declare_wait},
    Command{"list", "ls", "[HOME] [OPTION...]", "List all queues", declare_list},
    Command{"info", "cat", "[QUEUE] [OPTION...]", "Show attributes and statistics of a queue", declare_info},
    Command{"attr", nullptr, "[QUEUE] [OPTION...]", "Show attributes for a shell to evaluate", declare_attr},
    Command{"stats", nullptr, "[QUEUE...] [OPTION...]", "Show the numbers of queues", declare_stats},
    Command{"watch", nullptr, "[QUEUE...] [OPTION...]", "Write a line for each change of queues", declare_watch},
    Command{"top", nullptr, "[HOME] [OPTION...]", "Watch all queues on a live screen", declare_top},
    Command{"limits", nullptr, "[ERROR] [OPTION...]", "Show what limits there are, and which an error meant",
            declare_limits},
    Command{"check", nullptr, "[QUEUE...] [OPTION...]", "Test the invariants of queues, and repair them",
            declare_check},
    Command{"layout", nullptr, "[QUEUE] [OPTION...]", "Draw where the parts of a queue lie", declare_layout},
    Command{"remove", "rm unlink", "[QUEUE...] [OPTION...]", "Remove queues", declare_remove},
    Command{"chmod", nullptr, "MODE [QUEUE...] [OPTION...]", "Change the permission bits of queues", declare_chmod},
    Command{"chown", nullptr, "[USER][:GROUP] [QUEUE...] [OPTION...]", "Change the owner and the group of queues",
            declare_chown},
    Command{"complete", nullptr, "[--] [WORD...]", "What a command line may go on with, for shells", declare_complete},
};

/// The aliases one by one.
std::vector<std::string> aliases_of(const Command& command) {
  return command.alias == nullptr ? std::vector<std::string>() : CLI::detail::split(command.alias, ' ');
}

std::string help() {
  std::string text = "mq: message queues in shared memory\n\nUsage: mq COMMAND [QUEUE] [OPTION...]\n\nCommands:\n";
  for (const Command& command : kCommands) {
    std::string names = command.name;
    for (const std::string& alias : aliases_of(command)) names += ", " + alias;
    text += fmt::format("  {:<20}{}\n", names, command.summary);
  }
  text +=
      "\n'mq help COMMAND' shows the options of a command and examples. 'mq --version' shows the version.\n"
      "With --quiet nothing goes to standard error, for every command.\n\n"
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

/// What is left over: most often an option that the command does not know.
[[noreturn]] void no_such_word(const Command& command, const CLI::App& app) {
  const std::vector<std::string> left = app.remaining();
  const std::string word = left.empty() ? "" : left.front();
  const bool option = word.starts_with('-');
  throw Complaint(Status::usage, fmt::format("{0}: {1}: '{2}'{3}; see 'mq {0} --help'", command.name,
                                             option ? "no such option" : "one word too many", word,
                                             option ? suggestion(word, options_of(app)) : ""));
}

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
  } catch (const CLI::ExtrasError&) {
    no_such_word(command, app);
  } catch (const CLI::ParseError& error) {
    throw Complaint(Status::usage, fmt::format("{0}: {1}; see 'mq {0} --help'", command.name, error.what()));
  }
  return run();
}

[[noreturn]] void no_such_command(const std::string& word) {
  std::vector<std::string> names;
  for (const Command& command : kCommands) {
    names.emplace_back(command.name);
    for (std::string& alias : aliases_of(command)) names.push_back(std::move(alias));
  }
  throw Complaint(Status::usage,
                  fmt::format("no such command: '{}'{}; see 'mq --help'", word, suggestion(word, names)));
}

const Command& known_command(const std::string& word) {
  const Command* const command = find_command(word);
  if (command == nullptr) no_such_command(word);
  return *command;
}

Status run(std::vector<std::string> arguments) {
  if (!arguments.empty() && arguments.front() == "--quiet") {
    be_quiet();
    arguments.erase(arguments.begin());
  }
  const std::string word = arguments.empty() ? "" : arguments.front();
  if (word == "--version") {
    write_out("mq " MQXX_VERSION "\n");
    return Status::done;
  }
  if (word == "help" && arguments.size() > 1) return run_command(known_command(arguments[1]), {"--help"});
  if (word == "--help" || word == "-h" || word == "help") {
    write_out(help());
    return Status::done;
  }
  if (word.empty()) throw Complaint(Status::usage, "no command; see 'mq --help'");
  return run_command(known_command(word), {arguments.begin() + 1, arguments.end()});
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
    complain(error);
    return status_of(error.code());
  } catch (const std::exception& error) {
    complain(error.what());
    return Status::failed;
  }
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view word) {
  const auto* const found = std::find_if(kCommands.begin(), kCommands.end(), [word](const Command& command) {
    const std::vector<std::string> aliases = aliases_of(command);
    return word == command.name || std::find(aliases.begin(), aliases.end(), word) != aliases.end();
  });
  return found == kCommands.end() ? nullptr : found;
}

}  // namespace mqxx::cli

int main(int argc, char** argv) {
  // A broken pipe comes back from write(2), so that a message that nobody got can go back to its queue. All other
  // signals keep their default: a queue survives the end of its users at any instruction.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  return static_cast<int>(mqxx::cli::guarded({argv + 1, argv + argc}));
}
