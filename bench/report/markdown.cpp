#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include <fmt/core.h>

#include "report/files.hpp"
#include "report/text.hpp"

namespace bench {
namespace {

constexpr std::string_view kBegin = "<!-- results: begin (written by ./dev bench) -->";
constexpr std::string_view kEnd = "<!-- results: end -->";

std::string heading_of(const std::string& family) {
  static const std::map<std::string, std::string> headings = {
      {"single", "One thread"},
      {"throughput", "Throughput between processes"},
      {"batch", "Batches"},
      {"roundtrip", "Round trip"},
      {"depth", "Growth with depth"},
      {"loan", "Loans"},
      {"sleepers", "Waking one of many"},
      {"idle", "An idle receiver"},
      {"memory", "An idle queue"},
      {"open", "Opening and creating"},
      {"onecore", "Throughput on one core"},
      {"busy", "Throughput beside busy processes"},
  };
  const auto found = headings.find(family);
  return found == headings.end() ? family : found->second;
}

std::string facts_text(const Record& record) {
  std::string text = "## The run\n\n| | |\n|---|---|\n";
  for (const auto& [name, value] : record.facts) text += fmt::format("| {} | {} |\n", name, value);
  return text;
}

std::string targets_text(const Record& record) {
  std::string text = "\n## Targets\n\n| Work | Target | Measured | Met |\n|---|---|---|---|\n";
  const std::vector<std::string> names = full_names(record.verdicts);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Verdict& verdict = record.verdicts[i];
    text += fmt::format("| {} | {} | {} | {} |\n", names[i], verdict.target, verdict.measured, text_of(verdict.state));
  }
  return text;
}

std::string cell_of(const Workload& workload, const Metric& metric, std::string_view peer, const Results& results) {
  const auto summary = results.summary(workload.name, metric.name, peer);
  if (!summary) return "-";
  const auto ratio = results.times_better(workload.name, metric, peer, kKernel);
  return number(summary->median) + (ratio && peer != kKernel ? " (" + times(*ratio) + ")" : "");
}

std::string missing_text(const Workload& workload, const Results& results) {
  std::string text;
  for (const std::string_view peer : workload.peers) {
    const auto reason = results.why_missing(workload.name, peer);
    if (reason) text += fmt::format("- {}, {}: {}\n", workload.name, peer, *reason);
  }
  return text;
}

/// Workloads down, peers across: the median, and in brackets how many times better than the kernel.
std::string family_text(const std::vector<const Workload*>& family, const Results& results) {
  std::vector<std::string_view> peers;
  for (const Workload* workload : family) {
    for (const std::string_view peer : workload->peers) {
      if (std::find(peers.begin(), peers.end(), peer) == peers.end()) peers.push_back(peer);
    }
  }
  std::string text = fmt::format("\n## {}\n\n| Work | Line, ns |", heading_of(family.front()->family));
  std::string rule = "|---|---|";
  for (const std::string_view peer : peers) {
    text += fmt::format(" {} |", peer);
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  std::string missing;
  for (const Workload* workload : family) {
    const auto line = results.line(workload->name);
    for (const Metric& metric : workload->metrics) {
      text += fmt::format("| {}; {}, {} | {} |", workload->title, metric.name, metric.unit,
                          line ? number(line->median) : "-");
      for (const std::string_view peer : peers) text += " " + cell_of(*workload, metric, peer, results) + " |";
      text += "\n";
    }
    missing += missing_text(*workload, results);
  }
  return missing.empty() ? text : text + "\nNot complete:\n\n" + missing;
}

}  // namespace

std::string markdown_of(const Record& record) {
  std::string text = facts_text(record) + targets_text(record);
  std::vector<const Workload*> family;
  for (const Workload& workload : record.workloads) {
    if (!record.results.line(workload.name)) continue;
    if (!family.empty() && family.front()->family != workload.family) {
      text += family_text(family, record.results);
      family.clear();
    }
    family.push_back(&workload);
  }
  if (!family.empty()) text += family_text(family, record.results);
  return text;
}

void insert_into_page(const std::filesystem::path& page, const std::string& tables) {
  std::ifstream in(page);
  const std::string old((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t begin = old.find(kBegin);
  const std::size_t end = old.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return;
  std::ofstream out(page);
  out << old.substr(0, begin + kBegin.size()) << "\n\n" << tables << "\n" << old.substr(end);
}

}  // namespace bench
