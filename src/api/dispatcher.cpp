#include "api/dispatcher.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "api/failure.hpp"
#include "backend/per_process.hpp"
#include "os/process.hpp"

namespace mqxx::detail {

/// A thread, and what it waits for.
struct Dispatcher::Run {
  explicit Run(os::Poller made) noexcept : poller(std::move(made)) {}
  os::Poller poller;
  // Under the mutex. Reserved for all that are watched, so that the thread is never out of memory.
  std::vector<std::uint64_t> due;   // to be attended in the next turn without an edge
  std::vector<std::uint64_t> turn;  // of the thread alone
  std::jthread thread;              // joined before all that goes
};

/// A description with subscribers. Shared, because its end takes the locks of the queue, and is not for the mutex.
struct Dispatcher::Watched {
  Watched(std::shared_ptr<backend::Backend> watched_home, int pollable) noexcept
      : home(std::move(watched_home)), descriptor(pollable) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() { rest(); }

  /// Of the dispatcher's thread, without the mutex. While messages are left each one that comes or goes is an edge,
  /// which costs everybody a system call for each; so only then. @return whether there is something to tell of already
  bool left(std::uint64_t changes_before) noexcept {
    const Result<Attributes> now = home->attributes();
    if (now && now->depth == 0) return rest(), false;
    if (!edges) edges = static_cast<bool>(home->begin_edges());
    return home->changes() != changes_before;
  }
  void rest() noexcept {
    if (std::exchange(edges, false)) home->end_edges();
  }

