// Columns: what mq list and mq top may show of a queue, each under one name for every home.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mqxx/inspect.hpp>

namespace mqxx::cli {

/// How a moment is written: how long ago, or in local time.
enum class TimeFormat { ago, brief, full, iso };

struct Showing {
  Statistics::Time now;
  bool numeric = false;        ///< users and groups as numbers
  bool numeric_perms = false;  ///< the column PERMS in octal
  TimeFormat time = TimeFormat::ago;
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

/// What stands in a column; behind the name of a queue that cannot be read there is nothing but why.
[[nodiscard]] std::string cell(const Column& column, const QueueInfo& info, const Showing& showing);

/// "name,depth,users" as columns. @throws CLI::ValidationError naming `option`
[[nodiscard]] std::vector<const Column*> parse_columns(const char* option, const std::string& text);

/// The moment in local time; "-" for never. REQUIRES: not TimeFormat::ago.
[[nodiscard]] std::string time_text(Statistics::Time when, Statistics::Time now, TimeFormat format);

struct Table {
  std::vector<const Column*> columns;
  Showing showing;
  bool headings = true;
};

/// One line a queue; a queue that could not be read has its error behind its name. The last column is not padded.
[[nodiscard]] std::string text_of(const Table& table, const std::vector<QueueInfo>& queues);

}  // namespace mqxx::cli
