#include "loop/core.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "api/failure.hpp"
#include "base/assert.hpp"
#include "os/process.hpp"

namespace mqxx::loop {

static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers call stop()");

std::int64_t now_ns() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

Core::Core(os::Poller poller) : born_(os::fork_generation()), sources_(std::move(poller)), signals_(*this) {}

Core::~Core() { close(); }

void Core::close() noexcept {
  MQXX_ASSERT(!running_);
  sources_.abandon();
  if (inherited()) disown();
  // The end of a task may run destructors that watch something.
  while (!entries_.empty()) cancel(*entries_.back());
  sweep();
}

bool Core::inherited() const noexcept { return born_ != os::fork_generation(); }

// What the system keeps for the loop is the parent's.
void Core::disown() noexcept {
  sources_.abandon();
  signals_.abandon();
}

void Core::require_own(const char* operation) const {
  if (!inherited()) return;
  api::throw_failure({Errc::unsupported}, operation, "event loop",
                     {.words = "it belongs to the parent of this process; make one of your own"});
}

void Core::cancel(Entry& entry) noexcept {
  if (!entry.active_) return;
  if (inherited()) disown();
  entry.active_ = false;
  entry.end();
  const std::size_t place = entry.place_;
  ended_.push_back(std::move(entries_[place]));
  if (place + 1 != entries_.size()) {
    entries_[place] = std::move(entries_.back());
    entries_[place]->place_ = place;
  }
  entries_.pop_back();
  if (running_) return;
  sources_.settle();
  sweep();
}

// What was captured goes now, and may end other entries while it does.
void Core::sweep() noexcept {
  if (sweeping_) return;
  sweeping_ = true;
  while (!ended_.empty()) {
    const std::shared_ptr<Entry> last = std::move(ended_.back());
    ended_.pop_back();
  }
  sweeping_ = false;
}

void Core::post(std::function<void()> function) {
  if (posts_.add(std::move(function))) sources_.wake();
}

// Sequentially consistent is not needed: whoever looks at it does so after the wait that this ends.
void Core::stop() noexcept {
  stop_.store(true, std::memory_order_release);
  sources_.wake();
}

bool Core::nothing_left() const noexcept {
  return entries_.empty() && failures_.empty() && !signals_.has_rest() && !posts_.any();
}

void Core::rethrow() {
  if (failures_.empty()) return;
  const std::exception_ptr first = failures_.front();
  failures_.erase(failures_.begin());
  std::rethrow_exception(first);
}

void Core::turn(std::int64_t deadline_ns) {
  const bool more = posts_.any() || signals_.has_rest() || !failures_.empty() || sources_.any_unread();
  std::int64_t until_ns = more ? os::Poller::kNow : std::min(deadline_ns, timers_.next());
  if (until_ns != os::Poller::kNever && until_ns <= now_ns()) until_ns = os::Poller::kNow;
  sources_.wait(until_ns);
  sources_.dispatch();
  sources_.go_on();
  if (signals_.has_rest()) signals_.deliver();
  if (timers_.next() != os::Poller::kNever) timers_.run(now_ns());
  posts_.run();
  rethrow();
}

// Callbacks may end any of them.
void Core::drain() {
  std::vector<std::weak_ptr<Entry>> entries(entries_.begin(), entries_.end());
  for (const std::weak_ptr<Entry>& one : entries) {
    const std::shared_ptr<Entry> entry = one.lock();
    if (entry != nullptr && entry->is_active()) entry->drain();
  }
}

Core::Ended Core::run(std::int64_t deadline_ns) {
  require_own("run");
  if (running_)
    api::throw_failure({Errc::would_deadlock}, "run", "event loop", {.words = "called from a callback of it"});
  struct Running {
    explicit Running(Core& running) noexcept : core(running) { core.running_ = true; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      core.running_ = false;
      core.sources_.settle();
      core.sweep();
    }
    Core& core;
  };
  const Running running(*this);
  for (;;) {
    if (stop_.load(std::memory_order_acquire)) {
      drain();
      stop_.store(false, std::memory_order_relaxed);
      return Ended::stopped;
    }
    if (nothing_left()) return Ended::nothing_left;
    turn(deadline_ns);
    if (!ended_.empty()) sweep();
    if (deadline_ns != os::Poller::kNever && now_ns() >= deadline_ns && !stop_.load(std::memory_order_acquire)) {
      return Ended::timed_out;
    }
  }
}

}  // namespace mqxx::loop
