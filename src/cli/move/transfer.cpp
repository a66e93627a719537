// mq copy, mq move, mq drain: messages from one queue to another, or to nowhere.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <mqxx/queue.hpp>
#include <mqxx/transfer.hpp>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/move/account.hpp"
#include "cli/move/sender.hpp"
#include "cli/progress.hpp"
#include "cli/queue_choice.hpp"
#include "cli/waiting.hpp"
#include "cli/walk.hpp"

namespace mqxx::cli {
namespace {

struct Moving {
  std::string from;
  std::string to;
  std::uint64_t count = kEverything;
  bool follow = false;  ///< move only
  Only only;            ///< copy only
  Waiting waiting;
  Account account;
};

// ---- copy

Status copy(const Moving& wanted) {
  constexpr std::size_t kBatch = 512;
  const Queue from = Queue::open(wanted.from, {.access = Access::read_only});
  Queue to = Queue::open(wanted.to, {.access = Access::write_only});
  if (from.name() == to.name()) throw Complaint(Status::usage, "copy: both are one queue");
  // No more than there were: who sends as fast as they are copied would never let it end.
  const std::uint64_t most = std::min<std::uint64_t>(wanted.count, from.attributes().depth);
  Progress progress("copy " + from.name());
  if (wanted.only.all()) progress.expect_messages(most);
  Sender sender("copy to", to, wanted.waiting, progress);
  Walk walk(from, most, wanted.only);
  std::vector<Outgoing> batch;
  for (auto found = walk.next(); !found.empty(); found = walk.next()) {
    for (const Message& message : found) {
      batch.push_back({message.bytes(), message.priority()});
      if (batch.size() < kBatch && &message != &found.back()) continue;
      sender.send(batch);
      batch.clear();
    }
  }
  wanted.account.tell(sender.sent(), "copied");
  return Status::done;
}

// ---- move

/// Why a move that is not done ended.
[[noreturn]] void stuck(const Moving& wanted, Transferred::Ended ended, std::uint64_t moved) {
  const std::string before = moved == 0 ? "" : fmt::format("; {} moved before", messages_text(moved));
  if (ended == Transferred::Ended::full) {
    throw Complaint(Status::full, fmt::format("move to '{}': the queue is full{} (EAGAIN)", wanted.to, before));
  }
  throw Complaint(Status::timed_out, fmt::format("move '{}' to '{}': no message could be moved for {}{} (ETIMEDOUT)",
                                                 wanted.from, wanted.to, wanted.waiting.timeout_text, before));
}

/// After a failure that has a code but no sentence: the next message meets it again, or it is over.
std::size_t move_one(Queue& from, Queue& to, const Wait& wait, std::uint64_t moved) {
  try {
    return transfer(from, to, {.count = 1, .wait = wait}).messages;
  } catch (const Error& error) {
    if (moved == 0) throw;
    throw Error(error.code(), fmt::format("{}; {} moved before", error.what(), messages_text(moved)));
  }
}

Status move(const Moving& wanted) {
  constexpr std::size_t kPart = 1024;  // messages between two looks at the progress
  Queue from = Queue::open(wanted.from, {.access = Access::read_only});
  Queue to = Queue::open(wanted.to, {.access = Access::write_only});
  Progress progress("move " + from.name());
  if (!wanted.follow) progress.expect_messages(std::min<std::uint64_t>(wanted.count, from.attributes().depth));
  std::uint64_t moved = 0;
  while (moved < wanted.count) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(kPart, wanted.count - moved));
    std::error_code code;
    Transferred done;
    const char* what = "room";
    // The timeout begins anew with each message that went.
    const bool over = !progress.wait(wanted.waiting.wait(), what, [&](const Wait& wait) {
      done = transfer(from, to, {.count = part, .follow = wanted.follow, .wait = wait}, code);
      if (code || done.messages > 0 || done.ended != Transferred::Ended::timed_out) return true;
      what = wanted.follow && from.attributes().depth == 0 ? "a message" : "room";
      return false;
    });
    progress.show(moved += done.messages);
    if (code) {
      progress.show(moved += move_one(from, to, wanted.waiting.wait(), moved));
      continue;
    }
    if (done.ended == Transferred::Ended::empty) break;
    if (done.ended == Transferred::Ended::full || over) stuck(wanted, done.ended, moved);
  }
  wanted.account.tell(moved, "moved");
  return Status::done;
}

// ---- drain

struct Draining {
  std::string name;
  std::uint64_t count = kEverything;
  Account account;
};

/// By loans, which need no copy of what is thrown away.
Status drain(const Draining& wanted) {
  Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  Progress progress("drain " + queue.name());
  progress.expect_messages(std::min<std::uint64_t>(wanted.count, queue.attributes().depth));
  std::uint64_t drained = 0;
  while (drained < wanted.count) {
    ReceiveLoan message = queue.try_receive_loan();
    if (!message) break;
    message.release();
    progress.show(++drained);
  }
  wanted.account.tell(drained, "thrown away");
  return Status::done;
}

void add_both(CLI::App& app, Moving& wanted) {
  app.add_option("FROM", wanted.from, "The queue that has the messages")->required();
  app.add_option("TO", wanted.to, "The queue that gets them")->required();
  add_count(app, "--count", "How many messages at most (default: all)", {.least = 1}, wanted.count);
  add_waiting(app, wanted.waiting);
  add_account(app, wanted.account);
}

}  // namespace

Run declare_copy(CLI::App& app) {
  auto wanted = std::make_shared<Moving>();
  add_both(app, *wanted);
  add_only(app, wanted->only);
  app.footer(
      "Sends a copy of each message, with its priority, in the order in which they would be received, and\n"
      "takes none. It copies no more than there were when it began; what is received meanwhile may be missing,\n"
      "and some that is sent meanwhile be there instead. Says how many it were.\n\n"
      "Examples:\n"
      "  mq copy /jobs /jobs-copy\n"
      "  mq copy /jobs kernel:/jobs --count 5 --nonblock\n"
      "  mq copy /jobs /urgent --only 5..\n");
  return [wanted] { return copy(*wanted); };
}

Run declare_move(CLI::App& app) {
  auto wanted = std::make_shared<Moving>();
  add_both(app, *wanted);
  app.add_flag("-f,--follow", wanted->follow, "When FROM is empty, wait for more");
  app.footer(
      "Moves messages with their priorities, the most urgent first. What TO does not take stays in FROM, in\n"
      "its place, and none is lost when mq is killed (docs/transfer.md has the exceptions). Says how many it\n"
      "were.\n\n"
      "Examples:\n"
      "  mq move kernel:/orders /orders\n"
      "  mq move /orders /archive --count 1000\n"
      "  mq move kernel:/orders /orders --follow\n");
  return [wanted] { return move(*wanted); };
}

Run declare_drain(CLI::App& app) {
  auto wanted = std::make_shared<Draining>();
  const CLI::Option* queue = add_queue(app, wanted->name);
  add_count(app, "--count", "How many messages at most (default: all that are there)", {.least = 1}, wanted->count);
  add_account(app, wanted->account);
  app.footer(
      "Throws messages away, the most urgent first, until the queue is empty. Says how many it were.\n\n"
      "Examples:\n"
      "  mq drain /orders\n"
      "  mq drain /orders --count 10 --json\n");
  return [wanted, queue] {
    require_queue(queue);
    return drain(*wanted);
  };
}

}  // namespace mqxx::cli
