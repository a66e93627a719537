// mq list: all queues, of one home or of all.
#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/look/columns.hpp"
#include "cli/look/describe.hpp"
#include "cli/look/homes.hpp"
#include "cli/look/records.hpp"
#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

constexpr const char* kDefaultColumns =
    "name,depth,capacity,size,bytes,mode,owner,age,senders,receivers,registered,users";

struct Listing {
  std::string home;
  bool json = false;
  bool names = false;
  Form form = Form::table;
  Table table{.columns = parse_columns("--output", kDefaultColumns), .showing = {}};
};

std::string columns_help() {
  std::string text = "Columns:\n";
  for (const Column& column : columns()) text += fmt::format("  {:<13}{}\n", column.name, column.meaning);
  return text;
}

/// At most one of them.
void add_forms(CLI::App& app, Listing& wanted, std::vector<CLI::Option*> others) {
  struct Named {
    const char* names;
    const char* description;
    Form form;
  };
  constexpr std::array kForms{
      Named{"-r,--raw", "A blank between two columns; blanks inside of one are \\x20", Form::raw},
      Named{"-e,--export", "NAME=\"/orders\" DEPTH=\"3\", for a shell to evaluate", Form::exported},
      Named{"-n,--newline", "As --export, each column on a line of its own", Form::newline},
  };
  for (const Named& named : kForms) {
    CLI::Option* const option = app.add_flag_callback(
        named.names, [&wanted, form = named.form] { wanted.form = form; }, named.description);
    for (CLI::Option* other : others) option->excludes(other);
    others.push_back(option);
  }
}

void add_times(CLI::App& app, Showing& showing) {
  const std::map<std::string, TimeFormat> formats{
      {"ago", TimeFormat::ago}, {"short", TimeFormat::brief}, {"full", TimeFormat::full}, {"iso", TimeFormat::iso}};
  app.add_option_function<std::string>(
         "--time-format",
         [&showing, formats](const std::string& text) {
           const auto found = formats.find(text);
           if (found == formats.end()) {
             throw CLI::ValidationError("--time-format", "'" + printable(text) + "' is not ago, short, full or iso");
           }
           showing.time = found->second;
         },
         "Times as ago (default), short, full or iso")
      ->type_name("WHEN");
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
  } else if (wanted.form != Form::table) {
    write_out(records_of(wanted.table, queues, wanted.form));
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
  app.add_flag("--numeric-perms", wanted->table.showing.numeric_perms, "The column PERMS in octal, as MODE is");
  app.add_flag_callback(
      "-b,--bytes", [] {}, "Sizes as numbers of bytes, as they are anyway");
  add_forms(app, *wanted, {json, names});
  add_times(app, wanted->table.showing);
  app.footer(
      "A queue that cannot be read is listed with the reason. SIZE is the most bytes of one message; '-' is what\n"
      "a home does not know. Sizes are numbers of bytes. With --time-format the columns AGE, LASTSEND and\n"
      "LASTRECEIVE say when: 14:32 or 2026-11-20 (short), Fri Nov 20 14:32:05 2026 (full),\n"
      "2026-11-20T14:32:05+0000 (iso).\n\n" +
      columns_help() +
      "\nExamples:\n"
      "  mq list\n"
      "  mq list kernel:\n"
      "  mq list --output name,depth,high,lastsend\n"
      "  mq list --json | jq -r '.[] | select(.depth > 0) | .name'\n"
      "  mq list / --names | xargs mq check\n"
      "  mq list --raw --noheadings -o name,depth | while read -r name depth; do echo \"$name\"; done\n"
      "  mq list --export | while read -r line; do eval \"$line\"; echo \"$NAME has $DEPTH\"; done\n");
  return [wanted] { return list_all(*wanted); };
}

}  // namespace mqxx::cli
