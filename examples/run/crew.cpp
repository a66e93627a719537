#include "crew.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace run {
namespace {

constexpr std::array kInterrupts{SIGINT, SIGTERM, SIGHUP};
constexpr std::chrono::milliseconds kGlance{100};

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// Whoever started us with a signal ignored (nohup, a background job) wants it to stay so.
sigset_t held_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : kInterrupts) {
    if (!is_ignored(signal)) ::sigaddset(&set, signal);
  }
  ::sigaddset(&set, SIGCHLD);
  return set;
}

bool is_interrupt(int signal) { return std::find(kInterrupts.begin(), kInterrupts.end(), signal) != kInterrupts.end(); }

void release_signals() {
  const sigset_t set = held_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void close_end(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

[[noreturn]] void run_worker(const std::string& role, const std::function<void(Gate&)>& work, Gate& gate,
                             pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before the line above could count
  release_signals();
  int status = 0;
  try {
    work(gate);
  } catch (const std::exception& error) {
    fmt::print(stderr, "\nmqxx-run: {}: {}\n", role, error.what());
    status = 1;
  }
  ::_exit(status);  // not exit: destructors and buffers belong to the parent
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was ended by signal {}", WTERMSIG(status));
  return fmt::format("failed with status {}", WEXITSTATUS(status));
}

}  // namespace

Signals::Signals() {
  const sigset_t set = held_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void Signals::sleep(std::chrono::milliseconds time) {
  const sigset_t set = held_signals();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const std::chrono::nanoseconds rest = time - seconds;
  const timespec limit{.tv_sec = static_cast<time_t>(seconds.count()), .tv_nsec = static_cast<long>(rest.count())};
  const int signal = ::sigtimedwait(&set, nullptr, &limit);
  if (signal > 0 && is_interrupt(signal)) throw Interrupted{signal};
}

void Signals::end_by(int signal) {
  ::signal(signal, SIG_DFL);
  release_signals();
  ::raise(signal);
  ::_exit(1);  // not reached: the default action of each is the end
}

Gate::Gate() {
  if (::pipe2(ready_, O_CLOEXEC | O_NONBLOCK) != 0 || ::pipe2(go_, O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
}

Gate::~Gate() {
  for (int* end : {&ready_[0], &ready_[1], &go_[0], &go_[1]}) close_end(*end);
}

void Gate::pass() {
  close_end(go_[1]);  // else the end of file below would never come
  const char ready = 1;
  if (::write(ready_[1], &ready, 1) != 1) throw std::system_error(errno, std::generic_category(), "gate");
  char nothing = 0;
  while (::read(go_[0], &nothing, 1) < 0 && errno == EINTR) {
  }
}

std::size_t Gate::arrivals() const {
  std::array<char, 4096> bytes{};
  const ssize_t count = ::read(ready_[0], bytes.data(), bytes.size());
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void Gate::open() { close_end(go_[1]); }

Crew::~Crew() {
  for (const Worker& worker : workers_) ::kill(worker.pid, SIGKILL);
  for (const Worker& worker : workers_) ::waitpid(worker.pid, nullptr, 0);
}

void Crew::spawn(const std::string& role, const std::function<void(Gate&)>& work) {
  const pid_t parent = ::getpid();
  std::fflush(nullptr);  // what is in buffers now must not be written twice
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) run_worker(role, work, gate_, parent);
  workers_.push_back({pid, role});
}

void Crew::assemble() {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  for (std::size_t missing = workers_.size(); missing > 0; missing -= gate_.arrivals()) {
    reap();
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the workers do not get ready");
    Signals::sleep(std::chrono::milliseconds(1));
  }
}

void Crew::watch(const std::function<std::uint64_t()>& look) {
  std::uint64_t seen = look();
  auto last_progress = std::chrono::steady_clock::now();
  for (reap(); !workers_.empty(); reap()) {
    Signals::sleep(kGlance);
    const std::uint64_t now_seen = look();
    const auto now = std::chrono::steady_clock::now();
    if (now_seen != seen) {
      seen = now_seen;
      last_progress = now;
    } else if (now - last_progress > patience_) {
      throw std::runtime_error(fmt::format("nothing moved for {} s after {} messages", patience_.count(), seen));
    }
  }
}

void Crew::reap() {
  std::vector<Worker> left;
  std::vector<std::string> bad;
  int interrupt = 0;
  for (const Worker& worker : workers_) {
    int status = 0;
    if (::waitpid(worker.pid, &status, WNOHANG) == 0) {
      left.push_back(worker);
    } else if (WIFSIGNALED(status) && is_interrupt(WTERMSIG(status))) {
      interrupt = WTERMSIG(status);  // Ctrl-C goes to all processes of a terminal, and this one was faster than we
    } else if (status != 0) {
      bad.push_back(worker.role + " " + how_it_ended(status));
    }
  }
  workers_ = std::move(left);
  if (interrupt != 0) throw Interrupted{interrupt};
  if (!bad.empty()) throw std::runtime_error(bad.front());
}

}  // namespace run
