// What watches queues: two that call back when a queue is ready, one that receives, and one that a coroutine waits by.
// Each has a handle of its own to the queue's description.
#pragma once

#include <functional>
#include <optional>

#include <mqxx/event_loop.hpp>

#include "loop/sources.hpp"

namespace mqxx::loop {

class QueueEntry : public SourceEntry {
 public:
  QueueEntry(Core& core, Events wanted, const Queue& queue) : SourceEntry(core, wanted), queue_(queue.duplicate()) {}

 protected:
  [[nodiscard]] Queue& queue() noexcept { return queue_; }

 private:
  Queue queue_;
};

class ReadyEntry final : public QueueEntry {
 public:
  using Callback = std::function<void(Queue&)>;
  ReadyEntry(Core& core, Events wanted, const Queue& queue, Callback callback)
      : QueueEntry(core, wanted, queue), callback_(std::move(callback)) {}

  bool ready(Events /*events*/) override {
    callback_(queue());
    return true;
  }

 private:
  Callback callback_;
};

/// A coroutine that waits: the first that came is asked first, and where it finds nothing the others would not either.
class WaitingEntry final : public QueueEntry {
 public:
  /// @return whether it has got what it waited for; it has ended the entry then
  using Attempt = std::function<bool(Queue&)>;
  WaitingEntry(Core& core, Events wanted, const Queue& queue, Attempt attempt)
      : QueueEntry(core, wanted, queue), attempt_(std::move(attempt)) {}

  bool ready(Events /*events*/) override { return attempt_(queue()); }
  [[nodiscard]] bool stands_in_line() const noexcept override { return true; }

 private:
  Attempt attempt_;
};

class MessageEntry final : public QueueEntry {
 public:
  using Callback = std::function<void(Message)>;
  MessageEntry(Core& core, const Queue& queue, Callback callback, DrainOptions options);

  /// Delivers up to most_per_turn messages; those of an edge in go_on().
  bool ready(Events events) override;
  bool go_on() override;
  /// Delivers as many as are queued now, if that was asked for.
  void drain() override;

 private:
  /// @return whether there may be more
  bool deliver(std::size_t most);
  std::optional<Message> receive();
  void fail(const Error& error);

  Callback callback_;
  DrainOptions options_;
  std::size_t message_size_;
};

}  // namespace mqxx::loop
