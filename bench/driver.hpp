// Driver: runs the workloads, peers in turn within each repetition, every run in a process that can be thrown away.
#pragma once

#include <vector>

#include "measure/results.hpp"
#include "peer.hpp"
#include "workloads/workload.hpp"

namespace bench {

/// Prints each workload's table as soon as it is complete. Stops early after an interrupt.
Results run_all(const std::vector<Workload>& workloads, const std::vector<PeerPtr>& peers, const Settings& settings);

}  // namespace bench
