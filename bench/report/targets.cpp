// Ratios here are "times better": above 1 mqxx wins, whether more or less of the metric is better.
#include "report/targets.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "report/text.hpp"
#include "workloads/flow.hpp"

namespace bench {
namespace {

constexpr double kNearLine = 150;         // ns: "when a cache line's round trip is about 120 ns"
constexpr double kSameTime = 1.25;        // what still counts as "the same time"
constexpr double kSpinningMayCost = 0.9;  // of the rate with spinning switched off

struct Ratio {
  double value;
  std::string against;
};

class Judge {
 public:
  Judge(const Results& results, const std::vector<Workload>& workloads) : results_(results), workloads_(workloads) {}

  /// mqxx against one peer.
  void at_least(const std::string& work, const std::string& workload, std::string_view base, double least,
                std::size_t metric = 0) {
    const auto ratio = times_better(workload, kMqxx, base, metric);
    decide(work, fmt::format(">= {}x {}", least, base), ratio, least,
           ratio ? fmt::format("{} {}", times(*ratio), base) : "");
  }

  /// mqxx against the best of all rivals.
  void beats_all(const std::string& work, const std::string& workload, double least) {
    std::size_t rivals = 0;
    const auto worst = closest_rival(workload, rivals);
    decide(work, fmt::format(">= {}x the best peer", least), worst ? std::optional(worst->value) : std::nullopt, least,
           worst ? fmt::format("{} {} (of {} peers)", times(worst->value), worst->against, rivals) : "");
  }

  void at_most(const std::string& work, const std::string& workload, const Metric& metric, double most) {
    const auto summary = results_.summary(workload, metric.name, kMqxx);
    decide_at_most(work, fmt::format("<= {} {}", most, metric.unit),
                   summary ? std::optional(summary->median) : std::nullopt, most,
                   summary ? number(summary->median) + " " + metric.unit : "");
  }

  /// The lowest ratio of several workloads, mqxx against one peer.
  void lowest_at_least(const std::string& work, const std::vector<std::string>& workloads, std::string_view base,
                       double least) {
    std::optional<Ratio> lowest;
    for (const std::string& workload : workloads) {
      const auto ratio = times_better(workload, kMqxx, base, 0);
      if (ratio && (!lowest || *ratio < lowest->value)) lowest = {*ratio, workload};
    }
    decide(work, fmt::format(">= {}x {}", least, base), lowest ? std::optional(lowest->value) : std::nullopt, least,
           lowest ? fmt::format("{} at {}", times(lowest->value), lowest->against) : "");
  }

  /// How much longer mqxx takes in `large` than in `small`.
  void grows_at_most(const std::string& work, const std::string& small, const std::string& large,
                     const std::string& metric, double most) {
    const auto before = results_.summary(small, metric, kMqxx);
    const auto after = results_.summary(large, metric, kMqxx);
    std::optional<double> growth;
    if (before && after && before->median > 0) growth = after->median / before->median;
    decide_at_most(
        work, fmt::format("<= {}x {}", most, small), growth, most,
        growth ? fmt::format("{} ({} -> {} ns)", times(*growth), number(before->median), number(after->median)) : "");
  }

  /// The rate of one workload as a share of another's, both of mqxx.
  void share_at_least(const std::string& work, const std::string& workload, const std::string& of, double least) {
    const auto rate = results_.summary(workload, kRate.name, kMqxx);
    const auto base = results_.summary(of, kRate.name, kMqxx);
    std::optional<double> share;
    if (rate && base && base->median > 0) share = rate->median / base->median;
    decide(work, fmt::format(">= {}x {}", least, of), share, least,
           share ? fmt::format("{} ({} of {} M/s)", times(*share), number(rate->median), number(base->median)) : "");
  }

