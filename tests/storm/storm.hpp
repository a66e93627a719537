// Storm: sixteen processes that send and receive over all of kPlaces while some are killed, some are stopped and go on,
// and swarms of short-lived senders come and go; and the account of it.
//
// The queues live as long as the storm; its rounds have a ledger each, and end with everybody gone and a verdict. Every
// killed worker has a successor in its seat at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storm/header_watch.hpp"
#include "storm/ledger.hpp"
#include "storm/worker.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/seed.hpp"

namespace mqxx::test {

/// What a storm has done so far.
struct Figures {
  std::chrono::duration<double> time{};
  std::uint64_t rounds = 0;
  std::uint64_t senders_killed = 0;
  std::uint64_t receivers_killed = 0;
  std::uint64_t passers_by = 0;
  std::uint64_t passers_by_killed = 0;
  std::uint64_t stops = 0;
  std::uint64_t floods = 0;
  std::uint64_t killed_inside = 0;   // a lock, for certain
  std::uint64_t stopped_inside = 0;  // likewise
  std::uint64_t recoveries = 0;      // of the queues, from dead owners
  std::uint64_t user_entries = 0;    // of the queue that has most, dead users among them
  Verdict verdict;
};

std::ostream& operator<<(std::ostream& out, const Figures& figures);

class Storm {
 public:
  /// @param faces  each worker has one of them
  Storm(std::vector<Face> faces, std::uint64_t seed);

  void begin_round();
  void rage(std::chrono::milliseconds time);
  /// Everybody goes on, ends, and is judged; the queues are empty and whole.
  void end_round();
  /// All room can be used; nobody has the queues open; and when their names are gone, so is everything.
  void finish();

  [[nodiscard]] const Ledger& ledger() const { return *ledger_; }
  [[nodiscard]] const Figures& figures() const { return figures_; }
  /// A seat that no worker has, for whoever wants to plant something.
  static constexpr std::uint32_t kFreeSeat = kSenders - 1;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Role : std::uint8_t { sender, receiver, passer_by };

  struct Worker {
    Role role;
    Job job;
    std::optional<Child> child;
    std::optional<Clock::time_point> goes_on;  // when it is stopped
    bool inside = false;                       // a lock, when it is
  };

  void start(Worker& worker);
  void kill(Worker& worker);
  void join(Worker& worker);
  void expect_ended(const Worker& worker, const Ended& ended, int signal);
  void go_on(Worker& worker);
  void strike();
  void cut_down();
  void swarm();
  void look_after();
  void dismiss_receivers();
  void judge_round();
  void find(std::string sentence) { figures_.verdict.find(std::move(sentence)); }
  Clock::duration random_stop();

  PrivateDirectory directory_;
  std::vector<Face> faces_;
  Random random_;
  std::unique_ptr<Ledger> ledger_;
  std::optional<HeaderWatch> watch_;
  std::deque<Worker> workers_;
  std::deque<Worker> passers_by_;                      // empty seats have no child
  std::vector<std::unique_ptr<Sending>> inheritance_;  // what this process has open, one for each face
  Clock::time_point began_;
  Clock::time_point flood_ends_;
  Figures figures_;
};

}  // namespace mqxx::test
