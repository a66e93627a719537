#include "storm/storm.hpp"

#include <csignal>
#include <ostream>
#include <thread>

#include <mqxx/inspect.hpp>
#include <mqxx/queue.hpp>

#include "storm/places.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

constexpr std::uint32_t kReceiversEach = 2;
constexpr std::uint32_t kWorkers = 16;
constexpr std::uint32_t kReceiving = kReceiversEach * kPlaces.size();
constexpr std::uint32_t kSending = kWorkers - kReceiving;
constexpr std::uint32_t kPassersBy = 12;
static_assert(kReceiving <= kReceivers && kSending + kPassersBy < kSenders);
constexpr auto kPatience = std::chrono::seconds(30);  // for what takes a second, and is stuck otherwise
constexpr int kAims = 20;                             // attempts to stop somebody inside a lock

template <class Condition>
bool comes_true(Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

std::string state_of(const Queue& queue) {
  const Attributes attributes = queue.attributes();
  const Statistics statistics = queue.statistics();
  return queue.name() + ": depth " + std::to_string(attributes.depth) + ", loans " + std::to_string(statistics.loans) +
         ", waiting to send " + std::to_string(statistics.waiting_senders) + ", to receive " +
         std::to_string(statistics.waiting_receivers);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Figures& figures) {
  const double seconds = figures.time.count();
  const std::uint64_t kills = figures.senders_killed + figures.receivers_killed + figures.passers_by_killed;
  const Verdict& verdict = figures.verdict;
  const std::uint64_t checked = verdict.acknowledged + verdict.refused + verdict.cut_short;
  const auto per_second = [seconds](std::uint64_t count) {
    return " (" + std::to_string(static_cast<std::uint64_t>(static_cast<double>(count) / seconds)) + "/s)";
  };
  return out << seconds << " s in " << figures.rounds << " rounds\n  killed: " << kills << per_second(kills) << ", "
             << figures.senders_killed << " senders, " << figures.receivers_killed << " receivers, "
             << figures.passers_by_killed << " passers-by; " << figures.killed_inside
             << " of them inside a lock for certain; " << figures.recoveries
             << " recoveries\n  stopped: " << figures.stops << ", " << figures.stopped_inside
             << " of them inside a lock; passers-by: " << figures.passers_by << "; floods: " << figures.floods
             << "; entries for users: " << figures.user_entries << "\n  messages checked: " << checked
             << per_second(checked) << ": " << verdict.acknowledged << " acknowledged, " << verdict.taken_by_dead
             << " of them taken by the dead; " << verdict.refused << " refused; " << verdict.cut_short
             << " cut short by a death, " << verdict.cut_but_sent << " of them sent\n  wrong: " << verdict.wrongs
             << "\n";
}

Storm::Storm(std::vector<Face> faces, std::uint64_t seed) : faces_(std::move(faces)), random_(seed) {
  for (const Place& place : kPlaces) {
    (void)Queue::create(place.name, {.capacity = place.capacity, .message_size = place.message_size});
  }
  watch_.emplace();
}

// ---- Workers

void Storm::start(Worker& worker) {
  worker.goes_on.reset();
  worker.job.face = faces_.at(random_.below(faces_.size()));
  worker.job.seed = random_.below(~std::uint64_t{0});
  worker.child.emplace([this, &worker] {
    switch (worker.role) {
      case Role::sender: return work_as_sender(*ledger_, worker.job);
      case Role::receiver: return work_as_receiver(*ledger_, worker.job);
      case Role::passer_by: return work_as_passer_by(*ledger_, worker.job);
    }
  });
}

void Storm::expect_ended(const Worker& worker, const Ended& ended, int signal) {
  if (!ended.late && ended.signal == signal && (signal != 0 || ended.exit_status == 0) && ended.failures.empty())
    return;
  find("seat " + std::to_string(worker.job.seat) + (worker.role == Role::receiver ? " of a receiver" : " of a sender") +
       (ended.late ? " did not end" : " ended by itself: signal " + std::to_string(ended.signal) + ", status ") +
       std::to_string(ended.exit_status) + " " + ended.failures);
}

void Storm::kill(Worker& worker) {
  const Ended ended = worker.child->kill();
  // A passer-by may have been gone just before.
  const bool gone = worker.role == Role::passer_by && ended.well();
  expect_ended(worker, ended, gone ? 0 : SIGKILL);
  if (worker.role == Role::receiver) {
    ++figures_.receivers_killed;
    ledger_->dissect_receiver(worker.job.seat);
  } else if (!gone) {
    ++(worker.role == Role::sender ? figures_.senders_killed : figures_.passers_by_killed);
    ledger_->dissect_sender(worker.job.seat);
  }
  worker.child.reset();
}

void Storm::join(Worker& worker) {
  go_on(worker);
  const Ended ended = worker.child->join(std::chrono::duration_cast<std::chrono::seconds>(kPatience));
  expect_ended(worker, ended, 0);
  worker.child.reset();
}

void Storm::go_on(Worker& worker) {
  if (!worker.goes_on) return;
  // However long it stood, the others waited.
  if (worker.inside && !watch_->is_inside(worker.child->pid())) find("a stopped process has lost its lock to another");
  worker.child->go_on();
  worker.goes_on.reset();
}

// ---- What happens to them

Storm::Clock::duration Storm::random_stop() {
  // A lock that is held for more than 200 ms makes the others doubt that its owner is one of them.
  if (random_.one_in(20)) return std::chrono::milliseconds(250 + random_.below(200));
  return std::chrono::microseconds(random_.below(20'000));
}

// Stops a worker, inside a lock if it can be met there, and kills it or lets it stand for a while.
void Storm::strike() {
  Worker& worker = workers_.at(random_.below(workers_.size()));
  const bool aims = !worker.goes_on && random_.one_in(2);
  bool inside = false;
  for (int i = 0; aims && i < kAims && !inside; ++i) {
    if (i > 0) worker.child->go_on();
    if (!worker.child->stop()) break;  // killing it tells what has happened
    inside = watch_->is_inside(worker.child->pid());
  }
  if (aims && random_.one_in(3)) {
    ++figures_.stops;
    figures_.stopped_inside += inside ? 1 : 0;
    worker.goes_on = Clock::now() + random_stop();
    worker.inside = inside;
    return;
  }
  figures_.killed_inside += inside ? 1 : 0;
  kill(worker);
  start(worker);
}

// One in a few dies, or everybody; only then come the successors. What one of them left is found by nobody but the next
// generation, together with what the others left.
void Storm::cut_down() {
  const std::uint64_t few = 1 + random_.below(4);
  for (Worker& worker : workers_) {
    if (random_.one_in(few)) kill(worker);
  }
  for (Worker& worker : workers_) {
    if (!worker.child) start(worker);
  }
}

void Storm::swarm() {
  for (Worker& worker : passers_by_) {
    if (worker.child) continue;
    ++figures_.passers_by;
    worker.job.inherited = random_.one_in(2) ? inheritance_.at(random_.below(inheritance_.size())).get() : nullptr;
    start(worker);
  }
  // They are gone in no time, so this is the moment.
  std::this_thread::sleep_for(std::chrono::microseconds(random_.below(500)));
  for (Worker& worker : passers_by_) {
    if (random_.one_in(4)) kill(worker);
  }
}

// Those whose time has come.
void Storm::look_after() {
  const auto now = Clock::now();
  for (Worker& worker : workers_) {
    if (worker.goes_on && *worker.goes_on <= now) go_on(worker);
  }
  for (Worker& worker : passers_by_) {
    if (!worker.child) continue;
    if (worker.child->has_ended()) join(worker);
  }
  if (ledger_->flood() && now > flood_ends_) ledger_->set_flood(false);
}

// ---- Rounds

void Storm::begin_round() {
  ledger_ = std::make_unique<Ledger>();
  workers_.clear();
  passers_by_.clear();
  for (std::uint32_t seat = 0; seat < kReceiving; ++seat) {
    workers_.push_back({Role::receiver, {.seat = seat, .place = seat % kPlaces.size()}, {}, {}});
  }
  for (std::uint32_t seat = 0; seat < kSending; ++seat) workers_.push_back({Role::sender, {.seat = seat}, {}, {}});
  for (std::uint32_t i = 0; i < kPassersBy; ++i) {
    passers_by_.push_back({Role::passer_by, {.seat = kSending + i}, {}, {}});
  }
  for (const Face face : faces_) inheritance_.push_back(make_sending(face, random_));
  began_ = Clock::now();
  ++figures_.rounds;
  for (Worker& worker : workers_) start(worker);
}

void Storm::rage(std::chrono::milliseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::microseconds(random_.below(4000)));
    look_after();
    if (random_.one_in(50)) swarm();
    if (random_.one_in(100) && !ledger_->flood()) {
      ++figures_.floods;
      ledger_->set_flood(true);
      flood_ends_ = Clock::now() + std::chrono::milliseconds(random_.below(200));
    }
    if (random_.one_in(50)) cut_down();
    strike();
  }
  ledger_->set_flood(false);
}

// Receivers that wait without end are told by an end mark; those that leave before they get theirs leave it behind.
void Storm::dismiss_receivers() {
  std::array<std::byte, sizeof(Stamp)> mark{};
  write_stamped(mark, kEndMark, 0, 0);
  ledger_->stop_receivers();
  for (Worker& worker : workers_) {
    if (!worker.child) continue;
    Queue queue = Queue::open(kPlaces.at(worker.job.place).name);
    (void)comes_true([&] {
      if (queue.attributes().depth == 0) (void)queue.try_send(std::span<const std::byte>(mark));
      return worker.child->has_ended();
    });
    join(worker);
  }
  for (const Place& place : kPlaces) {
    Queue queue = Queue::open(place.name);
    for (const Message& message : queue.drain()) {
      const std::optional<Stamp> stamp = read_stamped(message.bytes());
      if (!stamp || stamp->producer != kEndMark) find("left in " + queue.name() + " when it had been empty");
    }
  }
}

void Storm::end_round() {
  for (Worker& worker : workers_) go_on(worker);
  for (Worker& worker : passers_by_) {
    if (worker.child) join(worker);
  }
  inheritance_.clear();
  ledger_->stop_senders();
  for (Worker& worker : workers_) {
    if (worker.role == Role::sender) join(worker);
  }
  for (const Place& place : kPlaces) {
    const Queue queue = Queue::open(place.name);
    // Loans of the dead among it: they come back when somebody misses them.
    const auto empty = [&] { return queue.attributes().depth == 0 && queue.statistics().loans == 0; };
    if (!comes_true(empty)) find("not emptied: " + state_of(queue));
  }
  dismiss_receivers();
  figures_.time += Clock::now() - began_;
  judge_round();
}

void Storm::judge_round() {
  figures_.verdict.add(ledger_->judge());
  figures_.recoveries = 0;
  for (const Place& place : kPlaces) {
    const std::string broken = broken_invariants(place.name);
    if (!broken.empty()) find(std::string("broken in ") + place.name + ": " + broken);
    const QueueInfo info = describe(place.name);
    if (!info.users.empty()) find(std::string("somebody still has it open: ") + place.name);
    figures_.recoveries += info.statistics.recoveries;
  }
  figures_.user_entries = watch_->most_users();
}

void Storm::finish() {
  for (const Place& place : kPlaces) {
    Queue queue = Queue::open(place.name);
    std::size_t fitted = 0;
    while (queue.try_send("room")) ++fitted;
    if (fitted != place.capacity) find(std::to_string(fitted) + " fit into " + state_of(queue));
    const std::string broken = broken_invariants(place.name);
    if (!broken.empty()) find(std::string("broken when full: ") + place.name + ": " + broken);
    queue.unlink();
  }
  if (directory_.file_count() != 0) find(std::to_string(directory_.file_count()) + " files are left");
}

}  // namespace mqxx::test
