// Records: queues as rows for other programs, in the forms that lsipc(1) has. docs/man/mq-list.1.scd
#pragma once

#include <string>
#include <vector>

#include "cli/look/columns.hpp"

namespace mqxx::cli {

enum class Form {
  table,     ///< for people
  raw,       ///< a blank between two columns; what is a blank inside one is \x20
  exported,  ///< NAME="/orders" DEPTH="3": a shell may evaluate each line
  newline,   ///< the same, each column on a line of its own
};

/// What a home does not know, and all but the name of a queue that cannot be read, is "-" in raw form and empty in the
/// others; the column ERROR has the reason. REQUIRES: not Form::table.
[[nodiscard]] std::string records_of(const Table& table, const std::vector<QueueInfo>& queues, Form form);

}  // namespace mqxx::cli
