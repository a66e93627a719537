#include "cli/queue_choice.hpp"

#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/output.hpp"
#include "cli/status.hpp"

namespace mqxx::cli {
namespace {

constexpr const char* kVariable = "MQUEUE";

/// Unlike a text that happens to begin with "kernel:" or "sysv:".
bool is_address(std::string_view word) {
  constexpr std::string_view kSysv = "sysv:";
  if (!word.starts_with(kSysv)) return word.starts_with('/') || word.starts_with("kernel:/");
  const std::string_view key = word.substr(kSysv.size());
  const bool begins_as_one = key.find_first_of("/0123456789") == 0 || key.starts_with("id=");
  return begins_as_one && key.find_first_of(" \t\n") == key.npos;
}

/// "" where the environment names none.
std::string default_queue() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in mq changes the environment.
  const char* const variable = secure_getenv(kVariable);
  return variable == nullptr ? "" : variable;
}

[[noreturn]] void no_queue() { throw Complaint(Status::usage, "no queue: name one, or set MQUEUE"); }

}  // namespace

CLI::Option* add_queue(CLI::App& app, std::string& name) {
  return app.add_option("QUEUE,-q,--queue", name, "The queue, also as an argument (default MQUEUE)")
      ->envname(kVariable);
}

CLI::Option* add_queues(CLI::App& app, std::vector<std::string>& names) {
  return app.add_option("QUEUE,-q,--queue", names, "The queues, also as arguments (default MQUEUE)")
      ->envname(kVariable);
}

void require_queue(const CLI::Option* option) {
  if (option->count() == 0) no_queue();
}

std::vector<std::string> take_queues(const CLI::Option* option, std::vector<std::string>& words) {
  if (option->count() > 0) return option->results();
  if (!words.empty() && is_address(words.front())) {
    std::string name = std::move(words.front());
    words.erase(words.begin());
    return {std::move(name)};
  }
  if (std::string variable = default_queue(); !variable.empty()) return {std::move(variable)};
  if (words.empty()) no_queue();
  throw Complaint(Status::usage, fmt::format("no queue: '{0}' has no slash in front and so is a message; "
                                             "write '/{0}' or '-q {0}' if it is the queue, or set MQUEUE",
                                             printable(words.front())));
}

std::string queue_or_default(const CLI::Option* option, const std::string& argument) {
  if (option->count() > 0) return option->as<std::string>();
  if (!argument.empty()) return argument;
  std::string variable = default_queue();
  if (variable.empty()) no_queue();
  return variable;
}

bool lends_slots(std::string_view name) { return name.starts_with('/'); }

}  // namespace mqxx::cli
