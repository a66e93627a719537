// The oracle: runs one case of mqxx_posix_cases in a fresh process, on the kernel's queues or preloaded.
#pragma once

#include <string>
#include <vector>

namespace mqxx::test {

/// A line of `mqxx_posix_cases --list`.
struct OracleCase {
  std::string id;
  bool differs = false;
  std::string sentence;
};

/// What a case did.
struct Outcome {
  bool late = false;   ///< it was killed, with its children, because it did not end
  int status = 0;      ///< its exit status, or 1000 + signal
  std::string trace;   ///< stdout
  std::string errors;  ///< stderr, which must be empty: the library prints nothing

  [[nodiscard]] bool well() const { return !late && status == 0 && errors.empty(); }
};

/// Whose queues.
enum class Queues {
  kernel,     ///< libc's calls, in an IPC namespace of its own where that is allowed
  preloaded,  ///< the library's; the kernel's answer ENOSYS, so that a preload that is not in use cannot pass
  none,       ///< libc's calls, and the kernel's answer ENOSYS: what a preload that is not in use looks like
};

std::vector<OracleCase> oracle_cases();
Outcome run_case(const std::string& id, Queues queues);
bool kernel_has_queues();

/// The lines of both, "-" in front of those that only the kernel's trace has, "+" of those that only ours has.
std::string difference(const std::string& kernel, const std::string& ours);

std::vector<std::string> lines_of(const std::string& text);

/// What a command prints; throws when it fails.
std::string output_of(const std::string& command);

}  // namespace mqxx::test
