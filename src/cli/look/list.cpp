// mq list: all queues, of one home or of all.
#include <algorithm>
#include <chrono>
#include <memory>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/look/columns.hpp"
#include "cli/look/describe.hpp"
#include "cli/look/homes.hpp"
#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

constexpr const char* kDefaultColumns =
    "name,depth,capacity,size,bytes,mode,owner,age,senders,receivers,registered,users";

struct Listing {
  std::string home;
  bool json = false;
  bool names = false;
  Table table{.columns = parse_columns("--output", kDefaultColumns), .showing = {}};
};

std::string columns_help() {
  std::string text = "Columns:\n";
  for (const Column& column : columns()) text += fmt::format("  {:<13}{}\n", column.name, column.meaning);
  return text;
}

Status list_all(Listing& wanted) {
  if (wanted.names) {
    std::string text;
    for (const std::string& name : names_in_homes(wanted.home)) text += printable(name) + '\n';
    write_out(text);
    return Status::done;
  }
  const std::vector<QueueInfo> queues = list_homes(wanted.home);
  wanted.table.showing.now = std::chrono::system_clock::now();
  if (wanted.json) {
    Json array = Json::array();
    for (const QueueInfo& queue : queues) array.push_back(json_of(queue));
    write_json(array);
  } else if (!queues.empty()) {
    write_out(text_of(wanted.table, queues));
  }
  return Status::done;
}

}  // namespace

Run declare_list(CLI::App& app) {
  auto wanted = std::make_shared<Listing>();
  add_home(app, wanted->home);
  auto* json = app.add_flag("-j,--json", wanted->json, "As JSON, for programs");
  auto* names = app.add_flag("-1,--names", wanted->names, "Names only, one a line")->excludes(json);
  app.add_option_function<std::string>(
         "-o,--output", [wanted](const std::string& text) { wanted->table.columns = parse_columns("--output", text); },
         "Columns, in this order, with commas between them")
      ->type_name("COLUMN,...")
      ->excludes(json)
      ->excludes(names);
  app.add_flag("!--noheadings", wanted->table.headings, "Without the line of headings");
  app.add_flag("-P,--numeric", wanted->table.showing.numeric, "Users and groups as numbers");
  app.footer(
      "A queue that cannot be read is listed with the reason. SIZE is the most bytes of one message; '-' is what\n"
      "a home does not know.\n\n" +
      columns_help() +
      "\nExamples:\n"
      "  mq list\n"
      "  mq list kernel:\n"
      "  mq list --output name,depth,high,lastsend\n"
      "  mq list --json | jq -r '.[] | select(.depth > 0) | .name'\n"
      "  mq list / --names | xargs mq check\n");
  return [wanted] { return list_all(*wanted); };
}

}  // namespace mqxx::cli
