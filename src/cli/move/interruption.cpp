#include "cli/move/interruption.hpp"

#include <array>

#include <pthread.h>

namespace mqxx::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Interruption::Interruption() {
  sigemptyset(&ours_);
  // What was ignored from the start (nohup, a background job) stays so.
  for (const int signal : kSignals) {
    if (!is_ignored(signal)) sigaddset(&ours_, signal);
  }
  sigaddset(&ours_, SIGCHLD);  // nobody waits for it: it only wakes the listener at the end
  ::pthread_sigmask(SIG_BLOCK, &ours_, &before_);
  listener_ = std::thread([this] { listen(); });
}

Interruption::~Interruption() {
  stop_listening();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interruption::stop_listening() {
  if (!listener_.joinable()) return;
  over_.store(true);
  ::pthread_kill(listener_.native_handle(), SIGCHLD);
  listener_.join();
}

/// A signal may have come that nobody has listened to yet: a terminal sends it to commands and mq at once, and the end
/// of a command may be known first.
bool Interruption::came() {
  stop_listening();
  sigset_t pending{};
  sigemptyset(&pending);
  ::sigpending(&pending);
  for (const int signal : kSignals) {
    if (signal_.load() == 0 && sigismember(&pending, signal) == 1) signal_.store(signal);
  }
  return signal_.load() != 0;
}

void Interruption::listen() {
  while (!over_.load()) {
    int signal = 0;
    if (::sigwait(&ours_, &signal) != 0 || signal == SIGCHLD) continue;
    signal_.store(signal);
    source_.request_stop();
    // From now on they do here what they always did: the second one ends mq.
    sigset_t others = ours_;
    sigdelset(&others, SIGCHLD);
    ::pthread_sigmask(SIG_UNBLOCK, &others, nullptr);
    ours_ = sigset_t{};
    sigemptyset(&ours_);
    sigaddset(&ours_, SIGCHLD);
  }
}

void end_by_signal(int signal) {
  static_cast<void>(std::signal(signal, SIG_DFL));
  sigset_t set{};
  sigemptyset(&set);
  sigaddset(&set, signal);
  static_cast<void>(std::raise(signal));
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace mqxx::cli
