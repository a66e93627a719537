#include "cli/look/columns.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/look/describe.hpp"
#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

using Info = const QueueInfo&;
using How = const Showing&;

/// A number that the home may not count.
std::string counted(bool known, std::uint64_t number) { return known ? std::to_string(number) : "-"; }

std::string home_of(std::string_view name) {
  const std::size_t colon = name.find(':');
  return name.starts_with('/') || colon == name.npos ? "/" : std::string(name.substr(0, colon + 1));
}

std::string when_text(Statistics::Time when, How how) {
  return how.time == TimeFormat::ago ? age_text(when, how.now) : time_text(when, how.now, how.time);
}

std::string perms_text(std::uint32_t mode, How how) { return how.numeric_perms ? mode_text(mode) : letters_text(mode); }

constexpr std::array kColumns{
    Column{"NAME", "the queue", false, [](Info info, How) { return printable(info.name); }},
    Column{"DEPTH", "messages queued", true, [](Info info, How) { return std::to_string(info.attributes.depth); }},
    Column{"CAPACITY", "most messages", true, [](Info info, How) { return std::to_string(info.attributes.capacity); }},
    Column{"SIZE", "most bytes of one message", true,
           [](Info info, How) { return std::to_string(info.attributes.message_size); }},
    Column{"BYTES", "of all queued messages", true, [](Info info, How) { return std::to_string(info.queued_bytes); }},
    Column{"MODE", "permission bits", false, [](Info info, How) { return mode_text(info.mode); }},
    Column{"OWNER", "user", false,
           [](Info info, How how) { return how.numeric ? std::to_string(info.uid) : owner_text(info.uid); }},
    Column{"AGE", "since it was created", true,
           [](Info info, How how) { return when_text(info.statistics.created, how); }},
    Column{"SENDERS", "waiting for room", true,
           [](Info info, How) { return counted(info.counted, info.statistics.waiting_senders); }},
    Column{"RECEIVERS", "waiting for a message", true,
           [](Info info, How) { return counted(info.counted, info.statistics.waiting_receivers); }},
    Column{"REGISTERED", "who is to be told of the next message", false,
           [](Info info, How) { return registration_text(info.registration); }},
    Column{"USERS", "processes that have it open", false, [](Info info, How) { return users_text(info); }},
    Column{"HOME", "/ (shared memory), kernel: or sysv:", false, [](Info info, How) { return home_of(info.name); }},
    Column{"GROUP", "group", false,
           [](Info info, How how) { return how.numeric ? std::to_string(info.gid) : group_text(info.gid); }},
    Column{"MEMORY", "bytes that it occupies now", true,
           [](Info info, How) { return counted(info.counted, info.memory_bytes); }},
    Column{"SENT", "messages since it was created", true,
           [](Info info, How) { return counted(info.counted, info.statistics.messages_sent); }},
    Column{"RECEIVED", "messages since it was created", true,
           [](Info info, How) { return counted(info.counted, info.statistics.messages_received); }},
    Column{"HIGH", "greatest depth", true,
           [](Info info, How) { return counted(info.counted, info.statistics.high_water); }},
    Column{"LOANS", "slots written or read in place", true,
           [](Info info, How) { return counted(info.counted, info.statistics.loans); }},
    Column{"POLLERS", "polls under way", true, [](Info info, How) { return counted(info.counted, info.pollers); }},
    Column{"SENDER", "process that sent last", true,
           [](Info info, How) {
             return counted(info.statistics.last_sender_pid != 0,
                            static_cast<std::uint64_t>(info.statistics.last_sender_pid));
           }},
    Column{"RECEIVER", "process that received last", true,
           [](Info info, How) {
             return counted(info.statistics.last_receiver_pid != 0,
                            static_cast<std::uint64_t>(info.statistics.last_receiver_pid));
           }},
    Column{"LASTSEND", "how long ago", true,
           [](Info info, How how) { return when_text(info.statistics.last_send, how); }},
    Column{"LASTRECEIVE", "how long ago", true,
           [](Info info, How how) { return when_text(info.statistics.last_receive, how); }},
    Column{"PERMS", "permission bits as letters", false, [](Info info, How how) { return perms_text(info.mode, how); }},
    Column{"ERROR", "why it cannot be read", false,
           [](Info info, How) { return info.error ? info.error.message() : std::string("-"); }},
};

void append(std::string& text, const Column& column, const std::string& value, std::size_t width, bool last) {
  const std::size_t missing = width - std::min(width, value.size());
  if (column.right) text.append(missing, ' ');
  text += value;
  if (!column.right && !last) text.append(missing, ' ');
  text += last ? '\n' : ' ';
}

}  // namespace

std::string cell(const Column& column, Info info, How how) {
  const bool known = !info.error || &column == kColumns.data() || &column == &kColumns.back();
  return known ? column.text(info, how) : "";
}

std::span<const Column> columns() { return kColumns; }

const Column* find_column(std::string_view name) {
  const auto same = [name](const Column& column) {
    return std::ranges::equal(name, std::string_view(column.name),
                              [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; });
  };
  const auto* const found = std::ranges::find_if(kColumns, same);
  return found == kColumns.end() ? nullptr : found;
}

std::vector<const Column*> parse_columns(const char* option, const std::string& text) {
  std::vector<const Column*> chosen;
  for (const std::string& word : CLI::detail::split(text, ',')) {
    const Column* const column = find_column(word);
    if (column == nullptr) throw CLI::ValidationError(option, fmt::format("there is no column '{}'", printable(word)));
    chosen.push_back(column);
  }
  return chosen;
}

std::string text_of(const Table& table, const std::vector<QueueInfo>& queues) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> widths;
  for (const Column* column : table.columns)
    widths.push_back(table.headings ? std::string_view(column->name).size() : 1);
  for (const QueueInfo& info : queues) {
    std::vector<std::string>& row = rows.emplace_back();
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      row.push_back(cell(*table.columns[i], info, table.showing));
      widths[i] = std::max(widths[i], row.back().size());
    }
  }
  std::string text;
  const auto append_row = [&](const auto& value_of, const std::string& why) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const bool last = i + 1 == table.columns.size();
      if (!why.empty() && table.columns[i] != kColumns.data()) continue;
      append(text, *table.columns[i], value_of(i), widths[i], last && why.empty());
    }
    if (!why.empty()) text += fmt::format("({})\n", why);
  };
  if (table.headings) append_row([&](std::size_t i) { return std::string(table.columns[i]->name); }, "");
  for (std::size_t row = 0; row < rows.size(); ++row) {
    append_row([&](std::size_t i) { return rows[row][i]; }, queues[row].error ? queues[row].error.message() : "");
  }
  return text;
}

}  // namespace mqxx::cli
