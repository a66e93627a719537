// The public face of the loop: checks what it is given, makes entries, and throws what failed.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <mqxx/event_loop.hpp>

#include "api/failure.hpp"
#include "loop/core.hpp"
#include "loop/watch_queue.hpp"

namespace mqxx {
namespace {

using loop::Core;
using loop::enlist;
using loop::watch_queue;

constexpr std::string_view kLoop = "event loop";

os::Poller make_poller() {
  Result<os::Poller> poller = os::Poller::make();
  const api::Facts facts{.words = poller.is(Errc::unsupported) ? "this port of mqxx has none" : ""};
  return api::value_or_throw(std::move(poller), "create", kLoop, facts);
}

std::int64_t later(std::int64_t ns, EventLoop::Duration delay) noexcept {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (delay.count() <= 0) return ns;
  return delay.count() > kMost - ns ? kMost : ns + delay.count();
}

[[noreturn]] void refuse(std::string_view object, std::string_view words) {
  api::throw_failure({Errc::invalid_argument}, "watch", object, {.words = words});
}

Watch watch_time(Core& core, std::int64_t when_ns, std::int64_t period_ns, loop::TimerEntry::Callback callback) {
  core.require_own("watch");
  auto entry = std::make_shared<loop::TimerEntry>(core, period_ns, std::move(callback));
  loop::TimerEntry& timer = *entry;
  return core.add(std::move(entry), [&] { core.timers().add(timer, when_ns, loop::now_ns()); });
}

}  // namespace

void Watch::cancel() noexcept {
  const std::shared_ptr<loop::Entry> entry = entry_.lock();
  if (entry != nullptr) entry->core().cancel(*entry);
}

bool Watch::is_active() const noexcept {
  const std::shared_ptr<loop::Entry> entry = entry_.lock();
  return entry != nullptr && entry->is_active();
}

EventLoop::EventLoop() : core_(std::make_unique<Core>(make_poller())) {}

EventLoop::~EventLoop() { core_->close(); }  // while destructors of tasks can still call us

Watch EventLoop::on_readable(const Queue& queue, std::function<void(Queue&)> callback) {
  return watch_queue<loop::ReadyEntry>(*core_, queue, Events::readable, queue, std::move(callback));
}

Watch EventLoop::on_writable(const Queue& queue, std::function<void(Queue&)> callback) {
  return watch_queue<loop::ReadyEntry>(*core_, queue, Events::writable, queue, std::move(callback));
}

Watch EventLoop::on_message(const Queue& queue, std::function<void(Message)> callback, DrainOptions options) {
  core_->require_own("watch");
  if (options.most_per_turn == 0) refuse(queue.name(), "most_per_turn is 0, it must be 1 or more messages");
  if (queue.is_open() && queue.access() == Access::write_only) {
    api::throw_failure({Errc::not_readable}, "watch", queue.name(), {});
  }
  return watch_queue<loop::MessageEntry>(*core_, queue, queue, std::move(callback), std::move(options));
}

Watch EventLoop::every(Duration period, std::function<void(std::uint64_t)> callback) {
  if (period.count() <= 0) {
    refuse("timer", "the period is " + std::to_string(period.count()) + " ns, it must be 1 or more");
  }
  return watch_time(*core_, later(loop::now_ns(), period), period.count(), std::move(callback));
}

Watch EventLoop::after(Duration delay, std::function<void()> callback) {
  return watch_time(*core_, later(loop::now_ns(), delay), 0,
                    [callback = std::move(callback)](std::uint64_t) { callback(); });
}

Watch EventLoop::at(TimePoint when, std::function<void()> callback) {
  const std::int64_t when_ns = std::chrono::duration_cast<Duration>(when.time_since_epoch()).count();
  return watch_time(*core_, when_ns, 0, [callback = std::move(callback)](std::uint64_t) { callback(); });
}

Watch EventLoop::on_signal(int signal, std::function<void(const SignalInfo&)> callback) {
  return on_signal({signal}, std::move(callback));
}

Watch EventLoop::on_signal(std::initializer_list<int> signals, std::function<void(const SignalInfo&)> callback) {
  core_->require_own("watch");
  std::vector<int> numbers(signals);
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  if (numbers.empty()) refuse("signals", "there is none in the list");
  auto entry = std::make_shared<loop::SignalEntry>(*core_, numbers, std::move(callback));
  loop::SignalEntry& watcher = *entry;
  return core_->add(std::move(entry), [&] {
    const Result<void> added = core_->signals().add(watcher);
    std::string object = "signal";
    for (const int number : numbers) object += ' ' + std::to_string(number);
    api::success_or_throw(
        added, "watch", object,
        {.words = added.is(Errc::invalid_argument) ? "it is no signal, or one that cannot wait" : ""});
  });
}

Watch EventLoop::on_descriptor(int descriptor, Events events, std::function<void(Events)> callback) {
  core_->require_own("watch");
  if (!has(events, Events::readable | Events::writable | Events::urgent | Events::hang_up)) {
    refuse("descriptor " + std::to_string(descriptor), "there is no event to wait for");
  }
  auto entry = std::make_shared<loop::DescriptorEntry>(*core_, events, std::move(callback));
  loop::DescriptorEntry& watcher = *entry;
  return core_->add(std::move(entry), [&] { enlist(*core_, watcher, descriptor, nullptr); });
}

Watch EventLoop::keep_running() {
  core_->require_own("watch");
  return core_->add(std::make_shared<loop::Entry>(*core_), [] {});
}

void EventLoop::post(std::function<void()> function) { core_->post(std::move(function)); }

EventLoop::Ended EventLoop::run() { return core_->run(os::Poller::kNever); }

EventLoop::Ended EventLoop::run_for(Duration duration) {
  return core_->run(duration.count() <= 0 ? os::Poller::kNow : later(loop::now_ns(), duration));
}

void EventLoop::stop() noexcept { core_->stop(); }

}  // namespace mqxx
