#include "cli/look/records.hpp"

namespace mqxx::cli {
namespace {

constexpr std::string_view kUnknown = "-";

/// One word, whatever is in it.
std::string raw(const std::string& value) {
  if (value.empty()) return std::string(kUnknown);
  std::string word;
  for (const char c : value) {
    if (c == ' ') {
      word += "\\x20";
    } else if (c == '\\') {
      word += "\\x5c";
    } else {
      word += c;
    }
  }
  return word;
}

/// Between double quotes, so that a shell reads back what it was. Control characters are \xNN already.
std::string quoted(const std::string& value) {
  if (value == kUnknown) return "\"\"";
  std::string text = "\"";
  for (const char c : value) {
    if (std::string_view("\"\\$`").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text + '"';
}

}  // namespace

std::string records_of(const Table& table, const std::vector<QueueInfo>& queues, Form form) {
  std::string text;
  const auto end_column = [&](std::size_t i, char between) { text += i + 1 == table.columns.size() ? '\n' : between; };
  if (form == Form::raw && table.headings) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      text += table.columns[i]->name;
      end_column(i, ' ');
    }
  }
  for (const QueueInfo& info : queues) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const Column& column = *table.columns[i];
      const std::string value = cell(column, info, table.showing);
      if (form == Form::raw) {
        text += raw(value);
        end_column(i, ' ');
      } else {
        text.append(column.name).append("=").append(quoted(value));
        end_column(i, form == Form::newline ? '\n' : ' ');
      }
    }
  }
  return text;
}

}  // namespace mqxx::cli
