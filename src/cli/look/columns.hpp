// Columns: what mq list and mq top may show of a queue, each under one name for every home.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mqxx/inspect.hpp>

namespace mqxx::cli {

struct Showing {
  Statistics::Time now;
  bool numeric = false;  ///< users and groups as numbers
};

struct Column {
  const char* name;     ///< its heading; in lower case as people choose it
  const char* meaning;  ///< a few words, for the help
  bool right;           ///< numbers end at one edge
  std::string (*text)(const QueueInfo& info, const Showing& showing);  ///< "-" where the home does not know
};

/// All of them, in the order in which the help shows them. The first is the name.
[[nodiscard]] std::span<const Column> columns();
[[nodiscard]] const Column* find_column(std::string_view name);

/// "name,depth,users" as columns. @throws CLI::ValidationError naming `option`
[[nodiscard]] std::vector<const Column*> parse_columns(const char* option, const std::string& text);

struct Table {
  std::vector<const Column*> columns;
  Showing showing;
  bool headings = true;
};

/// One line a queue; a queue that could not be read has its error behind its name. The last column is not padded.
[[nodiscard]] std::string text_of(const Table& table, const std::vector<QueueInfo>& queues);

}  // namespace mqxx::cli
