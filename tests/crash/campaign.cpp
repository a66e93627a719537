#include "campaign.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/layout.hpp"
#include "sleeper.hpp"
#include "survivor.hpp"
#include "tracer.hpp"

namespace mqxx::crash {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRounds = 4;       // deaths of a first victim, spread over the time inside the lock
constexpr std::size_t kMostBeyond = 64;  // instructions behind the recorded end, should a run be longer
constexpr int kMostHangs = 3;
constexpr auto kSweepAge = 11s;  // docs/layout.md: files without a name stay for ten

/// Whether one thread is inside a lock of the queue; asks the file.
class LockLook {
 public:
  LockLook(const std::string& path, pid_t thread)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), thread_(static_cast<std::uint32_t>(thread)) {}
  LockLook(const LockLook&) = delete;
  LockLook& operator=(const LockLook&) = delete;
  ~LockLook() { ::close(file_); }
  bool operator()() const { return held(offsetof(shm::Header, sender)) || held(offsetof(shm::Header, receiver)); }

 private:
  [[nodiscard]] bool held(off_t lock) const {
    static_assert(offsetof(shm::SenderSide, lock) == 0 && offsetof(os::LockWord, word) == 0);
    std::uint32_t word = 0;
    return ::pread(file_, &word, sizeof word, lock) == sizeof word && (word & FUTEX_TID_MASK) == thread_;
  }
  int file_;
  std::uint32_t thread_;
};

/// A second thread of the survivor, which never ends: for faults that are planted in the name of one who lives.
std::uint32_t bystander() {
  static const std::uint32_t thread = [] {
    std::promise<std::uint32_t> told;
    std::thread([&told] {
      sigset_t all;
      sigfillset(&all);
      ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
      told.set_value(static_cast<std::uint32_t>(::gettid()));
      for (;;) ::pause();
    }).detach();
    return told.get_future().get();
  }();
  return thread;
}

/// The processes of one death, and their survivor.
class Stage {
 public:
  Stage(const Operation& operation, const Report& report, const std::string& directory)
      : operation_(operation), survivor_(operation, report, directory), directory_(directory) {
    if (operation.inherits) survivor_.make_queue();
    Scene scene = operation.inherits ? survivor_.scene() : Scene{.setting = operation.setting};
    if (operation.setting.bystander) scene.bystander = bystander();
    if (operation.first) first = std::make_unique<Victim>([&] { return operation.first(scene); });
    victim = std::make_unique<Victim>([&] { return operation.prepare(scene); });
    const Sleeper sleeper = operation.setting.sleeper;
    if (sleeper != Sleeper::nobody) sleeper_ = std::make_unique<SleepingPeer>(sleeper, operation.face);
    if (!operation.inherits) survivor_.make_queue();
    if (sleeper_ && !sleeper_->fall_asleep()) throw std::runtime_error("the sleeper does not sleep");
  }
  void examine(std::size_t variant) {
    survivor_.examine(variant, sleeper_.get());
    sleeper_.reset();
    survivor_.clean_up();
  }
  [[nodiscard]] Trace record(Victim& who) const {
    if (!who.begin()) throw std::runtime_error("the victim could not prepare");
    const LockLook look(directory_ + "/mqxx.q", who.pid());
    return who.record([&] { return look(); });
  }

  std::unique_ptr<Victim> first;
  std::unique_ptr<Victim> victim;

 private:
  const Operation& operation_;
  Survivor survivor_;
  std::unique_ptr<SleepingPeer> sleeper_;
  std::string directory_;
};

class Runner {
 public:
  Runner(const Operation& operation, const Plan& plan, const Report& report, const std::filesystem::path& base)
      : operation_(operation),
        plan_(plan),
        report_(report),
        directory_(base / "queues"),
        random_(plan.seed ^ std::hash<std::string>{}(operation.name)) {
    ::setenv("MQXX_DIR", directory_.c_str(), 1);
  }