  const std::shared_ptr<backend::Backend> home;
  const int descriptor;
  bool edges = false;
  // Under the mutex
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  bool due = false;
};

namespace {

constinit backend::PerProcess<Dispatcher> g_dispatcher;

/// By which the poller names it.
std::uint64_t number_of(const backend::Backend* home) noexcept { return reinterpret_cast<std::uintptr_t>(home); }

std::exception_ptr error_of(const Failure& failure, const Subscriber& subscriber) noexcept {
  try {
    api::throw_failure(failure, "on_message", subscriber.queue.name(), {});
  } catch (...) {
    return std::current_exception();
  }
}

/// @return what it threw. Where nobody wants to know it leaves this function, and ends the program.
std::exception_ptr call_back(Subscriber& subscriber) noexcept {
  if (!subscriber.on_error) return subscriber.callback(subscriber.queue), nullptr;
  try {
    subscriber.callback(subscriber.queue);
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

void tell(const Subscriber& subscriber, const std::exception_ptr& error) noexcept {
  if (!subscriber.on_error) std::rethrow_exception(error);
  subscriber.on_error(error);
}

}  // namespace

Dispatcher::Dispatcher() noexcept : born_(os::fork_generation()) {}
Dispatcher::~Dispatcher() = default;

Dispatcher* Dispatcher::get() noexcept { return g_dispatcher.get(); }

bool Dispatcher::is_child() const noexcept { return born_ != os::fork_generation(); }

// The program's signals are for the program's threads.
Result<void> Dispatcher::start() {
  Result<os::Poller> poller = os::Poller::make();
  if (!poller) return poller.failure();
  auto run = std::make_unique<Run>(std::move(*poller));
  const os::SignalsHeldBack held;
  try {
    run->thread = std::jthread([this, own = run.get()](const std::stop_token& ending) { this->run(*own, ending); });
  } catch (const std::system_error&) {
    return Errc::no_memory;
  }
  run_ = std::move(run);
  return {};
}

std::unique_ptr<Dispatcher::Run> Dispatcher::end_if_idle() noexcept {
  // While a callback runs, which then is of one that was cancelled in it, the thread ends by itself.
  if (run_ == nullptr || !watched_.empty() || called_ != nullptr) return nullptr;
  run_->thread.request_stop();
  run_->poller.wake();
  return std::move(run_);
}

Result<void> Dispatcher::add(const std::shared_ptr<Subscriber>& subscriber) {
  const os::Uncancelled uncancelled;
  const Result<int> descriptor = subscriber->home->pollable();
  if (!descriptor) return descriptor.failure();
  auto fresh = std::make_shared<Watched>(subscriber->home, *descriptor);
  std::unique_ptr<Run> ended;  // joined without the mutex
  const Lock lock(mutex_);
  const Result<void> started = run_ == nullptr ? start() : Result<void>();
  if (!started) return started;
  const auto [entry, is_new] = watched_.try_emplace(number_of(subscriber->home.get()), fresh);
  Watched& watched = *entry->second;
  const auto give_up = [&, at = entry, made = is_new] {
    if (made) watched_.erase(at);
    ended = end_if_idle();
  };
  try {
    watched.subscribers.reserve(watched.subscribers.size() + 1);
    run_->due.reserve(watched_.size() + kReady);  // they change places
    run_->turn.reserve(watched_.size() + kReady);
  } catch (const std::bad_alloc&) {
    give_up();
    throw;
  }
  // Anew where it was added before: what is there now is told at once, to all of them.
  constexpr Events kWanted = Events::readable | Events::edges;
  const std::uint64_t number = number_of(subscriber->home.get());
  const Result<void> added = is_new ? run_->poller.add(watched.descriptor, kWanted, number)
                                    : run_->poller.change(watched.descriptor, kWanted, number);
  if (!added) {
    give_up();
    return added;
  }
  subscriber->active = true;
  watched.subscribers.push_back(subscriber);
  return {};
}

std::shared_ptr<Dispatcher::Watched> Dispatcher::remove(const Subscriber& subscriber) noexcept {
  const auto entry = watched_.find(number_of(subscriber.home.get()));
  if (entry == watched_.end()) return nullptr;
  std::shared_ptr<Watched> watched = entry->second;
  std::erase_if(watched->subscribers, [&](const auto& known) { return known.get() == &subscriber; });
  if (!watched->subscribers.empty()) return nullptr;
  run_->poller.remove(watched->descriptor);
  watched_.erase(entry);
  return watched;
}

void Dispatcher::cancel(Subscriber& subscriber) noexcept {
  const os::Uncancelled uncancelled;
  std::shared_ptr<Watched> dropped;  // both end without the mutex
  std::unique_ptr<Run> ended;
  Lock lock(mutex_);
  if (std::exchange(subscriber.active, false)) dropped = remove(subscriber);
  if (std::this_thread::get_id() == caller_) return;
  changed_.wait(lock, [&] { return called_ != &subscriber; });
  ended = end_if_idle();
}

bool Dispatcher::is_active(const Subscriber& subscriber) noexcept {
  const std::scoped_lock lock(mutex_);
  return subscriber.active;
}

void Dispatcher::run(Run& own, const std::stop_token& ending) noexcept {
  std::array<os::Ready, kReady> ready{};
  Lock lock(mutex_);
  while (!ending.stop_requested()) {
    if (watched_.empty() && run_.get() == &own) {  // the last one was cancelled in its own callback
      const std::unique_ptr<Run> mine = std::move(run_);
      mine->thread.detach();
      lock.unlock();
      return;
    }
    const std::int64_t deadline = own.due.empty() ? os::Poller::kNever : os::Poller::kNow;
    lock.unlock();
    const std::size_t count = own.poller.wait(ready, deadline);
    lock.lock();
    if (ending.stop_requested()) return;
    own.turn.swap(own.due);
    for (std::size_t i = 0; i < count; ++i) own.turn.push_back(ready[i].number);
    for (std::size_t i = 0; i < own.turn.size() && !ending.stop_requested(); ++i) {
      attend(own, own.turn[i], lock);
      if (is_child()) return;  // its parent's mutex, and nobody is subscribed
    }
    own.turn.clear();
  }
}

void Dispatcher::attend(Run& own, std::uint64_t number, Lock& lock) noexcept {
  const auto entry = watched_.find(number);
  if (entry == watched_.end()) return;
  std::shared_ptr<Watched> watched = entry->second;
  watched->due = false;
  lock.unlock();
  const std::uint64_t changes = watched->home->changes();
  const Result<Attributes> state = watched->home->attributes();
  const bool tells = !state || state->depth != 0;
  if (!tells) watched->rest();
  lock.lock();
  const std::uint64_t turn = ++turns_;
  while (tells) {
    const auto next = std::ranges::find_if(watched->subscribers, [&](const auto& one) { return one->told != turn; });
    if (next == watched->subscribers.end()) break;
    (*next)->told = turn;
    call(*next, state ? Failure{} : state.failure(), lock);
    if (is_child()) return;
  }
  const bool goes_on = tells && !watched->subscribers.empty();
  lock.unlock();
  const bool again = goes_on && watched->left(changes);
  const Watched* const attended = watched.get();
  watched.reset();
  lock.lock();
  const auto now = again ? watched_.find(number) : watched_.end();
  if (now == watched_.end() || now->second.get() != attended || std::exchange(now->second->due, true)) return;
  own.due.push_back(number);
}

void Dispatcher::call(std::shared_ptr<Subscriber> subscriber, const Failure& failure, Lock& lock) noexcept {
  called_ = subscriber.get();
  caller_ = std::this_thread::get_id();
  lock.unlock();
  const bool gone = failure.code != Errc{};
  const std::exception_ptr error = gone ? error_of(failure, *subscriber) : call_back(*subscriber);
  if (is_child()) return;
  if (error != nullptr) {
    std::shared_ptr<Watched> dropped;
    lock.lock();
    if (std::exchange(subscriber->active, false)) dropped = remove(*subscriber);
    lock.unlock();
    tell(*subscriber, error);
    if (is_child()) return;
  }
  lock.lock();
  called_ = nullptr;
  changed_.notify_all();
  lock.unlock();
  subscriber.reset();  // perhaps the last one, and then the program's functions go with it
  lock.lock();
  caller_ = {};
}

}  // namespace mqxx::detail
