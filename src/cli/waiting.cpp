#include "cli/waiting.hpp"

#include <CLI/CLI.hpp>

#include "cli/values.hpp"

namespace mqxx::cli {

Wait Waiting::wait() const {
  if (nonblock) return Wait::none();
  return timeout ? Wait::for_duration(*timeout) : Wait::forever();
}

CLI::Option* add_timeout(CLI::App& app, Waiting& waiting, const std::string& description) {
  auto* timeout = app.add_option_function<std::string>(
      "-t,--timeout",
      [&waiting](const std::string& text) {
        waiting.timeout = parse_duration(text);
        if (!waiting.timeout)
          throw CLI::ValidationError("--timeout", "'" + text + "' is no time; write 250ms, 2s or 0.5");
        const bool has_unit = text.find_first_not_of("0123456789.") != std::string::npos;
        waiting.timeout_text = has_unit ? text : text + "s";
      },
      description);
  timeout->type_name("TIME");
  return timeout;
}

void add_waiting(CLI::App& app, Waiting& waiting) {
  auto* timeout = add_timeout(app, waiting, "Longest wait for each message: 250ms, 2s, 1.5m; without a unit seconds");
  app.add_flag("-n,--nonblock", waiting.nonblock, "Do not wait at all")->excludes(timeout);
}

}  // namespace mqxx::cli
