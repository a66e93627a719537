// Guard: a mapping whose file may lose pages under it. The contract for whoever ports it.
//
//  - While a range is guarded, touching a page that its file does not have any more, or that there is no memory for,
//  does
//    not end the process: the page reads as zeros and keeps what is written to it, for this process alone.
//  - The last page of the range reads as zeros from then on, too, and before the access completes, whatever the file
//    still has. A word there that is not zero tells its owner that nothing was lost.
//  - All other pages that the file still has stay shared, as the locks in them must.
//  - What is no such access goes to whom the program has given the signal to: before the first guard, or through
//    exchange_action() since. Where the program's calls do not pass through here, it takes the signal over when it asks
//    for it later.
//  - The kernel ends a process that faults while the thread blocks the signal, guarded or not.
//  - over() fails with no_memory. guards() may be asked, and actions exchanged, from a signal handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <signal.h>

#include "base/result.hpp"

namespace mqxx::os {

struct GuardedRange;

class Guard {
 public:
  Guard() noexcept = default;
  Guard(Guard&& other) noexcept : range_(std::exchange(other.range_, nullptr)) {}
  Guard& operator=(Guard&& other) noexcept {
    std::swap(range_, other.range_);
    return *this;
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard();  ///< before the range is unmapped

  static Result<Guard> over(const std::byte* memory, std::uint64_t size) noexcept;

 private:
  GuardedRange* range_ = nullptr;
};

// ---- For a library that stands in front of sigaction(2)

/// The signal of a lost page.
inline constexpr int kGuardSignal = SIGBUS;
/// Whether there is a guard that stands before the program's action.
bool guards() noexcept;
/// Whether an action is the guard's own.
bool is_guard(const struct sigaction& action) noexcept;
/// The guard's action as it must be installed in front of that one, so that the system treats both alike.
struct sigaction guard_in_front_of(const struct sigaction& action) noexcept;
/// What the program arranges from now on, and what it had. false: out of memory for it.
bool exchange_action(const struct sigaction& action, struct sigaction& before) noexcept;
struct sigaction program_action() noexcept;

}  // namespace mqxx::os
