// Account: what a command that moves messages says at its end: a sentence with a number, or JSON, or nothing.
#pragma once

#include <cstdint>
#include <string>

#include "cli/cli11.hpp"

namespace mqxx::cli {

struct Account {
  bool json = false;
  /// "3 messages moved", but not with --quiet; or {"messages":3}. @param done  "moved", "saved"
  void tell(std::uint64_t messages, const std::string& done) const;
};

/// Declares --json.
void add_account(CLI::App& app, Account& account);

/// "1 message", "2 messages"
[[nodiscard]] std::string messages_text(std::uint64_t messages);

}  // namespace mqxx::cli
