// Campaign: one operation, killed again and again, and what its survivors say.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "operation.hpp"
#include "report.hpp"

namespace mqxx::crash {

struct Plan {
  std::size_t kills = 0;              // a sample of so many, half of them inside a lock; 0: at every instruction
  std::uint64_t seed = 0;             // of the sample
  std::optional<std::size_t> only{};  // at this one instruction, to look at a finding again
  bool sweep = false;                 // wait until what dead creators left may be swept away, and look whether it is
  std::chrono::seconds patience{60};  // a survivor that is not heard of for so long hangs
};

/// Runs in a process of its own, which is begun anew behind the death that it did not survive.
void attack(const Operation& operation, const Plan& plan, const Report& report);

}  // namespace mqxx::crash
