// Flow: producers send as fast as they can for a while, consumers receive everything.
#pragma once

#include "workloads/workload.hpp"

namespace bench {

struct Flow {
  unsigned producers = 1;
  unsigned consumers = 1;
  std::size_t capacity = 10;
  std::size_t message_size = 64;
  std::size_t batch = 1;  ///< messages a call, for peers that have such a call
  Placement placement = Placement::free;
};

/// Messages a second, in millions, from the start of the first producer to the end of the last consumer.
/// @throws std::runtime_error  a message was lost, doubled, torn or out of order
Measures measure_flow(const Peer& peer, const Run& run, const Flow& flow);

/// "1to1-cap10-64B" and the like.
std::string name_of(const Flow& flow);
std::string title_of(const Flow& flow);

/// The flows of the throughput tables, without batches.
std::vector<Flow> plain_flows();

}  // namespace bench