  /// Without the positions up to and including `done` of the round `from`.
  void run(std::size_t from, std::optional<std::size_t> done) {
    const std::size_t rounds = operation_.first ? kRounds : 1;
    // A sample has one of the rounds.
    const std::size_t begin = plan_.kills == 0 ? from : random_() % rounds;
    const std::size_t end = plan_.kills == 0 ? rounds : begin + 1;
    for (std::size_t round = begin; round < end; ++round, done.reset()) {
      report_.at(round, 0, "recording");
      // Twice: a child has its maker's heap, which the first stage changes for good, and with it the way of every run.
      for (int times = 0; times < 2; ++times) record(round, rounds);
      if (!done) report_.figures().instructions += trace_.places.size();
      for (const std::size_t k : positions()) {
        if (done && k <= *done) continue;
        report_.at(round, k, "dying");
        // Over before a place that was recorded: this run took a shorter way, and the next one need not.
        if (!kill_at(k) && k >= trace_.places.size()) break;
      }
    }
  }

 private:
  void record(std::size_t round, std::size_t rounds) {
    if (operation_.first) {
      Stage stage(operation_, report_, directory_);
      first_ = stage.record(*stage.first);
      stage.first->kill();
      std::vector<std::size_t> inside;
      for (std::size_t at = 0; at < first_.inside.size(); ++at) {
        if (first_.inside[at]) inside.push_back(at);
      }
      if (inside.empty()) throw std::runtime_error("the first victim was never inside a lock");
      first_at_ = inside[(2 * round + 1) * inside.size() / (2 * rounds)];
      stage.victim->kill();
      stage.examine(0);
    }
    Stage stage(operation_, report_, directory_);
    kill_first(stage);
    trace_ = stage.record(*stage.victim);
    stage.victim->kill();
    stage.examine(0);  // the operation itself, which nobody died in
  }

  // false: it did not come there, and is dead now somewhere else.
  bool kill_first(Stage& stage) const {
    if (!stage.first) return true;
    if (!stage.first->begin()) throw std::runtime_error("the first victim could not prepare");
    const bool there =
        stage.first->advance(first_at_, &first_, [this] { report_.doing("dying"); }) == Victim::At::place;
    stage.first->kill();
    return there;
  }

  std::vector<std::size_t> positions() {
    if (plan_.only) return {*plan_.only};
    std::vector<std::size_t> all;
    std::vector<std::size_t> inside;
    const std::size_t end = trace_.places.size();
    for (std::size_t k = 0; k < end; ++k) all.push_back(k);
    if (plan_.kills == 0) {
      for (std::size_t k = end; k < end + kMostBeyond; ++k) all.push_back(k);
      return all;
    }
    std::copy_if(all.begin(), all.end(), std::back_inserter(inside), [&](std::size_t k) { return trace_.inside[k]; });
    std::vector<std::size_t> chosen;
    std::sample(inside.begin(), inside.end(), std::back_inserter(chosen), plan_.kills / 2, random_);
    std::sample(all.begin(), all.end(), std::back_inserter(chosen), plan_.kills - chosen.size(), random_);
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    return chosen;
  }

  /// @return false: the operation was over before
  bool kill_at(std::size_t k) {
    Victim::At at = kill_at(k, operation_.threads ? nullptr : &trace_);
    if (at == Victim::At::strayed && !operation_.threads) at = kill_at(k, nullptr);
    return at != Victim::At::end;
  }

  Victim::At kill_at(std::size_t k, const Trace* trace) {
    const std::uint64_t before = report_.figures().findings;
    Stage stage(operation_, report_, directory_);
    const bool there = kill_first(stage);
    if (!stage.victim->begin()) throw std::runtime_error("the victim could not prepare");
    const Victim::At at = stage.victim->advance(k, trace, [this] { report_.doing("dying"); });
    const bool inside = LockLook(directory_ + "/mqxx.q", stage.victim->pid())();
    stage.victim->kill();
    if (at != Victim::At::end) {
      ++report_.figures().kills;
      if (inside) ++report_.figures().inside;
      if (at == Victim::At::strayed || !there) ++report_.figures().strayed;
    }
    stage.examine(k);
    if (report_.figures().findings != before) ++report_.figures().bad;
    return at;
  }