  void in_lines(const std::string& work, const std::string& workload, const Metric& metric, double most) {
    const double ns = metric.unit == "us" ? 1e3 : 1;
    const auto lines = results_.in_line_round_trips(workload, metric.name, kMqxx);
    const auto summary = results_.summary(workload, metric.name, kMqxx);
    decide_at_most(work, fmt::format("<= {} cache-line round trips", most),
                   lines ? std::optional(*lines * ns) : std::nullopt, most,
                   lines ? fmt::format("{} ({} {})", number(*lines * ns), number(summary->median), metric.unit) : "");
  }

  /// One peer against another, none of which need be mqxx as shipped.
  void compare(const std::string& work, const std::string& workload, std::string_view peer, std::string_view base,
               double least, std::size_t metric = 0) {
    const auto ratio = times_better(workload, peer, base, metric);
    decide(work, fmt::format(">= {}x {}", least, base), ratio, least, ratio ? times(*ratio) : "");
  }

  /// What mqxx may take in times of what one peer takes.
  void takes_at_most(const std::string& work, const std::string& workload, std::string_view base, double most) {
    const auto ratio = times_better(workload, kMqxx, base, 0);
    decide_at_most(work, fmt::format("<= {}x {}", most, base), ratio ? std::optional(1 / *ratio) : std::nullopt, most,
                   ratio ? fmt::format("{} {}", times(1 / *ratio), base) : "");
  }

  void open(const std::string& work, const std::string& target, const std::string& why) {
    verdicts_.push_back({work, target, why, Verdict::State::not_measured});
  }

  std::optional<double> line_ns(const std::string& workload) const {
    const auto line = results_.line(workload);
    return line ? std::optional(line->median) : std::nullopt;
  }

  std::vector<Verdict> verdicts() && { return std::move(verdicts_); }

 private:
  std::optional<double> times_better(const std::string& workload, std::string_view peer, std::string_view base,
                                     std::size_t metric) const {
    const auto found =
        std::find_if(workloads_.begin(), workloads_.end(), [&](const Workload& one) { return one.name == workload; });
    if (found == workloads_.end()) return std::nullopt;
    return results_.times_better(workload, found->metrics.at(metric), peer, base);
  }

  std::optional<Ratio> closest_rival(const std::string& workload, std::size_t& rivals) const {
    std::optional<Ratio> closest;
    for (const std::string_view rival : kRivals) {
      const auto ratio = times_better(workload, kMqxx, rival, 0);
      if (!ratio) continue;
      ++rivals;
      if (!closest || *ratio < closest->value) closest = {*ratio, std::string(rival)};
    }
    return closest;
  }

  void decide(const std::string& work, const std::string& target, std::optional<double> value, double least,
              const std::string& measured) {
    using State = Verdict::State;
    const State state = !value ? State::not_measured : *value >= least ? State::met : State::missed;
    verdicts_.push_back({work, target, value ? measured : "not measured", state});
  }

  void decide_at_most(const std::string& work, const std::string& target, std::optional<double> value, double most,
                      const std::string& measured) {
    using State = Verdict::State;
    const State state = !value ? State::not_measured : *value <= most ? State::met : State::missed;
    verdicts_.push_back({work, target, value ? measured : "not measured", state});
  }

