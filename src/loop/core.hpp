// Core: an event loop without its public face: it owns the entries and goes round in turns.
//
// A turn waits, tells of what is ready (signals among it), lets those go on that have been told before and are not at
// the end, runs the timers that are due, and calls the functions that were posted. An exception of a callback leaves it
// in the middle, and the next one goes on there.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include <mqxx/event_loop.hpp>

#include "loop/posts.hpp"
#include "loop/queue_entries.hpp"
#include "loop/room.hpp"
#include "loop/signals.hpp"
#include "loop/sources.hpp"
#include "loop/timers.hpp"

namespace mqxx::loop {

std::int64_t now_ns() noexcept;

class Core {
 public:
  using Ended = EventLoop::Ended;

  explicit Core(os::Poller poller);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core();

  /// Ends every entry. REQUIRES: no callback runs.
  void close() noexcept;

  /// The entry is active when `enlist`, which may throw, has returned.
  template <class Enlist>
  Watch add(std::shared_ptr<Entry> entry, Enlist&& enlist) {
    make_room(entries_, entries_.size() + 1);
    make_room(ended_, entries_.size() + ended_.size() + 1);  // so that cancel() cannot fail
    enlist();
    entry->place_ = entries_.size();
    entry->active_ = true;
    entries_.push_back(std::move(entry));
    return Watch(entries_.back());
  }
  void cancel(Entry& entry) noexcept;
  [[nodiscard]] std::weak_ptr<Entry> handle_of(const Entry& entry) const { return entries_[entry.place_]; }

  Ended run(std::int64_t deadline_ns);
  void stop() noexcept;
  void post(std::function<void()> function);

  [[nodiscard]] Sources& sources() noexcept { return sources_; }
  [[nodiscard]] Timers& timers() noexcept { return timers_; }
  [[nodiscard]] Signals& signals() noexcept { return signals_; }

  /// Room for a message of any queue that asked for it. One for all: nobody keeps it through a callback.
  [[nodiscard]] std::span<std::byte> buffer() noexcept { return buffer_; }
  void need_buffer(std::size_t size) {
    if (buffer_.size() < size) buffer_.resize(size);
  }

  // ---- For coroutines
  /// What left a task: it leaves run() as soon as rethrow() is asked.
  void fail(std::exception_ptr failure) { failures_.push_back(std::move(failure)); }
  void rethrow();
  /// How many waits may end at once before the others have their turn.
  void refill() noexcept { at_once_ = kMostAtOnce; }
  [[nodiscard]] bool may_go_on() noexcept { return at_once_ > 0 && at_once_-- > 0; }

  /// @throws Error  in a child of fork, which shares the poller with its parent
  void require_own(const char* operation) const;

 private:
  static constexpr int kMostAtOnce = 64;

  [[nodiscard]] bool inherited() const noexcept;
  [[nodiscard]] bool nothing_left() const noexcept;
  void disown() noexcept;
  void turn(std::int64_t deadline_ns);
  void drain();
  void sweep() noexcept;

  const std::uint32_t born_;
  Sources sources_;
  Timers timers_;
  Signals signals_;
  Posts posts_;
  std::vector<std::shared_ptr<Entry>> entries_;
  std::vector<std::shared_ptr<Entry>> ended_;
  std::vector<std::byte> buffer_;
  std::vector<std::exception_ptr> failures_;
  std::atomic<bool> stop_{false};
  int at_once_ = kMostAtOnce;
  bool running_ = false;
  bool sweeping_ = false;
};

}  // namespace mqxx::loop
