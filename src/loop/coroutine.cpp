// What the loop does for coroutines; the rest of them is <mqxx/coroutine.hpp>.
#include <memory>
#include <utility>

#include <mqxx/coroutine.hpp>

#include "loop/core.hpp"
#include "loop/watch_queue.hpp"

namespace mqxx {
namespace loop {
namespace {

/// A spawned task: it finishes by itself, or is destroyed with its entry, when no callback and so no task runs.
class TaskEntry final : public Entry {
 public:
  explicit TaskEntry(Core& core) noexcept : Entry(core) {}
  TaskEntry(const TaskEntry&) = delete;
  TaskEntry& operator=(const TaskEntry&) = delete;
  ~TaskEntry() override {
    if (task_) std::exchange(task_, nullptr).destroy();
  }

  /// It owns the task from here on.
  void adopt(std::coroutine_handle<> task) noexcept { task_ = task; }
  void finished() noexcept {
    task_ = nullptr;
    core().cancel(*this);
  }

 private:
  std::coroutine_handle<> task_;
};

}  // namespace
}  // namespace loop

namespace detail {

Watch LoopAccess::when_ready(EventLoop& loop, Events events, const Queue& queue, std::function<bool(Queue&)> attempt) {
  return loop::watch_queue<loop::WaitingEntry>(*loop.core_, queue, events, queue, std::move(attempt));
}

bool LoopAccess::may_go_on(EventLoop& loop) noexcept { return loop.core_->may_go_on(); }

void LoopAccess::resume(EventLoop& loop, std::coroutine_handle<> waiting) {
  loop.core_->refill();
  waiting.resume();
  loop.core_->rethrow();
}

Watch LoopAccess::adopt(EventLoop& loop, std::coroutine_handle<> task, loop::Entry*& entry) {
  loop.core_->require_own("spawn");
  auto made = std::make_shared<loop::TaskEntry>(*loop.core_);
  loop::TaskEntry& owner = *made;
  Watch watch = loop.core_->add(std::move(made), [] {});
  owner.adopt(task);
  entry = &owner;
  return watch;
}

void LoopAccess::finished(loop::Entry& entry) noexcept { static_cast<loop::TaskEntry&>(entry).finished(); }

void LoopAccess::failed(EventLoop& loop, std::exception_ptr failure) { loop.core_->fail(std::move(failure)); }

}  // namespace detail
}  // namespace mqxx
