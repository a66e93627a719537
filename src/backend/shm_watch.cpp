#include "backend/shm_watch.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <stop_token>
#include <thread>
#include <utility>

#include "backend/per_process.hpp"
#include "os/process.hpp"

namespace mqxx::backend {

/// The thread that looks, and the list of what it looks after.
class ShmLookout {
 public:
  /// Fails with no_memory where no thread can be made.
  Result<void> add(ShmWatch& watch) noexcept;
  /// Returns when the thread does not look at it, nor will.
  void remove(ShmWatch& watch) noexcept;

 private:
  using Lock = std::unique_lock<std::mutex>;
  static constexpr std::chrono::milliseconds kPause{800};  // as those who sleep in the engine

  void run(const std::stop_token& ending) noexcept;
  void look_at(ShmWatch& watch, Lock& lock) noexcept;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  ShmWatch* first_ = nullptr;
  const ShmWatch* looking_at_ = nullptr;  // without the mutex: so it stays in the list
  std::jthread thread_;                   // while the list is not empty
};

// The program's signals are for the program's threads.
Result<void> ShmLookout::add(ShmWatch& watch) noexcept {
  const os::Uncancelled uncancelled;
  const Lock lock(mutex_);
  if (first_ == nullptr) {
    const os::SignalsHeldBack held;
    try {
      thread_ = std::jthread([this](const std::stop_token& ending) { run(ending); });
    } catch (const std::exception&) {  // bad_alloc, or system_error
      return Errc::no_memory;
    }
  }
  watch.is_looked_after_ = true;
  watch.after_ = std::exchange(first_, &watch);
  if (watch.after_ != nullptr) watch.after_->before_ = &watch;
  return {};
}

void ShmLookout::remove(ShmWatch& watch) noexcept {
  const os::Uncancelled uncancelled;
  std::jthread ending;  // joined without the mutex
  Lock lock(mutex_);
  changed_.wait(lock, [&] { return looking_at_ != &watch; });
  (watch.before_ == nullptr ? first_ : watch.before_->after_) = watch.after_;
  if (watch.after_ != nullptr) watch.after_->before_ = watch.before_;
  if (first_ != nullptr) return;
  ending = std::move(thread_);
  ending.request_stop();  // before another one may be made
}

void ShmLookout::run(const std::stop_token& ending) noexcept {
  Lock lock(mutex_);
  while (!ending.stop_requested()) {
    for (ShmWatch* watch = first_; watch != nullptr; watch = watch->after_) look_at(*watch, lock);
    (void)changed_.wait_for(lock, ending, kPause, [] { return false; });
  }
}

void ShmLookout::look_at(ShmWatch& watch, Lock& lock) noexcept {
  shm::Queue& queue = watch.queue_;
  if (queue.intact() && !queue.in_doubt() && !queue.has_loans()) return;
  looking_at_ = &watch;
  lock.unlock();  // others may come and go: to look takes the locks of the queue
  queue.try_look(watch.doubt_);
  lock.lock();
  looking_at_ = nullptr;
  changed_.notify_all();
}

namespace {

constinit PerProcess<ShmLookout> g_lookout;

}  // namespace

ShmWatch::ShmWatch(shm::Queue& queue, int descriptor, ShmLookout& lookout) noexcept
    : queue_(queue), descriptor_(descriptor), lookout_(lookout) {}

Result<std::unique_ptr<ShmWatch>> ShmWatch::make(shm::Queue& queue) noexcept {
  const Result<int> descriptor = queue.open_own_bell();
  if (!descriptor) return descriptor.failure();
  ShmLookout* const lookout = g_lookout.get();
  if (lookout == nullptr) return Errc::no_memory;
  const Result<void> begun = queue.begin_poll(shm::Edges::no);
  if (!begun) return begun.failure();
  std::unique_ptr<ShmWatch> watch(new (std::nothrow) ShmWatch(queue, *descriptor, *lookout));
  if (watch == nullptr) {
    queue.end_poll(shm::Edges::no);
    return Errc::no_memory;
  }
  const Result<void> added = lookout->add(*watch);
  if (!added) return added.failure();
  return watch;
}

ShmWatch::~ShmWatch() {
  if (is_looked_after_) lookout_.remove(*this);
  queue_.end_poll(shm::Edges::no);
}

}  // namespace mqxx::backend
