#include "measure/results.hpp"

#include <algorithm>

namespace bench {
namespace {

std::vector<double> values_of(const Results::ByRepetition& by_repetition) {
  std::vector<double> values;
  for (const auto& [repetition, value] : by_repetition) values.push_back(value);
  return values;
}

/// Combines two series where both have the repetition.
template <class Combine>
std::optional<double> median_of_pairs(const Results::ByRepetition* left, const Results::ByRepetition* right,
                                      Combine combine) {
  if (left == nullptr || right == nullptr) return std::nullopt;
  std::vector<double> combined;
  for (const auto& [repetition, value] : *left) {
    const auto partner = right->find(repetition);
    if (partner != right->end() && value > 0 && partner->second > 0) {
      combined.push_back(combine(value, partner->second));
    }
  }
  if (combined.empty()) return std::nullopt;
  return summarise(std::move(combined)).median;
}

}  // namespace

Summary summarise(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back(), values.size()};
}

void Results::add(const std::string& workload, const std::string& metric, const std::string& peer, int repetition,
                  double value) {
  values_[{workload, metric, peer}][repetition] = value;
}

void Results::add_missing(const std::string& workload, const std::string& peer, const std::string& reason) {
  missing_[{workload, peer}] = reason;
}

void Results::add_line(const std::string& workload, int repetition, double ns) { lines_[workload][repetition] = ns; }

const Results::ByRepetition* Results::find(std::string_view workload, std::string_view metric,
                                           std::string_view peer) const {
  const auto found = values_.find({std::string(workload), std::string(metric), std::string(peer)});
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<Summary> Results::summary(std::string_view workload, std::string_view metric,
                                        std::string_view peer) const {
  const ByRepetition* series = find(workload, metric, peer);
  if (series == nullptr) return std::nullopt;
  return summarise(values_of(*series));
}

std::optional<double> Results::times_better(std::string_view workload, const Metric& metric, std::string_view peer,
                                            std::string_view base) const {
  const bool higher = metric.better == Metric::Better::higher;
  return median_of_pairs(find(workload, metric.name, peer), find(workload, metric.name, base),
                         [higher](double ours, double theirs) { return higher ? ours / theirs : theirs / ours; });
}

std::optional<double> Results::in_line_round_trips(std::string_view workload, std::string_view metric,
                                                   std::string_view peer) const {
  const auto lines = lines_.find(workload);
  if (lines == lines_.end()) return std::nullopt;
  return median_of_pairs(find(workload, metric, peer), &lines->second,
                         [](double value, double line_ns) { return value / line_ns; });
}

std::optional<Summary> Results::line(std::string_view workload) const {
  const auto lines = lines_.find(workload);
  if (lines == lines_.end()) return std::nullopt;
  return summarise(values_of(lines->second));
}

std::optional<Summary> Results::line_of_run() const {
  std::vector<double> all;
  for (const auto& [workload, by_repetition] : lines_) {
    for (const auto& [repetition, ns] : by_repetition) all.push_back(ns);
  }
  if (all.empty()) return std::nullopt;
  return summarise(std::move(all));
}

std::optional<std::string> Results::why_missing(std::string_view workload, std::string_view peer) const {
  const auto found = missing_.find({std::string(workload), std::string(peer)});
  if (found == missing_.end()) return std::nullopt;
  return found->second;
}

}  // namespace bench
