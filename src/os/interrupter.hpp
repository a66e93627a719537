// Interrupter: ends the system call in which this thread sleeps, at a time or when its token is triggered. For calls of
// the system that know neither.
//
//  - From the time of `wait` on, and from the moment its token is triggered, every system call in which the thread
//  sleeps
//    fails with EINTR, one that begins later too, until the Interrupter is destroyed. Never before: what else ends a
//    call with EINTR is the program's.
//  - The time goes by the clock of `wait`, also when that is stepped: the calls of a time that is no longer past are
//  left
//    alone. `now` and `forever` are no times.
//  - It is this thread's alone, and others may have theirs. A second one in the thread, made by a signal handler, is
//  would_deadlock.
//  - It takes no signal that the program uses, and leaves the mask and the handlers of the program as they were; no
//  signal
//    of ours arrives outside its lifetime. A thread that blocks all signals is served as well.
//  - A child of fork(2) inherits nothing of it, and may have its own.
#pragma once

#include <optional>
#include <stop_token>

#include <mqxx/wait.hpp>

#include "base/result.hpp"

namespace mqxx::os {

class Interrupter {
 public:
  explicit Interrupter(const Wait& wait) noexcept;
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;
  ~Interrupter();

  /// Fails with would_deadlock, and with no_memory where the system gives no means (on Linux: RLIMIT_SIGPENDING);
  /// nothing is ended then.
  [[nodiscard]] Result<void> ready() const noexcept { return ready_; }
  /// Whether a call was ended by this Interrupter since the last time this was asked.
  [[nodiscard]] bool struck() noexcept;

 private:
  struct Strike {
    void* timer;
    void operator()() const noexcept;
  };

  void* timer_ = nullptr;
  int signal_ = 0;
  bool masked_ = false;  // the thread blocks our signal elsewhere
  Result<void> ready_;
  std::optional<std::stop_callback<Strike>> on_stop_;
};

}  // namespace mqxx::os
