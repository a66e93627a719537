// The machine: its processors, what they cost at least, and its description for the record.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Processors this process may use, in order.
std::vector<int> usable_cpus();
/// Pins the calling process (its one thread, and the threads it starts later).
void pin_to(int cpu);

/// A cache line's round trip between the first two processors, ns, as the median of short bursts.
/// Nothing when there is only one.
std::optional<double> cache_line_round_trip_ns();

/// The cheapest system call, ns.
double system_call_ns();

/// Lets the kernel's own queues be as large as the workloads want them, as far as this user may, without changing the
/// system: in an IPC namespace of this process, where the limits are its own. @return what they are now
std::string raise_kernel_limits();

/// Where all processors' time went since boot, in ticks.
struct ProcessorTimes {
  double busy = 0;    ///< for anybody on this machine
  double stolen = 0;  ///< by the hypervisor, for other machines
  double all = 0;
};
ProcessorTimes processor_times();

/// Percent of all processors' time that others use now, watched for a moment: a busy machine measures itself.
double busy_percent_now();

/// System, version without the builder's suffix, and architecture: "Linux 6.1.0 x86_64".
std::string kernel_name();

/// Name and value: processor, memory, kernel, compiler, date.
std::vector<std::pair<std::string, std::string>> describe_machine();

}  // namespace bench
