// An unchanged program on the kernel's queues and with libmqxx-posix preloaded: mqxx-posix-bench, run as often as it
// takes.
#pragma once

#include <vector>

#include "workloads/workload.hpp"

namespace bench {

/// Only in builds that have the library.
std::vector<Workload> posix_workloads();

}  // namespace bench
