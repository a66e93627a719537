#include "workloads/workload.hpp"

#include <iterator>

#include "measure/machine.hpp"
#include "posix/workloads.hpp"

namespace bench {

void place(Placement placement, unsigned worker) {
  if (placement != Placement::one_core && placement != Placement::two_cores) return;
  const std::vector<int> cpus = usable_cpus();
  if (placement == Placement::one_core) return pin_to(cpus[0]);
  if (cpus.size() < 2) throw Unavailable("needs two processors");
  pin_to(cpus[worker % 2]);
}

unsigned busy_processes(Placement placement) { return placement == Placement::busy ? kBusyProcesses : 0; }

std::vector<Workload> all_workloads(const Settings& settings) {
  std::vector<Workload> all;
  for (auto list : {single_thread_workloads(), flow_workloads(), round_trip_workloads(), depth_workloads(settings),
                    loan_workloads(), transfer_workloads(), event_loop_workloads(), event_loop_turn_workloads(),
                    sleeper_workloads(), idle_workloads(), open_workloads(), adaptivity_workloads()}) {
    std::move(list.begin(), list.end(), std::back_inserter(all));
  }
#if MQXX_BENCH_HAVE_POSIX
  for (Workload& workload : posix_workloads()) all.push_back(std::move(workload));
#endif
  return all;
}

}  // namespace bench
