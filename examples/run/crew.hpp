// Crew: child processes that start together, are watched, and never outlive their parent.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace run {

/// Ctrl-C or a kindred signal came; after the clean-up the program ends by it.
struct Interrupted {
  int signal;
};

/// Holds back SIGINT, SIGTERM, SIGHUP and SIGCHLD for the life of the program: they are waited for instead.
class Signals {
 public:
  Signals();
  /// Sleeps until a child ends or the time is over. @throws Interrupted
  static void sleep(std::chrono::milliseconds time);
  /// Gives up the hold and ends this process by `signal`.
  [[noreturn]] static void end_by(int signal);
};

/// Where workers wait for each other, so that their start does not count.
class Gate {
 public:
  Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();

  /// Worker: ready; returns when the gate opens.
  void pass();
  /// Parent: how many have become ready since the last call.
  [[nodiscard]] std::size_t arrivals() const;
  void open();

 private:
  int ready_[2] = {-1, -1};
  int go_[2] = {-1, -1};
};

class Crew {
 public:
  /// @param patience  longest time without any progress
  explicit Crew(std::chrono::seconds patience) : patience_(patience) {}
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  /// Ends whoever is left.
  ~Crew();

  /// Starts a process that runs `work`, which must call Gate::pass() once.
  void spawn(const std::string& role, const std::function<void(Gate&)>& work);
  /// Returns when all are ready; they wait for start().
  void assemble();
  void start() { gate_.open(); }
  /// Returns when all have ended well. Calls `look` some ten times a second; what it returns must change now and then.
  /// @throws std::runtime_error  a worker failed, or nothing moved for too long
  void watch(const std::function<std::uint64_t()>& look);

 private:
  struct Worker {
    pid_t pid;
    std::string role;
  };
  /// Forgets those that ended. @throws std::runtime_error, Interrupted  one ended badly
  void reap();

  std::chrono::seconds patience_;
  Gate gate_;
  std::vector<Worker> workers_;
};

}  // namespace run
