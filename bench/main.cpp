// mqxx-bench: measures mqxx beside its peers, prints tables and targets, writes CSV and plots.
#include <algorithm>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "driver.hpp"
#include "measure/clock.hpp"
#include "measure/machine.hpp"
#include "report/files.hpp"
#include "report/targets.hpp"
#include "report/text.hpp"

namespace bench {
namespace {

constexpr double kBusyPercent = 5;
constexpr int kExitInterrupted = 130;
constexpr auto kQuickDuration = std::chrono::milliseconds(40);
constexpr auto kFullDuration = std::chrono::milliseconds(300);

struct Options {
  Settings settings;
  std::vector<std::string> only;
  std::vector<std::string> peers;
  std::string out;
  bool list = false;
};

void declare(CLI::App& app, Options& options) {
  app.add_flag("--quick", options.settings.quick, "Short runs: everything in less than two minutes");
  app.add_option("--only", options.only, "Only workloads or families whose name begins like this; may be repeated");
  app.add_option("--peer", options.peers, "Only these peers; may be repeated");
  app.add_option("--reps", options.settings.repetitions, "Repetitions of each run")->check(CLI::Range(1, 1000));
  app.add_option("--out", options.out, "Where CSV and plots go (default: docs/performance, when everything is run)");
  app.add_option("--seed", options.settings.seed, "For random priorities");
  app.add_flag("--list", options.list, "Print the workloads and leave");
  app.footer(
      "Examples:\n  mqxx-bench --quick\n  mqxx-bench --only throughput --reps 9 --out /tmp/results\n"
      "  mqxx-bench --only depth-1000 --peer mqxx --peer boost");
}

bool chosen(const Workload& workload, const std::vector<std::string>& only) {
  return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& prefix) {
           return workload.name.rfind(prefix, 0) == 0 || workload.family.rfind(prefix, 0) == 0;
         });
}

void keep_only(const std::vector<std::string>& names, std::vector<PeerPtr>& peers, std::vector<Workload>& workloads) {
  const auto left_out = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) == names.end();
  };
  std::erase_if(peers, [&](const PeerPtr& peer) { return left_out(peer->name()); });
  for (Workload& workload : workloads) std::erase_if(workload.peers, left_out);
  std::erase_if(workloads, [](const Workload& workload) { return workload.peers.empty(); });
  if (workloads.empty()) throw std::runtime_error("no such peer in these workloads");
}

int print_list(const std::vector<Workload>& workloads) {
  for (const Workload& workload : workloads) {
    fmt::print("{:<12}{:<32}{}\n", workload.family, workload.name, workload.title);
  }
  return 0;
}

/// Everything known before the first run, printed and kept.
Facts facts_before(const std::vector<PeerPtr>& peers, const Settings& settings) {
  Facts facts = describe_machine();
  if (const auto line = cache_line_round_trip_ns()) {
    facts.emplace_back("cache-line round trip", number(*line) + " ns (at the start)");
  } else {
    facts.emplace_back("cache-line round trip", "only one processor: rows for two are missing");
  }
  facts.emplace_back("system call", number(system_call_ns()) + " ns");
  const double busy = busy_percent_now();
  facts.emplace_back("others' processor time", fmt::format("{:.0f} % (before the run)", busy));
  facts.emplace_back("runs", fmt::format("{} repetitions of {} ms{}, seed {}", settings.repetitions,
                                         settings.duration.count(), settings.quick ? " (quick)" : "", settings.seed));
  facts.emplace_back("kernel limits", raise_kernel_limits());
  for (const PeerPtr& peer : peers) facts.emplace_back(peer->name(), peer->version());
  for (const auto& [name, value] : facts) fmt::print("{:<24}{}\n", name, value);
  if (busy > kBusyPercent) fmt::print("The machine is busy: expect worse numbers, and other ratios.\n");
  return facts;
}

void write_files(const Options& options, const Record& record) {
  const std::filesystem::path root = MQXX_BENCH_ROOT;
  const bool into_docs = options.out.empty();
  if (into_docs && !(options.only.empty() && options.peers.empty())) return;  // a part must not replace the whole
  const std::filesystem::path folder = into_docs ? root / "docs" / "performance" : std::filesystem::path(options.out);
  write_csv(folder, record);
  draw_plots(folder, root / "bench" / "plots", record);
  if (into_docs) insert_into_page(root / "docs" / "performance.md", markdown_of(record));
  fmt::print("\nwritten: {}\n", folder.string());
}

int run(Options& options) {
  Settings& settings = options.settings;
  settings.duration = settings.quick ? kQuickDuration : kFullDuration;
  std::vector<Workload> workloads = all_workloads(settings);
  std::erase_if(workloads, [&](const Workload& workload) { return !chosen(workload, options.only); });
  if (options.list) return print_list(workloads);
  if (workloads.empty()) throw std::runtime_error("no workload has such a name; see --list");
  std::vector<PeerPtr> peers = all_peers();
  if (!options.peers.empty()) keep_only(options.peers, peers, workloads);
  const std::int64_t started = now_ns();
  const ProcessorTimes before = processor_times();
  watch_for_interrupts();
  Facts facts = facts_before(peers, settings);
  const Results results = run_all(workloads, peers, settings);
  if (interrupted()) return kExitInterrupted;
  if (const auto line = results.line_of_run()) {
    facts.emplace_back("cache-line round trip, whole run", with_range(*line, "ns"));
  }
  const ProcessorTimes after = processor_times();
  facts.emplace_back("stolen by other machines",
                     fmt::format("{:.1f} %", 100 * (after.stolen - before.stolen) / (after.all - before.all)));
  facts.emplace_back("took", fmt::format("{} s", (now_ns() - started) / 1'000'000'000));
  const std::vector<Verdict> verdicts = judge(results, workloads);
  print_verdicts(verdicts, results);
  write_files(options, {workloads, results, verdicts, facts});
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  CLI::App app("Measures mqxx beside the kernel's queues, pipes, sockets, Boost, ZeroMQ and nng.", "mqxx-bench");
  bench::Options options;
  bench::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "mqxx-bench: {}\n", error.what());
    return 1;
  }
}
