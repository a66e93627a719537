// Signals: who watches which signal, and the one descriptor through which all of them come.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "loop/sources.hpp"
#include "os/signal_source.hpp"

namespace mqxx::loop {

class SignalEntry final : public Entry {
 public:
  using Callback = std::function<void(const SignalInfo&)>;
  SignalEntry(Core& core, std::vector<int> signals, Callback callback)
      : Entry(core), signals_(std::move(signals)), callback_(std::move(callback)) {}

 protected:
  void end() noexcept override;

 private:
  friend class Signals;

  std::vector<int> signals_;  // no duplicates
  Callback callback_;
};

/// What stands among the sources for all signals.
class SignalPump final : public SourceEntry {
 public:
  explicit SignalPump(Core& core) noexcept : SourceEntry(core, Events::readable) {}
  bool ready(Events events) override;
};

class Signals {
 public:
  explicit Signals(Core& core) noexcept : pump_(core) {}

  /// Fails with invalid_argument, too_many_files, no_memory; nothing has changed then.
  Result<void> add(SignalEntry& entry);
  void remove(SignalEntry& entry) noexcept;
  /// Takes pending signals, a bounded number of them, and tells of each.
  void deliver();
  /// Whether an exception has left some untold.
  [[nodiscard]] bool has_rest() const noexcept { return !rest_.empty(); }
  /// Of another process: its masks are left alone.
  void abandon() noexcept { source_.reset(); }

 private:
  static constexpr int kMostPerTurn = 64;

  Result<void> open();

  SignalPump pump_;
  std::optional<os::SignalSource> source_;
  std::vector<SignalEntry*> entries_;
  std::deque<std::pair<std::weak_ptr<Entry>, SignalInfo>> rest_;  // taken, and not told yet
};

}  // namespace mqxx::loop
