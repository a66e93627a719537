#include "driver.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <unistd.h>

#include "measure/clock.hpp"
#include "measure/machine.hpp"
#include "report/text.hpp"

namespace bench {
namespace {

// A peer that takes this long for one repetition is not measured again: its number will not change the picture.
constexpr std::int64_t kTooLongToRepeat = 10'000'000'000;  // ns

/// One peer within one workload: whether there is any use in running it again.
struct Contestant {
  const Peer* peer;
  bool active = true;
};

class Contest {
 public:
  Contest(const Workload& workload, const std::vector<PeerPtr>& peers, const Settings& settings, Results& results)
      : workload_(workload), settings_(settings), results_(results) {
    for (const std::string_view name : workload.peers) {
      const Peer* peer = find_peer(peers, name);
      if (peer == nullptr) {
        results.add_missing(workload.name, std::string(name), "not installed when this was built");
      } else {
        contestants_.push_back({peer});
      }
    }
  }

  void run() {
    const int repetitions = std::min(settings_.repetitions, workload_.most_repetitions);
    for (int repetition = 0; repetition < repetitions && !interrupted(); ++repetition) {
      results_.add_line(workload_.name, repetition, cache_line_round_trip_ns().value_or(0));
      // Each repetition begins with another peer, so that nobody always follows the same one.
      for (std::size_t i = 0; i < contestants_.size(); ++i) {
        run_one(contestants_[(i + static_cast<std::size_t>(repetition)) % contestants_.size()], repetition);
      }
    }
  }

 private:
  void run_one(Contestant& contestant, int repetition) {
    if (!contestant.active || interrupted()) return;
    const std::string peer = contestant.peer->name();
    const Run run{.channel = next_channel(), .settings = settings_, .repetition = repetition};
    const std::int64_t started = now_ns();
    const Outcome outcome = run_isolated([&] { return workload_.measure(*contestant.peer, run); }, workload_.limit);
    if (outcome.ok) {
      for (std::size_t i = 0; i < workload_.metrics.size(); ++i) {
        results_.add(workload_.name, workload_.metrics[i].name, peer, repetition, outcome.values[i]);
      }
      if (now_ns() - started < kTooLongToRepeat || repetition + 1 == settings_.repetitions) return;
      results_.add_missing(workload_.name, peer, "too slow to repeat");
    } else {
      for (const char* suffix : {"", "q", "a", "i0", "i1", "i2", "i3", "i4"}) {
        contestant.peer->remove(run.channel + suffix);
      }
      results_.add_missing(workload_.name, peer, outcome.problem);
    }
    contestant.active = false;
  }

  static std::string next_channel() {
    static int count = 0;
    return fmt::format("mqxx-bench-{}-{}", ::getpid(), ++count);
  }

  const Workload& workload_;
  const Settings& settings_;
  Results& results_;
  std::vector<Contestant> contestants_;
};

}  // namespace

Results run_all(const std::vector<Workload>& workloads, const std::vector<PeerPtr>& peers, const Settings& settings) {
  Results results;
  for (const Workload& workload : workloads) {
    if (interrupted()) break;
    Contest(workload, peers, settings, results).run();
    print_workload(workload, results);
  }
  return results;
}

}  // namespace bench
