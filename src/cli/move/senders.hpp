// Senders: the same messages into one queue, or into each of several. What can be judged beforehand is judged for all
// of them before the first message is sent; what goes wrong after that concerns one queue, is told in a line, and the
// others get the rest.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include <mqxx/queue.hpp>

#include "cli/move/sender.hpp"
#include "cli/status.hpp"

namespace mqxx::cli {

class Senders {
 public:
  /// Opens all of them. @param waiting, progress  must outlive this
  Senders(const char* operation, const std::vector<std::string>& names, const Waiting& waiting, Progress& progress);
  /// "send /orders", "send to 3 queues"
  [[nodiscard]] static std::string title(const char* operation, const std::vector<std::string>& names);

  /// Each queue in turn gets all the messages. @throws Complaint, Error  as Sender, where there is one queue
  void send(std::span<const Outgoing> messages);

  /// Whether no queue takes messages any more.
  [[nodiscard]] bool over() const;
  /// Of the first queue that failed.
  [[nodiscard]] Status status() const { return first_failure_; }

  /// As many bytes as each of the queues takes.
  [[nodiscard]] std::size_t message_size() const { return narrowest().size; }
  /// How many messages were sent to the queue that got most.
  [[nodiscard]] std::size_t sent() const;
  /// Stops with a sentence about what could not be sent, to the queue that takes the smallest messages.
  [[noreturn]] void fail(const std::string& why, const char* symbol) const { narrowest().sender.fail(why, symbol); }

 private:
  struct One {
    One(const char* operation, const std::string& name, const Waiting& waiting, Progress& progress)
        : queue(Queue::open(name, {.access = Access::write_only})),
          size(queue.attributes().message_size),
          sender(operation, queue, waiting, progress) {}
    Queue queue;
    std::size_t size;
    Sender sender;
    bool failed = false;
  };

  [[nodiscard]] const One& narrowest() const;
  void require_fit(std::span<const Outgoing> messages) const;
  void note(One& one, Status status);

  std::deque<One> all_;  // a Sender keeps where its queue is
  Status first_failure_ = Status::done;
};

}  // namespace mqxx::cli
