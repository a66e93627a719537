// Targets: what good looks like, row by row, and whether this run meets it.
#pragma once

#include <string>
#include <vector>

#include "measure/results.hpp"
#include "workloads/workload.hpp"

namespace bench {

struct Verdict {
  enum class State { met, missed, not_measured };
  std::string work;  ///< one that begins with a blank goes on where the row above began
  std::string target;
  std::string measured;
  State state = State::not_measured;
};

std::vector<Verdict> judge(const Results& results, const std::vector<Workload>& workloads);

/// Each verdict's work so that it can be read without the row above it.
std::vector<std::string> full_names(const std::vector<Verdict>& verdicts);

/// "yes", "NO" or "-".
std::string text_of(Verdict::State state);

void print_verdicts(const std::vector<Verdict>& verdicts, const Results& results);

}  // namespace bench
