// Sample: queues looked at again and again, and what happened between two looks.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <mqxx/inspect.hpp>

namespace mqxx::cli {

/// One queue over time. Queues of the kernel count no messages: they have a depth and no rates.
struct Sampled {
  QueueInfo info;
  std::deque<std::size_t> depths;  ///< the last ones, oldest first
  std::optional<double> sent_per_second;
  std::optional<double> received_per_second;
};

/// What happened to a queue, for one line.
struct Change {
  std::string name;
  enum class What { created, removed, changed } what = What::changed;
  QueueInfo before;
  QueueInfo now;
};

class Sampler {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param history  how many depths are kept of each queue
  explicit Sampler(std::size_t history) : history_(history) {}

  /// Takes the queues as they are now; sorted by name, as the library lists them.
  /// @return what changed since the last time; nothing the first time
  std::vector<Change> take(std::vector<QueueInfo> queues, Clock::time_point now);

  /// By name.
  [[nodiscard]] const std::vector<Sampled>& queues() const { return queues_; }

 private:
  [[nodiscard]] Sampled next(QueueInfo info, const Sampled* before, double seconds) const;

  std::size_t history_;
  std::vector<Sampled> queues_;
  std::optional<Clock::time_point> last_;
};

/// Whether anything differs that a line would tell.
[[nodiscard]] bool differs(const QueueInfo& before, const QueueInfo& now);

}  // namespace mqxx::cli
