// Adaptivity: the same flows where spinning hurts. mqxx must notice, and keep up with itself not spinning.
#include "workloads/flow.hpp"

namespace bench {
namespace {

// With this many competitors a run must last several scheduler periods to mean anything.
constexpr int kBusyRunFactor = 4;

Measures measure_crowded(const Peer& peer, const Run& run, const Flow& flow) {
  Run longer = run;
  if (flow.placement == Placement::busy) longer.settings.duration *= kBusyRunFactor;
  return measure_flow(peer, longer, flow);
}

}  // namespace

std::vector<Workload> adaptivity_workloads() {
  std::vector<Workload> list;
  for (const Placement placement : {Placement::one_core, Placement::busy}) {
    for (Flow flow : plain_flows()) {
      flow.placement = placement;
      const bool busy = placement == Placement::busy;
      list.push_back({
          .name = (busy ? "busy-" : "onecore-") + name_of(flow),
          .family = busy ? "busy" : "onecore",
          .title = title_of(flow) + (busy ? ", 8 busy processes beside" : ", all on one core"),
          .metrics = {kRate},
          .peers = kOursBothAndKernel,
          .measure = [flow](const Peer& peer, const Run& run) { return measure_crowded(peer, run, flow); },
      });
    }
  }
  return list;
}

}  // namespace bench
