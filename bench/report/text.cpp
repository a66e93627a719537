#include "report/text.hpp"

#include <cmath>

#include <fmt/core.h>

namespace bench {

std::string number(double value) {
  if (value == 0 || !std::isfinite(value)) return "0";
  const int digits_before = static_cast<int>(std::floor(std::log10(std::fabs(value)))) + 1;
  const int digits_after = digits_before >= 3 ? 0 : 3 - digits_before;
  return fmt::format("{:.{}f}", value, digits_after);
}

std::string times(double ratio) { return number(ratio) + "x"; }

std::string with_range(const Summary& summary, const std::string& unit) {
  return fmt::format("{} {} ({} .. {})", number(summary.median), unit, number(summary.least), number(summary.most));
}

void print_workload(const Workload& workload, const Results& results) {
  const auto line = results.line(workload.name);
  fmt::print("\n{}: {}\n", workload.name, workload.title);
  if (line) fmt::print("  cache-line round trip {}\n", with_range(*line, "ns"));
  fmt::print("  {:<12}", "");
  for (const Metric& metric : workload.metrics) {
    fmt::print("{:>12} {:>20} {:>9}", metric.name + ", " + metric.unit, "min .. max", "x kernel");
  }
  fmt::print("{:>5}\n", "runs");
  for (const std::string_view peer : workload.peers) {
    if (!results.summary(workload.name, workload.metrics.front().name, peer)) {
      fmt::print("  {:<12} -   {}\n", peer, results.why_missing(workload.name, peer).value_or("not measured"));
      continue;
    }
    fmt::print("  {:<12}", peer);
    std::size_t runs = 0;
    for (const Metric& metric : workload.metrics) {
      const Summary summary = results.summary(workload.name, metric.name, peer).value_or(Summary{});
      const auto ratio = results.times_better(workload.name, metric, peer, kKernel);
      fmt::print("{:>12} {:>20} {:>9}", number(summary.median), number(summary.least) + " .. " + number(summary.most),
                 ratio ? times(*ratio) : "-");
      runs = summary.count;
    }
    fmt::print("{:>5}", runs);
    if (const auto reason = results.why_missing(workload.name, peer)) fmt::print("   {}", *reason);
    fmt::print("\n");
  }
  std::fflush(stdout);
}

}  // namespace bench
