// mq exec: a command for each message. The message is on loan while its command runs: it is gone when the command ended
// with status 0, and goes back to its place otherwise, also when mq is killed. Each of --jobs is a thread with one
// message in its hand.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/move/interruption.hpp"
#include "cli/move/job.hpp"
#include "cli/output.hpp"
#include "cli/queue_choice.hpp"
#include "cli/values.hpp"
#include "cli/waiting.hpp"

namespace mqxx::cli {
namespace {

constexpr unsigned kMostJobs = 1024;

struct Execution {
  std::string name;
  std::vector<std::string> command;
  std::string dead;  ///< the queue for messages whose command failed; "" where mq stops instead
  std::uint64_t jobs = 1;
  std::uint64_t retries = 0;
  std::chrono::nanoseconds delay{0};
  std::uint64_t count = kEverything;
  bool all = false;
  Waiting waiting;
};

/// What all threads share. The first thing that goes wrong stops them, each after the command that it runs.
class Workers {
 public:
  Workers(const Execution& wanted, Queue& queue, Queue& dead, Interruption& interruption)
      : wanted_(wanted),
        queue_(queue),
        dead_(dead),
        interruption_(interruption),
        stop_(interruption.token()),
        job_(wanted.command, queue.name(), interruption.mask_before()),
        left_(wanted.count) {}

