// Walk: the messages of a queue from the front on, as copies, in steps of bounded memory: none is taken, and it is the
// same whether the queue holds ten or ten million.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <mqxx/queue.hpp>

#include "cli/cli11.hpp"

namespace mqxx::cli {

/// Which messages, by priority: --only.
struct Only {
  Priority lowest = 0;
  Priority highest = kMaxPriority;
  std::string text;  ///< as it was written; "": all

  [[nodiscard]] bool all() const { return text.empty(); }
};

/// Declares --only.
void add_only(CLI::App& app, Only& only);

class Walk {
 public:
  /// @param most  messages. The queue must outlive the walk
  Walk(const Queue& queue, std::uint64_t most, const Only& only);

  /// The next messages; none at the end. Valid until the next call. @throws Error
  [[nodiscard]] std::span<const Message> next();

 private:
  const Queue& queue_;
  std::uint64_t left_;
  bool asked_ = false;
  Cursor cursor_;
  PeekOptions options_;
  std::vector<Message> messages_;
};

}  // namespace mqxx::cli
