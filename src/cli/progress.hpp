// Progress: one line about work that takes long, rewritten in place on standard error. It is shown on a terminal only,
// and not where messages come from or go to a terminal, which they would tear apart; never with --quiet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mqxx::cli {

class Progress {
 public:
  /// @param title  what goes on: "send /orders"
  /// @param shown  false: say nothing, wherever this runs
  explicit Progress(const std::string& title, bool shown = true);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Takes the line away.
  ~Progress();

  /// How much it will be, in whatever `done` counts; 0, as before: unknown.
  void expect(std::uint64_t total) { total_ = total; }
  /// @param messages  so far  @param done  of what was expected
  void show(std::uint64_t messages, std::uint64_t done);
  void show(std::uint64_t messages) { show(messages, messages); }

 private:
  using Clock = std::chrono::steady_clock;
  void write_line(std::uint64_t messages, std::uint64_t done, Clock::time_point now);

  std::string title_;
  bool shown_;
  bool written_ = false;
  std::uint64_t total_ = 0;
  Clock::time_point started_ = Clock::now();
  Clock::time_point next_;
};

/// What the line says. Also for tests: nothing in it depends on the clock or the terminal.
struct ProgressFacts {
  std::string title;
  std::uint64_t messages = 0;
  std::uint64_t done = 0;
  std::uint64_t total = 0;               ///< 0: unknown
  std::chrono::duration<double> passed;  ///< since the beginning
  std::size_t columns = 0;               ///< of the terminal
};
[[nodiscard]] std::string progress_line(const ProgressFacts& facts);

}  // namespace mqxx::cli
