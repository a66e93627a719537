#include "cli/move/account.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/output.hpp"

namespace mqxx::cli {

void Account::tell(std::uint64_t messages, const std::string& done) const {
  if (json) {
    write_out(fmt::format("{{\"messages\":{}}}\n", messages));
  } else if (!is_quiet()) {
    write_out(fmt::format("{} {}\n", messages_text(messages), done));
  }
}

void add_account(CLI::App& app, Account& account) {
  app.add_flag("-j,--json", account.json, "The number as JSON, for programs");
}

std::string messages_text(std::uint64_t messages) {
  return fmt::format("{} {}", messages, messages == 1 ? "message" : "messages");
}

}  // namespace mqxx::cli
