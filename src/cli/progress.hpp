// Progress: one line about work that takes long, rewritten in place on standard error. It is shown on a terminal only,
// and not where messages come from or go to a terminal, which they would tear apart; never with --quiet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <mqxx/wait.hpp>

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

  /// How much it will be, in messages or in bytes; 0, as before: unknown.
  void expect_messages(std::uint64_t total) { total_ = total; }
  void expect_bytes(std::uint64_t total) {
    total_ = total;
    by_bytes_ = true;
  }
  /// So many so far; where several queues get them, as many as the one that got most.
  void show(std::uint64_t messages);
  void show(std::uint64_t messages, std::uint64_t bytes);

  /// Calls `attempt` with a Wait until it answers something, or until `whole` is over. Where there is a line the wait
  /// is cut into parts, between which the line goes on and says what for. (In a queue of the kernel who waits in parts
  /// stands behind who does not, so it is done nowhere else.)
  /// @param attempt  answers false, 0 or nothing when its wait ended
  /// @param what     looked at when it is shown: "room"
  template <class Attempt>
  auto wait(const Wait& whole, const char* const& what, Attempt attempt) -> decltype(attempt(whole)) {
    while (shown_) {
      const Wait part = Wait::for_duration(kPause);
      if (whole.until != Wait::Until::forever && whole.deadline_ns <= part.deadline_ns) break;
      auto answer = attempt(part);
      if (answer) return answer;
      redraw(what);
    }
    return attempt(whole);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kPause{100};  // between two looks of the line

  void redraw(std::string_view waits_for);

  std::string title_;
  bool shown_;
  bool written_ = false;
  bool by_bytes_ = false;
  std::uint64_t total_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
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
  std::string_view waits_for;            ///< "": it goes on
};
[[nodiscard]] std::string progress_line(const ProgressFacts& facts);

}  // namespace mqxx::cli