  void run() {
    {
      std::vector<std::jthread> threads;
      for (std::uint64_t i = 0; i < wanted_.jobs; ++i) threads.emplace_back([this] { work(); });
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work() {
    try {
      while (!stop_.stop_requested() && claim()) {
        ReceiveLoan message = next();
        if (!message) return;
        handle(message);
      }
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      interruption_.stop();
    }
  }

  /// One of the messages that were asked for.
  bool claim() {
    std::uint64_t left = left_.load();
    while (left > 0 && !left_.compare_exchange_weak(left, left - 1)) {
    }
    return left > 0;
  }

  /// An empty loan when there is none, and that is as it should be.
  ReceiveLoan next() {
    const bool drain = wanted_.all && !wanted_.waiting.timeout;
    Wait wait = drain ? Wait::none() : wanted_.waiting.wait();
    wait.stop = &stop_;
    ReceiveLoan message = queue_.receive_loan(wait);
    if (message || wanted_.all || stop_.stop_requested()) return message;
    throw Complaint(Status::timed_out, fmt::format("exec '{}': the queue stayed empty for {} (ETIMEDOUT)",
                                                   queue_.name(), wanted_.waiting.timeout_text));
  }

  void handle(ReceiveLoan& message) {
    std::string failure;
    try {
      failure = try_command(message);
      if (!failure.empty() && dead_.is_open()) {
        bury(message, failure);
        failure.clear();
      }
    } catch (...) {
      message.put_back();
      throw;
    }
    if (failure.empty()) {
      message.release();
      return;
    }
    message.put_back();
    throw Complaint(Status::failed,
                    fmt::format("exec '{}': {}; the message is back in the queue", queue_.name(), failure));
  }

  /// What went wrong the last time; empty when it went well.
  std::string try_command(const ReceiveLoan& message) {
    const std::string_view text(reinterpret_cast<const char*>(message.bytes().data()), message.bytes().size());
    for (unsigned attempt = 1;; ++attempt) {
      std::string failure = job_.run(text, message.priority(), attempt);
      if (failure.empty() || attempt > wanted_.retries || stop_.stop_requested()) return failure;
      rest();
      if (stop_.stop_requested()) return failure;
    }
  }

  /// Between two tries. Ends early when all is to stop.
  void rest() {
    std::mutex mutex;
    std::condition_variable_any wake_up;
    std::unique_lock lock(mutex);
    wake_up.wait_for(lock, stop_, wanted_.delay, [] { return false; });
  }

  void bury(const ReceiveLoan& message, const std::string& failure) {
    if (!dead_.try_send(message.bytes(), message.priority())) {
      throw Complaint(Status::full,
                      fmt::format("exec '{}': {}, and '{}' is full; the message is back in the queue (EAGAIN)",
                                  queue_.name(), failure, dead_.name()));
    }
    complain(fmt::format("exec '{}': {}; the message is in '{}'", queue_.name(), failure, dead_.name()));
  }

  const Execution& wanted_;
  Queue& queue_;
  Queue& dead_;
  Interruption& interruption_;
  std::stop_token stop_;
  Job job_;
  std::atomic<std::uint64_t> left_;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

Status execute(const Execution& wanted) {
  Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  Queue dead = wanted.dead.empty() ? Queue() : Queue::open(wanted.dead, {.access = Access::write_only});
  if (dead.is_open() && dead.name() == queue.name()) throw Complaint(Status::usage, "exec: --dead is the same queue");
  static_cast<void>(std::signal(SIGCHLD, SIG_DFL));  // where it is ignored, nobody learns how a command ended
  Interruption interruption;
  Workers workers(wanted, queue, dead, interruption);
  try {
    workers.run();
  } catch (const Complaint& complaint) {
    if (!interruption.came()) throw;
    complain(complaint.what());  // a terminal interrupts the commands as well
  }
  interruption.end_if_interrupted();
  return Status::done;
}

/// `mq exec [QUEUE] -- COMMAND...`: what stands behind the marker is the command's, whatever it looks like.
void take_words(const CLI::App& app, const CLI::Option* queue, Execution& wanted) {
  std::vector<std::string> words = app.remaining();
  const auto marker = std::find(words.begin(), words.end(), "--");
  if (marker == words.end() || marker + 1 == words.end()) {
    throw Complaint(Status::usage,
                    "exec: no command; it goes after '--': mq exec /queue -- command; see 'mq exec --help'");
  }
  wanted.command.assign(marker + 1, words.end());
  words.erase(marker, words.end());
  const std::size_t names = queue->count() > 0 ? 0 : 1;
  if (words.size() > names || (!words.empty() && words.front().starts_with('-'))) {
    throw Complaint(Status::usage, fmt::format("exec: unexpected argument: '{}'; see 'mq exec --help'", words.back()));
  }
  wanted.name = queue_or_default(queue, words.empty() ? "" : words.front());
}

}  // namespace

Run declare_exec(CLI::App& app) {
  auto wanted = std::make_shared<Execution>();
  auto option_name = std::make_shared<std::string>();
  const CLI::Option* queue =
      app.add_option("-q,--queue", *option_name, "The queue, also as an argument (default MQUEUE)");
  add_count(app, "-J,--jobs", "Commands at a time (default 1)", {.least = 1, .most = kMostJobs}, wanted->jobs);
  add_count(app, "--retry", "How often a command that failed runs again for the same message (default 0)", {},
            wanted->retries);
  app.add_option_function<std::string>(
         "--delay",
         [wanted](const std::string& text) {
           const auto delay = parse_duration(text);
           if (!delay) throw CLI::ValidationError("--delay", "'" + text + "' is no time; write 250ms, 2s or 0.5");
           wanted->delay = *delay;
         },
         "Rest before each of these runs: 250ms, 2s")
      ->type_name("TIME");
  app.add_option("--dead", wanted->dead, "Send messages whose command failed here and go on (default: stop)");
  CLI::Option* count = add_count(app, "--count", "How many messages (default: no end)", {.least = 1}, wanted->count);
  app.add_flag("-a,--all", wanted->all, "Until the queue is empty")->excludes(count);
  add_timeout(app, wanted->waiting, "Longest wait for each message: 250ms, 2s, 1.5m; without a unit seconds");
  app.allow_extras();
  app.footer(
      "Runs the command for each message, which is its standard input; or, where an argument holds {},\n"
      "stands there. The command finds the queue in MQUEUE, the priority in MQ_PRIORITY, and in MQ_TRY how\n"
      "often it ran for this message. Status 0 means that the message is done with; otherwise, after the\n"
      "retries, it goes back to its place and mq stops with status 1, or it goes to the queue of --dead.\n"
      "Ctrl-C lets the running commands end first; a second one does not.\n\n"
      "Examples:\n"
      "  mq exec /jobs -- sh\n"
      "  mq exec /files --all --jobs 4 -- gzip -k {}\n"
      "  mq exec /mail --retry 3 --delay 10s --dead /undelivered -- sendmail -t\n"
      "  mq exec /jobs --all --timeout 5s -- tee -a jobs.txt\n");
  return [wanted, option_name, queue, &app] {
    take_words(app, queue, *wanted);
    return execute(*wanted);
  };
}

}  // namespace mqxx::cli
