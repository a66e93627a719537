// mq limits: what bounds this user, how near it is, and which of them an error meant.
#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <mqxx/inspect.hpp>

#include "cli/command.hpp"
#include "cli/look/describe.hpp"
#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

struct Wanted {
  std::string error;  ///< "EMFILE", in capitals; "" for all
  bool json = false;
};

std::string number_text(const std::optional<std::uint64_t>& number, const char* without) {
  return number ? std::to_string(*number) : without;
}

/// "87%", rounded up, so that a limit that is reached is 100% and none that is not.
std::string share_text(const Limit& limit) {
  constexpr std::uint64_t kAll = 100;
  if (!limit.most || !limit.used || *limit.most == 0) return "-";
  const double share = static_cast<double>(*limit.used) / static_cast<double>(*limit.most);
  return fmt::format("{}%", *limit.used >= *limit.most
                                ? kAll
                                : std::min<std::uint64_t>(static_cast<std::uint64_t>(share * kAll), kAll - 1));
}

std::string table_of(const std::vector<Limit>& limits) {
  std::string text = fmt::format("{:<8} {:<14} {:>20} {:>16} {:>4} {:<9} {}\n", "HOME", "LIMIT", "MOST", "USED", "USE",
                                 "ERROR", "SET BY");
  for (const Limit& limit : limits) {
    text += fmt::format("{:<8} {:<14} {:>20} {:>16} {:>4} {:<9} {}\n", limit.home, limit.what,
                        number_text(limit.most, "unlimited"), number_text(limit.used, "-"), share_text(limit),
                        limit.symbol, limit.setting.empty() ? "-" : limit.setting);
    for (const std::string& line : limit.sum) text += fmt::format("{:<9}  {}\n", "", printable(line));
  }
  return text;
}

/// One that may have been meant, in sentences.
std::string sentences_of(const Limit& limit) {
  std::string text = fmt::format("{} {}: {}", limit.home, limit.what, limit.meaning);
  text += limit.most ? fmt::format(", at most {} {}", *limit.most, limit.unit) : ", unlimited";
  if (!limit.setting.empty()) text += fmt::format(" ({})", limit.setting);
  if (limit.used) text += fmt::format("; {} used, {}", *limit.used, share_text(limit));
  text += '\n';
  for (const std::string& line : limit.sum) text += fmt::format("    {}\n", printable(line));
  if (!limit.remedy.empty()) text += fmt::format("    {}\n", limit.remedy);
  return text;
}

Json json_of(const Limit& limit) {
  Json json{{"home", limit.home},
            {"limit", limit.what},
            {"unit", limit.unit},
            {"meaning", limit.meaning},
            {"error", limit.symbol}};
  json["setting"] = limit.setting.empty() ? Json(nullptr) : Json(limit.setting);
  json["most"] = limit.most ? Json(*limit.most) : Json(nullptr);
  json["used"] = limit.used ? Json(*limit.used) : Json(nullptr);
  json["remedy"] = limit.remedy.empty() ? Json(nullptr) : Json(limit.remedy);
  if (!limit.sum.empty()) json["sum"] = limit.sum;
  return json;
}

/// Those that the error may have meant, the most used ones first: that is where to look.
std::vector<Limit> meant_by(const std::string& symbol) {
  std::vector<Limit> all = limits();
  if (symbol.empty()) return all;
  std::erase_if(all, [&symbol](const Limit& limit) { return limit.symbol != symbol; });
  const auto use = [](const Limit& limit) {
    const bool known = limit.most && limit.used && *limit.most != 0;
    return known ? static_cast<double>(*limit.used) / static_cast<double>(*limit.most) : 0.0;
  };
  std::ranges::stable_sort(all, std::ranges::greater(), use);
  return all;
}

Status show(const Wanted& wanted) {
  const std::vector<Limit> found = meant_by(wanted.error);
  if (found.empty()) {
    throw Complaint(Status::usage, fmt::format("limits: no limit has the error '{}'; 'mq limits' shows which have",
                                               printable(wanted.error)));
  }
  if (wanted.json) {
    Json array = Json::array();
    for (const Limit& limit : found) array.push_back(json_of(limit));
    write_json(array);
  } else if (wanted.error.empty()) {
    write_out(table_of(found));
  } else {
    for (const Limit& limit : found) write_out(sentences_of(limit));
  }
  return Status::done;
}

}  // namespace

Run declare_limits(CLI::App& app) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option_function<std::string>(
         "ERROR",
         [wanted](const std::string& text) {
           wanted->error = text;
           for (char& letter : wanted->error)
             letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
         },
         "An errno such as EMFILE: only the limits that it may have meant, and how to raise them")
      ->type_name("ERROR");
  app.add_flag("-j,--json", wanted->json, "As a JSON array, for programs");
  app.footer(
      "USED is what counts against the limit now, where anything does. The bytes of RLIMIT_MSGQUEUE are what the\n"
      "kernel computes of capacity and message size when a queue is created, full or empty; each queue of this user\n"
      "has its line. Queues that are removed and still open count too, and nobody can see them.\n\n"
      "Examples:\n"
      "  mq limits\n"
      "  mq limits EMFILE\n"
      "  mq limits --json | jq '.[] | select(.used == .most)'\n");
  return [wanted] { return show(*wanted); };
}

}  // namespace mqxx::cli
