// Results: every measured number of a run, and the medians and ratios that tables and targets are made of.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace bench {

struct Metric {
  enum class Better { higher, lower };
  std::string name;  ///< "rate", "p50", ...
  std::string unit;  ///< "M/s", "ns", ...
  Better better = Better::lower;
};

struct Summary {
  double median = 0;
  double least = 0;
  double most = 0;
  std::size_t count = 0;
};

/// @return zeros for nothing
Summary summarise(std::vector<double> values);

class Results {
 public:
  using ByRepetition = std::map<int, double>;
  using Key = std::tuple<std::string, std::string, std::string>;  // workload, metric, peer

  void add(const std::string& workload, const std::string& metric, const std::string& peer, int repetition,
           double value);
  void add_missing(const std::string& workload, const std::string& peer, const std::string& reason);
  /// The cache line's round trip as it was just before a repetition.
  void add_line(const std::string& workload, int repetition, double ns);

  [[nodiscard]] std::optional<Summary> summary(std::string_view workload, std::string_view metric,
                                               std::string_view peer) const;
  /// How many times better `peer` is than `base`: the median of the ratios of each repetition.
  [[nodiscard]] std::optional<double> times_better(std::string_view workload, const Metric& metric,
                                                   std::string_view peer, std::string_view base) const;
  /// The value in units of the cache line's round trip of the same repetition; median.
  [[nodiscard]] std::optional<double> in_line_round_trips(std::string_view workload, std::string_view metric,
                                                          std::string_view peer) const;
  [[nodiscard]] std::optional<Summary> line(std::string_view workload) const;
  [[nodiscard]] std::optional<std::string> why_missing(std::string_view workload, std::string_view peer) const;
  /// Over the whole run.
  [[nodiscard]] std::optional<Summary> line_of_run() const;

  [[nodiscard]] const std::map<Key, ByRepetition>& all() const { return values_; }
  [[nodiscard]] const ByRepetition* find(std::string_view workload, std::string_view metric,
                                         std::string_view peer) const;

 private:
  std::map<Key, ByRepetition> values_;
  std::map<std::string, ByRepetition, std::less<>> lines_;              // by workload
  std::map<std::pair<std::string, std::string>, std::string> missing_;  // workload, peer -> reason
};

}  // namespace bench
