// mq check: the invariants of queues, and repair.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <mqxx/error.hpp>
#include <mqxx/inspect.hpp>

#include "cli/command.hpp"
#include "cli/look/describe.hpp"
#include "cli/output.hpp"
#include "cli/queue_choice.hpp"
#include "cli/suggest.hpp"

namespace mqxx::cli {
namespace {

struct Checking {
  std::vector<std::string> names;
  bool all = false;
  bool repair = false;
  bool json = false;
};

/// What was found and what was done about it.
struct Report {
  Repair repair;
  bool repaired = false;  ///< there was something to repair, and nothing is left

  [[nodiscard]] bool well() const { return repair.found.empty() || repaired; }
};

Report report_on(const std::string& name, bool mend) {
  Report report;
  if (mend) {
    report.repair = repair(name);
    report.repaired = !report.repair.found.empty() && report.repair.left.empty();
  } else {
    report.repair.found = check(name);
    report.repair.left = report.repair.found;
  }
  return report;
}

std::string lines_of(const std::string& name, const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{}: {}: {}\n", printable(name), finding.invariant, printable(finding.text));
  }
  return text;
}

std::string text_of(const std::string& name, const Report& report, bool mend) {
  const Repair& repair = report.repair;
  if (repair.found.empty()) return fmt::format("{}: all invariants hold\n", printable(name));
  std::string text = lines_of(name, repair.found);
  if (!mend) return text;
  if (repair.messages_dropped != 0) {
    text +=
        fmt::format("{}: {} could not be received by anybody and {} dropped\n", printable(name),
                    repair.messages_dropped == 1 ? "1 message" : fmt::format("{} messages", repair.messages_dropped),
                    repair.messages_dropped == 1 ? "was" : "were");
  }
  if (report.repaired) return text + fmt::format("{}: repaired, all invariants hold\n", printable(name));
  return text + fmt::format("{}: beyond repair, there is left:\n", printable(name)) + lines_of(name, repair.left);
}

Json json_of(const std::vector<Finding>& findings) {
  Json array = Json::array();
  for (const Finding& finding : findings) {
    array.push_back({{"invariant", finding.invariant}, {"text", finding.text}});
  }
  return array;
}

Json json_of(const std::string& name, const Report& report, bool mend) {
  Json json{{"name", name}, {"findings", json_of(report.repair.found)}};
  if (!mend) return json;
  json["repaired"] = report.repaired;
  json["messages_dropped"] = report.repair.messages_dropped;
  json["left"] = json_of(report.repair.left);
  return json;
}

/// Goes on after a failure, as remove does; the status is that of the first.
Status check_all(const Checking& wanted) {
  Status first_failure = Status::done;
  const auto failed = [&first_failure](Status status) {
    if (first_failure == Status::done) first_failure = status;
  };
  Json array = Json::array();
  for (const std::string& name : wanted.names) {
    try {
      const Report report = report_on(name, wanted.repair);
      if (!report.well()) failed(Status::damaged);
      if (wanted.json) {
        array.push_back(json_of(name, report, wanted.repair));
      } else {
        write_out(text_of(name, report, wanted.repair));
      }
    } catch (const Error& error) {
      complain(error);
      failed(status_of(error.code()));
    }
  }
  if (wanted.json) write_json(array);
  return first_failure;
}

}  // namespace

Run declare_check(CLI::App& app) {
  auto wanted = std::make_shared<Checking>();
  const CLI::Option* queues = add_queues(app, wanted->names);
  app.add_flag("-a,--all", wanted->all, "Every queue in the directory");
  app.add_flag("-r,--repair", wanted->repair, "Make what can be derived from the messages anew, where it is broken");
  app.add_flag("-j,--json", wanted->json, "As a JSON array, for programs");
  app.footer(
      "Prints each broken invariant with its number in docs/layout.md; the exit status is then 8, unless it was\n"
      "repaired. Users of the queue are held off meanwhile; without --repair nothing is changed. A file that is\n"
      "cut, or no queue, cannot be repaired.\n\n"
      "Examples:\n"
      "  mq check /orders\n"
      "  mq check --all\n"
      "  mq check --repair /orders\n");
  return [wanted, queues] {
    if (wanted->all) {
      wanted->names = names();
    } else {
      require_queue(queues);
    }
    return check_all(*wanted);
  };
}

}  // namespace mqxx::cli
