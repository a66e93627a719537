// A timer of this thread raises a signal in it, with a handler that does nothing, and again every millisecond: one that
// comes between the program's look at the clock and the system call ends nothing, but the next one does.
#include "os/interrupter.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/process.hpp"

#ifndef sigev_notify_thread_id                 // older headers lack the name that timer_create(2) gives it
#define sigev_notify_thread_id _sigev_un._tid  // NOLINT(readability-identifier-naming)
#endif

namespace mqxx::os {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kAgain = 1'000'000;

timespec time_of(std::int64_t ns) noexcept {
  const std::int64_t some = std::max<std::int64_t>(ns, 1);  // 0 would disarm
  return {.tv_sec = static_cast<std::time_t>(some / kSecond), .tv_nsec = static_cast<long>(some % kSecond)};
}

thread_local volatile std::sig_atomic_t g_struck = 0;
thread_local volatile bool g_in_use = false;

void on_signal(int /*signal*/, siginfo_t* /*info*/, void* /*context*/) { g_struck = 1; }

bool is_ours(int signal) noexcept {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) != 0 &&
         action.sa_sigaction == on_signal;
}

/// A real-time signal that the program does not use: the last one with its default action. What the program took since
/// is given up. 0 when all are taken.
int own_signal() noexcept {
  static constinit std::atomic<int> chosen{0};
  const int known = chosen.load(std::memory_order_relaxed);
  if (known != 0 && is_ours(known)) return known;
  for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0) continue;
    const bool ours = is_ours(signal);  // of another thread that chose at the same time
    if (!ours && ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL)) continue;
    action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    if (!ours && sigaction(signal, &action, nullptr) != 0) continue;
    chosen.store(signal, std::memory_order_relaxed);
    return signal;
  }
  return 0;
}

/// One clock's timer of this thread, made when it is first needed and kept, since making one is dear.
class Timer {
 public:
  explicit Timer(clockid_t clock) noexcept : clock_(clock) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { forget(); }

  /// Null where the system gives none.
  timer_t* for_signal(int signal) noexcept {
    if (made_ && signal_ == signal && generation_ == fork_generation()) return &timer_;
    forget();
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
    if (timer_create(clock_, &event, &timer_) != 0) return nullptr;
    made_ = true;
    signal_ = signal;
    generation_ = fork_generation();
    return &timer_;
  }

 private:
  // A child of fork has none of its parent's timers, and their numbers may be those of others.
  void forget() noexcept {
    if (made_ && generation_ == fork_generation()) timer_delete(timer_);
    made_ = false;
  }

  clockid_t clock_;
  timer_t timer_{};
  bool made_ = false;
  int signal_ = 0;
  std::uint32_t generation_ = 0;
};

timer_t* own_timer(bool wall, int signal) noexcept {
  thread_local Timer steady(CLOCK_MONOTONIC);
  thread_local Timer system(CLOCK_REALTIME);
  return (wall ? system : steady).for_signal(signal);
}

void set(timer_t timer, int flags, timespec first, timespec again) noexcept {
  itimerspec times{};
  times.it_value = first;
  times.it_interval = again;
  timer_settime(timer, flags, &times, nullptr);
}

/// @return whether it was blocked
bool unblock(int signal) noexcept {
  sigset_t one;
  sigset_t before;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, &before);
  return sigismember(&before, signal) == 1;
}

void block(int signal) noexcept {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
}

}  // namespace

// From any thread: a timer is the process's, the thread that it strikes was chosen when it was made.
void Interrupter::Strike::operator()() const noexcept {
  set(*static_cast<timer_t*>(timer), 0, time_of(0), time_of(kAgain));
}

Interrupter::Interrupter(const Wait& wait) noexcept {
  if (g_in_use) {
    ready_ = Failure{Errc::would_deadlock, EDEADLK};
    return;
  }
  signal_ = own_signal();
  timer_t* const timer = signal_ == 0 ? nullptr : own_timer(wait.until == Wait::Until::system, signal_);
  if (timer == nullptr) {
    ready_ = Failure{Errc::no_memory, errno};
    return;
  }
  timer_ = timer;
  g_in_use = true;
  g_struck = 0;
  masked_ = unblock(signal_);
  if (wait.until == Wait::Until::steady || wait.until == Wait::Until::system)
    set(*timer, TIMER_ABSTIME, time_of(wait.deadline_ns), time_of(kAgain));
  if (wait.stop != nullptr && wait.stop->stop_possible()) on_stop_.emplace(*wait.stop, Strike{timer});
}

// A timer that was disarmed raises nothing more, and what it raised before was delivered when that call returned: the
// signal is still unblocked then.
Interrupter::~Interrupter() {
  on_stop_.reset();  // waits for one that is on its way
  if (timer_ == nullptr) return;
  set(*static_cast<timer_t*>(timer_), 0, {}, {});
  if (masked_) block(signal_);
  g_in_use = false;
}

bool Interrupter::struck() noexcept {
  const bool before = g_struck != 0;
  g_struck = 0;
  return before;
}

}  // namespace mqxx::os
