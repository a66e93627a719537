// Workload: one line of the comparison. What it measures, on which peers, and how.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "measure/processes.hpp"
#include "measure/results.hpp"
#include "peer.hpp"

namespace bench {

/// Chosen once for the whole run, by the command line.
struct Settings {
  bool quick = false;
  int repetitions = 5;
  std::chrono::milliseconds duration{300};  ///< how long producers send in one run
  std::uint64_t seed = 1;
};

/// What one run of one peer is told.
struct Run {
  std::string channel;  ///< a name nobody else uses
  Settings settings;
  int repetition = 0;
};

struct Workload {
  std::string name;    ///< for --only, CSV and plots
  std::string family;  ///< likewise; families share a plot
  std::string title;
  std::vector<Metric> metrics;
  std::vector<std::string_view> peers;
  std::function<Measures(const Peer&, const Run&)> measure;  ///< called in a process of its own
  std::chrono::seconds limit{20};                            ///< when that process is killed
  int most_repetitions = 1000;                               ///< where one run holds several samples already
  double x = 0;                                              ///< where the family is drawn as lines: depth, bytes
};

/// Where the workers run.
enum class Placement {
  free,       ///< wherever the scheduler likes
  one_core,   ///< all on the first processor
  two_cores,  ///< odd and even workers on two processors
  busy,       ///< anywhere, with kBusyProcesses computing beside them
};
inline constexpr unsigned kBusyProcesses = 8;

/// Called by each worker first.
void place(Placement placement, unsigned worker);
/// Called in the measurement process: 0 or kBusyProcesses.
unsigned busy_processes(Placement placement);

inline const Metric kRate{"rate", "M/s", Metric::Better::higher};
inline const Metric kDispatch{"dispatch", "ns", Metric::Better::lower};

// One list a file.
std::vector<Workload> single_thread_workloads();
std::vector<Workload> flow_workloads();
std::vector<Workload> adaptivity_workloads();
std::vector<Workload> round_trip_workloads();
std::vector<Workload> depth_workloads(const Settings& settings);
std::vector<Workload> loan_workloads();
std::vector<Workload> sleeper_workloads();
std::vector<Workload> idle_workloads();
std::vector<Workload> open_workloads();
std::vector<Workload> transfer_workloads();
std::vector<Workload> event_loop_workloads();
std::vector<Workload> event_loop_turn_workloads();

/// All of them, in the order of the tables.
std::vector<Workload> all_workloads(const Settings& settings);

// Peer lists.
inline const std::vector<std::string_view> kEveryQueue = {kMqxx, kMqxxNoSpin, kKernel, kSysv, kUnix,
                                                          kPipe, kBoost,      kZeromq, kNng};
/// The kernel's queues and System V's by libc and by mqxx beside them.
inline const std::vector<std::string_view> kEveryHome = {kMqxx, kKernel, kMqxxKernel, kSysv,   kMqxxSysv,
                                                         kUnix, kPipe,   kBoost,      kZeromq, kNng};
inline const std::vector<std::string_view> kOursAndKernel = {kMqxx, kKernel};
inline const std::vector<std::string_view> kOursBothAndKernel = {kMqxx, kMqxxNoSpin, kKernel};
/// Those that mqxx must beat: real queues other than mqxx itself.
inline const std::vector<std::string_view> kRivals = {kKernel, kSysv, kUnix, kPipe, kBoost, kZeromq, kNng};

}  // namespace bench
