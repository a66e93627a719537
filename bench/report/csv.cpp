#include <algorithm>
#include <fstream>
#include <map>

#include <fmt/core.h>
#include <fmt/ostream.h>

#include "report/files.hpp"

namespace bench {
namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

std::ofstream create(const std::filesystem::path& path) {
  std::ofstream file(path);
  if (!file) throw std::runtime_error("cannot write " + path.string());
  return file;
}

void write_raw(const std::filesystem::path& path, const Record& record) {
  std::ofstream file = create(path);
  fmt::print(file, "workload,metric,peer,repetition,value\n");
  for (const auto& [key, by_repetition] : record.results.all()) {
    const auto& [workload, metric, peer] = key;
    for (const auto& [repetition, value] : by_repetition) {
      fmt::print(file, "{},{},{},{},{}\n", workload, metric, peer, repetition, value);
    }
  }
}

void write_summary(const std::filesystem::path& path, const Record& record) {
  std::ofstream file = create(path);
  fmt::print(file, "workload,metric,unit,peer,median,min,max,runs,times_kernel,line_round_trip_ns,note\n");
  for (const Workload& workload : record.workloads) {
    const auto line = record.results.line(workload.name);
    if (!line) continue;
    for (const std::string_view peer : workload.peers) {
      const std::string note = quoted(record.results.why_missing(workload.name, peer).value_or(""));
      for (const Metric& metric : workload.metrics) {
        const auto summary = record.results.summary(workload.name, metric.name, peer).value_or(Summary{});
        const auto ratio = record.results.times_better(workload.name, metric, peer, kKernel);
        fmt::print(file, "{},{},{},{},{},{},{},{},{},{},{}\n", workload.name, metric.name, metric.unit, peer,
                   summary.median, summary.least, summary.most, summary.count,
                   ratio ? fmt::format("{:.4g}", *ratio) : "", line->median, note);
      }
    }
  }
}

void write_targets(const std::filesystem::path& path, const Record& record) {
  std::ofstream file = create(path);
  fmt::print(file, "work,target,measured,met\n");
  const std::vector<std::string> names = full_names(record.verdicts);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Verdict& verdict = record.verdicts[i];
    fmt::print(file, "{},{},{},{}\n", quoted(names[i]), quoted(verdict.target), quoted(verdict.measured),
               text_of(verdict.state));
  }
}

/// Rows: workloads of one family. Columns: median of the first metric for each peer, NaN where there is none.
void write_family(const std::filesystem::path& path, const std::vector<const Workload*>& family,
                  const Results& results) {
  std::ofstream file = create(path);
  std::vector<std::string_view> peers;
  for (const Workload* workload : family) {
    for (const std::string_view peer : workload->peers) {
      if (std::find(peers.begin(), peers.end(), peer) == peers.end()) peers.push_back(peer);
    }
  }
  fmt::print(file, "workload,x");
  for (const std::string_view peer : peers) fmt::print(file, ",{}", peer);
  fmt::print(file, "\n");
  for (const Workload* workload : family) {
    fmt::print(file, "{},{}", workload->name, workload->x);
    for (const std::string_view peer : peers) {
      const auto summary = results.summary(workload->name, workload->metrics.front().name, peer);
      fmt::print(file, ",{}", summary ? fmt::format("{}", summary->median) : "NaN");
    }
    fmt::print(file, "\n");
  }
}

}  // namespace

void write_csv(const std::filesystem::path& folder, const Record& record) {
  std::filesystem::create_directories(folder);
  write_raw(folder / "raw.csv", record);
  write_summary(folder / "summary.csv", record);
  write_targets(folder / "targets.csv", record);
  std::map<std::string, std::vector<const Workload*>> families;
  for (const Workload& workload : record.workloads) {
    if (record.results.line(workload.name)) families[workload.family].push_back(&workload);
  }
  for (const auto& [name, family] : families) write_family(folder / (name + ".csv"), family, record.results);
  std::ofstream machine = create(folder / "machine.txt");
  for (const auto& [name, value] : record.facts) fmt::print(machine, "{}: {}\n", name, value);
}

}  // namespace bench
