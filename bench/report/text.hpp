// Numbers and tables as text for people.
#pragma once

#include <string>

#include "measure/results.hpp"
#include "workloads/workload.hpp"

namespace bench {

/// Three significant digits, no exponent: 0.0345, 9.10, 1430.
std::string number(double value);
/// "7.9x"
std::string times(double ratio);
/// "112 ns (98 .. 140)"
std::string with_range(const Summary& summary, const std::string& unit);

/// One workload, a line a peer: median, range, ratio against the kernel.
void print_workload(const Workload& workload, const Results& results);

}  // namespace bench
