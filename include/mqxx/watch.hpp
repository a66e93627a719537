// Watch and DrainOptions: what a loop answers to whoever asks it to watch something, and how it is to drain a queue.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include <mqxx/error.hpp>
#include <mqxx/events.hpp>

namespace mqxx {

namespace loop {
class Core;
class Entry;
}  // namespace loop

/// What a loop was asked to watch. A handle: copies mean the same watch, and dropping them does not end it.
/// It may outlive the loop. Like the loop it belongs to the loop's thread.
class Watch {
 public:
  Watch() noexcept = default;  ///< of nothing

  /// Its callback is not called any more, also not for what has happened already. From inside a callback too, its own
  /// included. What the callback captured is destroyed when no callback is running.
  void cancel() noexcept;
  /// Whether it may still call back.
  [[nodiscard]] bool is_active() const noexcept;

 private:
  friend class loop::Core;
  explicit Watch(std::weak_ptr<loop::Entry> entry) noexcept : entry_(std::move(entry)) {}

  std::weak_ptr<loop::Entry> entry_;
};

/// How EventLoop::on_message drains: `{.most_per_turn = 8, .drain_on_stop = true}`.
struct DrainOptions {
  std::size_t most_per_turn = 64;  ///< messages, at least 1; then the others have their turn
  bool drain_on_stop = false;      ///< what is queued when the loop is stopped is delivered before run() returns
  /// With edges the system has one look less at a queue that was drained, and the loop itself keeps in mind what a turn
  /// has left in it: that has its share of each turn that follows. What is delivered, and when, is the same.
  Trigger trigger = Trigger::levels;
  /// What a queue that fails (removed, damaged, closed to this user) is told to. The watch has ended then. Without one
  /// the error leaves run().
  std::function<void(const Error&)> on_error{};
};

}  // namespace mqxx
