// Waiting: the options --timeout and --nonblock, which send and receive share.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <mqxx/wait.hpp>

#include "cli/cli11.hpp"

namespace mqxx::cli {

struct Waiting {
  std::optional<std::chrono::nanoseconds> timeout;
  std::string timeout_text;  ///< as it was written, with its unit, for messages
  bool nonblock = false;

  /// A fresh wait: the timeout runs anew for each message.
  [[nodiscard]] Wait wait() const;
};

void add_waiting(CLI::App& app, Waiting& waiting);
/// --timeout alone. @param description  what its end means
CLI::Option* add_timeout(CLI::App& app, Waiting& waiting, const std::string& description);

}  // namespace mqxx::cli
