#include "cli/queue_choice.hpp"

#include <cstdlib>

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
  if (option->count() == 0) throw Complaint(Status::usage, "no queue: name one, or set MQUEUE");
}

std::string take_queue(const CLI::Option* option, std::vector<std::string>& words) {
  if (option->count() > 0) return option->as<std::string>();
  if (!words.empty() && is_address(words.front())) {
    std::string name = std::move(words.front());
    words.erase(words.begin());
    return name;
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): mq has one thread, and nothing in it changes the environment.
  if (const char* variable = secure_getenv(kVariable); variable != nullptr && *variable != '\0') return variable;
  if (words.empty()) throw Complaint(Status::usage, "no queue: name one, or set MQUEUE");
  throw Complaint(Status::usage, fmt::format("no queue: '{0}' has no slash in front and so is a message; "
                                             "write '/{0}' or '-q {0}' if it is the queue, or set MQUEUE",
                                             printable(words.front())));
}

}  // namespace mqxx::cli
