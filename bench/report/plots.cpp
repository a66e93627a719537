#include <algorithm>
#include <fstream>

#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>

#include "report/files.hpp"

extern char** environ;

namespace bench {
namespace {

struct Plot {
  std::string family;
  std::string script;
  std::string title;
  std::string y_label;
  std::string x_label;
};

const std::vector<Plot>& plots() {
  static const std::vector<Plot> list = {
      {"single", "bars.gp", "Send + receive in one thread (lower is better)", "ns", ""},
      {"throughput", "bars.gp", "Messages between processes (higher is better)", "million messages a second", ""},
      {"batch", "bars.gp", "Batches of 64 (higher is better)", "million messages a second", ""},
      {"roundtrip", "bars.gp", "Round trip, median (lower is better)", "microseconds", ""},
      {"onecore", "bars.gp", "All processes on one core (higher is better)", "million messages a second", ""},
      {"busy", "bars.gp", "Eight busy processes beside (higher is better)", "million messages a second", ""},
      {"depth", "lines.gp", "Fill with random priorities, then drain (lower is better)", "ns a message",
       "messages in the queue"},
      {"loan", "lines.gp", "A loan in place against the kernel's copies (lower is better)", "ns a message",
       "bytes of the message"},
  };
  return list;
}

/// gnuplot's own strings, in single quotes, know no escapes but the doubled quote.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

/// The peers of a family's CSV, separated by blanks.
std::string peers_in(const std::filesystem::path& csv) {
  std::ifstream file(csv);
  std::string header;
  std::getline(file, header);
  const std::string prefix = "workload,x,";
  std::string peers = header.size() > prefix.size() ? header.substr(prefix.size()) : "";
  std::replace(peers.begin(), peers.end(), ',', ' ');
  return peers;
}

bool run_gnuplot(const std::string& settings, const std::filesystem::path& script) {
  std::string program = "gnuplot", option = "-e", value = settings, file = script.string();
  char* const arguments[] = {program.data(), option.data(), value.data(), file.data(), nullptr};
  pid_t process = 0;
  if (::posix_spawnp(&process, "gnuplot", nullptr, nullptr, arguments, environ) != 0) return false;
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

void draw_plots(const std::filesystem::path& folder, const std::filesystem::path& scripts, const Record& record) {
  for (const Plot& plot : plots()) {
    const bool measured = std::any_of(record.workloads.begin(), record.workloads.end(), [&](const Workload& workload) {
      return workload.family == plot.family && record.results.line(workload.name).has_value();
    });
    if (!measured) continue;
    const std::filesystem::path csv = folder / (plot.family + ".csv");
    const std::filesystem::path svg = folder / (plot.family + ".svg");
    const std::string settings = fmt::format("source={};target={};peers={};headline={};y_text={};x_text={}",
                                             quoted(csv.string()), quoted(svg.string()), quoted(peers_in(csv)),
                                             quoted(plot.title), quoted(plot.y_label), quoted(plot.x_label));
    if (run_gnuplot(settings, scripts / plot.script)) continue;
    fmt::print(stderr, "mqxx-bench: gnuplot is missing or failed; {} was not drawn\n", svg.string());
  }
}

}  // namespace bench