  const Results& results_;
  const std::vector<Workload>& workloads_;
  std::vector<Verdict> verdicts_;
};

void judge_throughput(Judge& judge) {
  for (const auto& [size, least] : {std::pair{"64B", 40.0}, {"8KiB", 12.0}, {"64KiB", 5.0}}) {
    const std::string workload = std::string("single-") + size;
    judge.at_least(std::string("send + receive in one thread, ") + size, workload, kKernel, least);
    judge.at_least("  no slower than Boost", workload, kBoost, 1);
    judge.compare("  kernel:/name against the kernel's own calls", workload, kMqxxKernel, kKernel, 0.95);
    judge.compare("  sysv:KEY against System V's own calls", workload, kMqxxSysv, kSysv, 0.95);
  }
  for (const auto& [size, least] : {std::pair{"64B", 6.0}, {"1KiB", 4.0}, {"8KiB", 2.0}}) {
    const std::string workload = std::string("1to1-cap10-") + size;
    judge.at_least(std::string("1 -> 1, capacity 10, ") + size, workload, kKernel, least);
    judge.beats_all("  every peer beaten", workload, 1);
  }
  const std::string deep = "1to1-cap1024-64B";
  judge.beats_all("1 -> 1, capacity 1024, 64B", deep, 1.2);
  judge.at_least("  whatever the cores' distance", deep, kKernel, 3);
  const auto line = judge.line_ns(deep);
  if (line && *line > kNearLine) {
    judge.open("  cache line about 120 ns", ">= 7x kernel", "the line took " + number(*line) + " ns");
  } else {
    judge.at_least("  cache line about 120 ns", deep, kKernel, 7);
  }
  judge.at_least("the same in batches of 64", deep + "-batch64", kKernel, 20);
  judge.at_least("  half of a bare spinning ring", deep + "-batch64", kRing, 0.5);
  for (const auto& [flow, title] : {std::pair<std::string, std::string>{"2to2", "2 -> 2"}, {"4to1", "4 -> 1"}}) {
    judge.at_least(title + ", capacity 10", flow + "-cap10-64B", kKernel, 3);
    judge.beats_all(title + ", capacity 1024", flow + "-cap1024-64B", 1.2);
  }
}

void judge_round_trip(Judge& judge) {
  const Metric p50{"p50", "us", Metric::Better::lower};
  judge.in_lines("round trip, two cores, p50", "roundtrip-two-cores", p50, 3);
  judge.at_least("  against the kernel", "roundtrip-two-cores", kKernel, 100);
  judge.compare("  with spinning off", "roundtrip-two-cores", kMqxxNoSpin, kKernel, 1);
  judge.compare("round trip, one core, p50", "roundtrip-one-core", kMqxx, kKernel, 1);
  judge.compare("  with spinning off", "roundtrip-one-core", kMqxxNoSpin, kKernel, 1);
}

// The same loop over the kernel's queue is the measure.
void judge_event_loop(Judge& judge) {
  judge.at_least("EventLoop: a consumer that waits and drains, 1024", "loop-flow", kMqxxKernel, 2);
  judge.takes_at_most("  round trip, p50", "loop-roundtrip", kMqxxKernel, 1.1);
  judge.at_most("  telling of a ready queue, beyond epoll_wait", "loop-dispatch", kDispatch, 150);
  judge.grows_at_most("  10,000 idle queues beside", "loop-idle-1", "loop-idle-10000", "turn", kSameTime);
}

void judge_idle_and_open(Judge& judge) {
  judge.at_least("waking one of 64 sleepers: time", "sleepers-64", kKernel, 1, 0);
  judge.at_least("  processor time", "sleepers-64", kKernel, 1, 1);
  judge.at_most("idle receiver, processor time in 2 s", "idle-receiver", {"cpu", "us", Metric::Better::lower}, 100);
  const Metric memory{"memory", "KiB", Metric::Better::lower};
  judge.at_most("idle queue of 10 x 64 B", "memory-10x64B", memory, 16);
  judge.at_most("idle queue of 1,000,000 x 64 KiB", "memory-1000000x64KiB", memory, 64);
  const Metric call{"call", "us", Metric::Better::lower};
  judge.at_most("open + close", "open-close", call, 12);
  judge.at_most("create + unlink", "create-unlink", call, 30);
}

void judge_adaptivity(Judge& judge) {
  std::vector<std::string> crowded, one_core, busy;
  for (const Flow& flow : plain_flows()) {
    if (flow.producers + flow.consumers > 2) crowded.push_back(name_of(flow));
    one_core.push_back("onecore-" + name_of(flow));
    busy.push_back("busy-" + name_of(flow));
  }
  for (const auto& [where, list] : {std::pair{"more processes than two cores", crowded},
                                    {"all on one core", one_core},
                                    {"8 busy processes beside", busy}}) {
    judge.lowest_at_least(std::string(where) + ": spinning costs at most 10 %", list, kMqxxNoSpin, kSpinningMayCost);
    judge.lowest_at_least("  never slower than the kernel", list, kKernel, 1);
  }
}

// An unchanged program with libmqxx-posix preloaded, against itself on the kernel.
void judge_posix(Judge& judge) {
  judge.at_least("preloaded: send + receive in one thread, 64B", "posix-pair-64B", kKernel, 30);
  judge.at_least("  8KiB", "posix-pair-8KiB", kKernel, 10);
  judge.at_least("  1 -> 1, capacity 10", "posix-flow-10", kKernel, 5);
  judge.at_least("  1 -> 1, capacity 1000", "posix-flow-1000", kKernel, 3);
  judge.at_least("  round trip, two cores, p50", "posix-roundtrip", kKernel, 40);
  for (const std::string how : {"epoll", "poll"}) {
    judge.at_least("  " + how + "-driven consumer, 1000", "posix-flow-" + how + "-1000", kKernel, 2);
    judge.takes_at_most("  " + how + "-driven round trip, p50", "posix-roundtrip-" + how, kKernel, 1.1);
  }
  judge.takes_at_most("  open + close", "posix-open-close", kKernel, 4);
  judge.takes_at_most("  create + unlink", "posix-create-unlink", kKernel, 4);
}

}  // namespace

std::vector<Verdict> judge(const Results& results, const std::vector<Workload>& workloads) {
  Judge judge(results, workloads);
  judge_throughput(judge);
  judge_round_trip(judge);
  judge.grows_at_most("growth with depth, N = 100,000", "depth-10", "depth-100000", "message", 4);
  judge.grows_at_most("a loan of 16 MiB", "loan-64B", "loan-16MiB", "pair", kSameTime);
  judge.share_at_least("transfer between two queues of ours", "transfer-batch64", "1to1-cap1024-64B", 0.5);
  judge_event_loop(judge);
  judge_idle_and_open(judge);
  judge_adaptivity(judge);
  judge_posix(judge);
  return std::move(judge).verdicts();
}

std::vector<std::string> full_names(const std::vector<Verdict>& verdicts) {
  std::vector<std::string> names;
  std::string beginning;
  for (const Verdict& verdict : verdicts) {
    const bool goes_on = verdict.work.starts_with("  ");
    if (!goes_on) beginning = verdict.work.substr(0, verdict.work.find(':'));
    names.push_back(goes_on ? beginning + ": " + verdict.work.substr(2) : verdict.work);
  }
  return names;
}

std::string text_of(Verdict::State state) {
  switch (state) {
    case Verdict::State::met: return "yes";
    case Verdict::State::missed: return "NO";
    case Verdict::State::not_measured: break;
  }
  return "-";
}

void print_verdicts(const std::vector<Verdict>& verdicts, const Results& results) {
  fmt::print("\nTargets, as medians of the ratios in one run");
  if (const auto line = results.line_of_run()) fmt::print("; cache-line round trip {}", with_range(*line, "ns"));
  fmt::print("\n  {:<62}{:<34}{:<38}{}\n", "work", "target", "measured", "met");
  std::size_t met = 0, missed = 0;
  for (const Verdict& verdict : verdicts) {
    fmt::print("  {:<62}{:<34}{:<38}{}\n", verdict.work, verdict.target, verdict.measured, text_of(verdict.state));
    met += verdict.state == Verdict::State::met ? 1 : 0;
    missed += verdict.state == Verdict::State::missed ? 1 : 0;
  }
  fmt::print("  {} met, {} missed, {} not measured\n", met, missed, verdicts.size() - met - missed);
}

}  // namespace bench
