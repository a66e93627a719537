#include "measure/processes.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/clock.hpp"
#include "peer.hpp"

namespace bench {
namespace {

struct Report {
  bool complete;
  Measures values;
  char problem[512];
};

volatile std::sig_atomic_t interrupt_seen = 0;

void note_interrupt(int /*signal*/) { interrupt_seen = 1; }

/// A child must not outlive its parent, however that one ends.
pid_t fork_tied() {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw_errno("fork");
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  return 0;
}

template <class Body>
[[noreturn]] void run_and_exit(char (&problem)[512], const Body& body) {
  int status = 1;
  try {
    body();
    status = 0;
  } catch (const std::exception& error) {
    std::snprintf(problem, sizeof problem, "%s", error.what());
  }
  std::fflush(nullptr);
  ::_exit(status);  // no destructors of the parent's objects: their names are still in use
}

/// @return false when the time was up or an interrupt came first
bool ended_in_time(pid_t process, std::chrono::seconds limit) {
  // Not pidfd_open: the header of glibc 2.36 declares it without extern "C".
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (descriptor < 0) throw_errno("pidfd_open");
  const std::int64_t deadline = now_ns() + std::chrono::nanoseconds(limit).count();
  pollfd watched{descriptor, POLLIN, 0};
  int ready = 0;
  while (ready <= 0 && interrupt_seen == 0) {
    const std::int64_t left_ms = (deadline - now_ns()) / 1'000'000;
    if (left_ms <= 0) break;
    ready = ::poll(&watched, 1, static_cast<int>(std::min<std::int64_t>(left_ms, 1000)));
  }
  ::close(descriptor);
  return ready > 0;
}

/// The leader is a zombie at the earliest when this is called, so its group number cannot belong to others yet.
void kill_group(pid_t leader) {
  ::kill(-leader, SIGKILL);
  ::kill(leader, SIGKILL);
  while (::waitpid(-leader, nullptr, 0) > 0) {
  }
}

}  // namespace

bool interrupted() { return interrupt_seen != 0; }

void watch_for_interrupts() {
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans of a killed measurement are reaped here
}

Outcome run_isolated(const std::function<Measures()>& body, std::chrono::seconds limit) {
  Shared<Report> report;
  std::fflush(nullptr);  // or the child would print what is still buffered once more
  const pid_t process = fork_tied();
  if (process == 0) {
    ::setpgid(0, 0);
    run_and_exit(report->problem, [&] {
      report->values = body();
      report->complete = true;
    });
  }
  ::setpgid(process, process);  // in both, or a kill right now would miss the group
  const bool in_time = ended_in_time(process, limit);
  kill_group(process);
  if (report->complete && in_time) return {true, report->values, ""};
  if (interrupted()) return {false, {}, "interrupted"};
  if (!in_time) return {false, {}, "hung: killed after " + std::to_string(limit.count()) + " s"};
  const std::string problem = report->problem;
  return {false, {}, problem.empty() ? "the measurement process died" : problem};
}

Barriers::Barriers(unsigned members) {
  pthread_barrierattr_t attributes;
  ::pthread_barrierattr_init(&attributes);
  ::pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  for (pthread_barrier_t* barrier : {&all_->consumers_made, &all_->start, &all_->finish}) {
    ::pthread_barrier_init(barrier, &attributes, members);
  }
  ::pthread_barrierattr_destroy(&attributes);
}

void run_team(const std::vector<Member>& members) {
  Barriers barriers(static_cast<unsigned>(members.size()));
  Shared<Report> reports(members.size());
  std::vector<pid_t> alive;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const pid_t process = fork_tied();
    if (process == 0) run_and_exit(reports[i].problem, [&] { members[i](barriers); });
    alive.push_back(process);
  }
  bool failed = false;
  while (!alive.empty()) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (std::erase(alive, ended) == 0) continue;
    if (status == 0 || failed) continue;
    failed = true;
    for (const pid_t process : alive) ::kill(process, SIGKILL);
  }
  if (!failed) return;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (reports[i].problem[0] != 0) throw std::runtime_error(reports[i].problem);
  }
  throw std::runtime_error("a worker was killed by a signal");
}

BusyCrowd::BusyCrowd(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const pid_t process = fork_tied();
    if (process != 0) {
      processes_.push_back(process);
      continue;
    }
    std::atomic<std::uint64_t> work{0};
    for (;;) work.fetch_add(1, std::memory_order_relaxed);
  }
}

BusyCrowd::~BusyCrowd() {
  for (const pid_t process : processes_) ::kill(process, SIGKILL);
  for (const pid_t process : processes_) ::waitpid(process, nullptr, 0);
}

}  // namespace bench
