// Send and receive by turns in one thread: what a message costs when nobody waits.
#pragma once

#include "workloads/workload.hpp"

namespace bench {

/// @return ns per pair
Measures measure_pair(const Peer& peer, const Run& run, std::size_t capacity, std::size_t message_size);

}  // namespace bench
