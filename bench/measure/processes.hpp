// Processes of a measurement: one that can be thrown away whole, its workers, and the busy crowd beside them.
//
//   driver (mqxx-bench) --fork--> measurement process --fork--> workers, busy processes
//
// A peer may hang anywhere, also while it is being set up. So the driver calls no peer itself: everything happens in
// the measurement process, which leads a process group that the driver kills when its time is up.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <pthread.h>
#include <sys/types.h>

#include "measure/shared.hpp"

namespace bench {

inline constexpr std::size_t kMostMetrics = 4;

/// What one run of one peer measured, in the order of Workload::metrics.
using Measures = std::array<double, kMostMetrics>;

struct Outcome {
  bool ok = false;
  Measures values{};
  std::string problem;  ///< why not ok
};

/// Runs the body in a process of its own; kills that process and all of its children when it takes longer
/// than `limit`. An exception of the body becomes the problem.
Outcome run_isolated(const std::function<Measures()>& body, std::chrono::seconds limit);

/// True after SIGINT or SIGTERM; running measurements end at once then.
bool interrupted();
void watch_for_interrupts();

/// Where workers meet. Each calls all three, in this order, exactly once.
class Barriers {
 public:
  explicit Barriers(unsigned members);
  /// Every consumer is there: producers may connect.
  void consumers_made() { ::pthread_barrier_wait(&all_->consumers_made); }
  /// Everybody is set up.
  void start() { ::pthread_barrier_wait(&all_->start); }
  /// Nobody needs a connection any more.
  void finish() { ::pthread_barrier_wait(&all_->finish); }

 private:
  struct All {
    pthread_barrier_t consumers_made;
    pthread_barrier_t start;
    pthread_barrier_t finish;
  };
  Shared<All> all_;
};

using Member = std::function<void(Barriers&)>;

/// Forks one process a member and waits for all. When one fails the others are killed.
/// @throws std::runtime_error  with the message of the first that failed
void run_team(const std::vector<Member>& members);

/// Keeps `count` processes computing until it is destroyed.
class BusyCrowd {
 public:
  explicit BusyCrowd(unsigned count);
  BusyCrowd(const BusyCrowd&) = delete;
  BusyCrowd& operator=(const BusyCrowd&) = delete;
  ~BusyCrowd();

 private:
  std::vector<pid_t> processes_;
};

}  // namespace bench
