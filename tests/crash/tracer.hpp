// Victim: a child that is led through one operation instruction by instruction, and killed where the tracer wants it.
//
// The child prepares, stops, and from then on takes one instruction at a time (ptrace). Death is SIGKILL while it is
// stopped, so it has done exactly the instructions that were counted; a system call is one of them.
//   V1  `prepare` answers what is to be traced; what it needs is made before the first counted instruction.
//   V2  The way to instruction k is short: the child runs freely to the last instruction before k that it had never, or
//       seldom, executed before in a recorded run, where a breakpoint waits, and is stepped from there. So N deaths
//       cost about N processes and not N * N / 2 steps. A child that does not come by strays, and its run is made again
//       step by step. An instruction that repeats itself (rep movs) is a step each time, and all but the last of them
//       are made at once, with a smaller count in RCX.
// Threads: one tracer thread. x86-64 only, for its breakpoints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <sys/types.h>

namespace mqxx::crash {

/// One recorded run: where the child stood before each instruction.
struct Trace {
  std::vector<std::uint64_t> places;
  std::vector<bool> inside;          // what `look` answered there: inside a lock
  std::vector<std::size_t> visits;   // how often the place had been come to, with this time; 0: it repeats itself
  std::vector<std::size_t> anchors;  // the position not behind this one from where the way is the shortest
  std::vector<std::size_t> leaves;   // the first position behind this one at another place, or the number of all

  void add(std::uint64_t place, bool is_inside);
  void find_ways();
};

class Victim {
 public:
  using Prepare = std::function<std::function<void()>()>;

  /// Forks at once, so that the child has nothing of what its maker opens from now on.
  explicit Victim(const Prepare& prepare);
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim();

  /// Lets it prepare. @return false: it failed, and is gone
  bool begin();
  enum class At : std::uint8_t { place, end, strayed };
  /// To just before instruction `k`. end: the operation was over before. `alive` is called at each step, of which there
  /// may be many, each as long as the machine's other work lets it. REQUIRES: begin() and nothing since.
  At advance(std::size_t k, const Trace* trace, const std::function<void()>& alive);
  /// The whole operation. `look` is asked before each instruction.
  Trace record(const std::function<bool()>& look);
  /// Dies here and now; afterwards nothing of it is left.
  void kill();

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  enum class Stop : std::uint8_t { trapped, gone };
  Stop resume(int request);
  At step();
  [[nodiscard]] std::uint64_t place() const;
  bool run_to(std::uint64_t place);
  bool run_to(std::uint64_t place, std::size_t visits);
  At repeat(std::size_t at, std::size_t end, const Trace& trace);
  [[nodiscard]] std::uint64_t peek(std::size_t of_user) const;
  void poke(std::size_t of_user, std::uint64_t value) const;

  pid_t pid_ = -1;
  int go_ = -1;
  bool over_ = false;
};

}  // namespace mqxx::crash