  const Operation& operation_;
  const Plan& plan_;
  const Report& report_;
  std::string directory_;
  std::mt19937_64 random_;
  Trace first_;
  std::size_t first_at_ = 0;
  Trace trace_;
};

// Stepping goes ten times faster when nobody has to wake another processor.
void stay_on_this_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  (void)::sched_setaffinity(0, sizeof one, &one);
}

template <class Body>
pid_t fork_with(Body body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  body();
  std::fflush(nullptr);
  ::_exit(0);
}

/// Of a process and its children, what each is doing: its state, and the system call it is in.
std::string doings(pid_t parent) {
  const auto read = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string name = std::to_string(parent);
  std::istringstream children(read("/proc/" + name + "/task/" + name + "/children"));
  std::string all;
  for (pid_t pid = parent; pid != 0 && children; children >> pid) {
    const std::string here = "/proc/" + std::to_string(pid);
    const std::string stat = read(here + "/stat");
    const std::size_t state = stat.rfind(')');
    all += "\n  " + std::to_string(pid) + ' ' + (state == std::string::npos ? "gone" : stat.substr(state + 2, 1)) +
           ' ' + read(here + "/syscall");
    while (!all.empty() && all.back() == '\n') all.pop_back();
  }
  return all;
}

/// Until the child ends, or says nothing for too long and is killed.
void supervise(pid_t runner, const Plan& plan, const Report& report) {
  std::uint64_t ticks = report.ticks();
  auto heard = std::chrono::steady_clock::now();
  int status = 0;
  while (::waitpid(runner, &status, WNOHANG) == 0) {
    std::this_thread::sleep_for(20ms);
    if (report.ticks() != ticks) heard = std::chrono::steady_clock::now();
    ticks = report.ticks();
    if (std::chrono::steady_clock::now() - heard < plan.patience) continue;
    report.find("no answer" + doings(runner));
    ++report.figures().bad;
    ::kill(runner, SIGKILL);
    ::waitpid(runner, &status, 0);
    return;
  }
  if (WIFSIGNALED(status)) report.find("the survivor died of signal " + std::to_string(WTERMSIG(status)));
}

// What dead creators left is swept away by the next process that creates its first queue there.
void expect_swept(const std::filesystem::path& graves, const Report& report) {
  if (!std::filesystem::exists(graves)) return;
  std::this_thread::sleep_for(kSweepAge);
  const pid_t creator = fork_with([&] {
    ::setenv("MQXX_DIR", graves.c_str(), 1);
    Queue::create("/sweeper", {.capacity = 1, .message_size = 8}).unlink();
  });
  int status = 0;
  ::waitpid(creator, &status, 0);
  report.doing("sweeping");
  for (const auto& entry : std::filesystem::directory_iterator(graves)) {
    report.find("never swept away: " + entry.path().filename().string());
  }
}

}  // namespace

void attack(const Operation& operation, const Plan& plan, const Report& report) {
  std::string base = "/dev/shm/mqxx-crash-XXXXXX";
  if (::mkdtemp(base.data()) == nullptr) throw std::system_error(errno, std::generic_category(), "mkdtemp");
  std::optional<std::size_t> done;
  for (int hangs = 0; !report.finished() && hangs <= kMostHangs; ++hangs) {
    std::filesystem::remove_all(base + "/queues");
    std::filesystem::create_directory(base + "/queues");
    const std::size_t round = report.round();
    const pid_t runner = fork_with([&] {
      stay_on_this_processor();
      block_notices();
      try {
        Runner(operation, plan, report, base).run(round, done);
        report.finish();
      } catch (const std::exception& error) {
        report.find(error.what());
      }
    });
    supervise(runner, plan, report);
    done = report.position();
  }
  if (!report.finished()) report.find("given up");
  if (plan.sweep) expect_swept(base + "/graves", report);
  std::filesystem::remove_all(base);
}

}  // namespace mqxx::crash
