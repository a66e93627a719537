// Timers: what is due at a time, in one ordered structure, whose first time is the deadline of the loop's wait.
//
//   T1  Each active entry has its place in due_, ordered by time and, at one time, by when it was put there.
//   T2  What is put there while timers run is not run before the next turn.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>

#include "loop/entry.hpp"

namespace mqxx::loop {

class TimerEntry final : public Entry {
 public:
  using Callback = std::function<void(std::uint64_t)>;
  TimerEntry(Core& core, std::int64_t period_ns, Callback callback)
      : Entry(core), period_ns_(period_ns), callback_(std::move(callback)) {}

 protected:
  void end() noexcept override;

 private:
  friend class Timers;

  struct Due {
    std::int64_t ns = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const Due&, const Due&) = default;
  };

  std::int64_t period_ns_;  // 0: once
  Callback callback_;
  Due due_;
};

class Timers {
 public:
  /// A time that has passed is taken for now (T2).
  void add(TimerEntry& entry, std::int64_t when_ns, std::int64_t now_ns);
  void remove(const TimerEntry& entry) noexcept { due_.erase(entry.due_); }
  /// When the first is due; os::Poller::kNever when there is none.
  [[nodiscard]] std::int64_t next() const noexcept;
  void run(std::int64_t now_ns);

 private:
  std::map<TimerEntry::Due, TimerEntry*> due_;
  std::uint64_t next_number_ = 0;
};

}  // namespace mqxx::loop
