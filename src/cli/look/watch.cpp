// mq watch: one line for each change of queues, until it is ended.
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <mqxx/error.hpp>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/look/describe.hpp"
#include "cli/look/homes.hpp"
#include "cli/look/sample.hpp"
#include "cli/output.hpp"
#include "cli/values.hpp"

namespace mqxx::cli {
namespace {

struct Watching {
  std::vector<std::string> names;
  std::chrono::nanoseconds interval = std::chrono::milliseconds(100);
  std::uint64_t count = 0;  ///< lines, 0: without end
  bool json = false;
};

std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  return fmt::format("{:%H:%M:%S}.{:03}", fmt::localtime(std::chrono::system_clock::to_time_t(now)),
                     milliseconds % 1000);
}

/// "2 sent, 1 received": counters that grew.
void append_growth(std::vector<std::string>& words, const char* what, std::uint64_t before, std::uint64_t now) {
  if (now > before) words.push_back(fmt::format("{} {}", now - before, what));
}

void append_level(std::vector<std::string>& words, const char* what, std::uint64_t before, std::uint64_t now) {
  if (before != now) words.push_back(fmt::format("{} {} to {}", what, before, now));
}

std::string difference_of(const QueueInfo& before, const QueueInfo& now) {
  if (now.error) return fmt::format("cannot be read: {}", now.error.message());
  std::vector<std::string> words;
  const Statistics& a = before.statistics;
  const Statistics& b = now.statistics;
  append_level(words, "depth", before.attributes.depth, now.attributes.depth);
  append_growth(words, "sent", a.messages_sent, b.messages_sent);
  append_growth(words, "received", a.messages_received, b.messages_received);
  append_level(words, "waiting senders", a.waiting_senders, b.waiting_senders);
  append_level(words, "waiting receivers", a.waiting_receivers, b.waiting_receivers);
  append_growth(words, "recoveries", a.recoveries, b.recoveries);
  if (before.users != now.users) words.push_back(fmt::format("open in {}", users_text(now)));
  const bool registered = now.registration.how != RegistrationInfo::How::nobody;
  if (before.registration.how != now.registration.how || before.registration.pid != now.registration.pid) {
    words.push_back(fmt::format("registered {}", registered ? registration_text(now.registration) : "nobody"));
  }
  if (words.empty()) words.push_back(fmt::format("{} bytes queued", now.queued_bytes));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string line_of(const Change& change) {
  switch (change.what) {
    case Change::What::created:
      return fmt::format("created, depth {} of {}", change.now.attributes.depth, change.now.attributes.capacity);
    case Change::What::removed: return "removed";
    default: return difference_of(change.before, change.now);
  }
}

const char* word_of(Change::What what) {
  switch (what) {
    case Change::What::created: return "created";
    case Change::What::removed: return "removed";
    default: return "changed";
  }
}

/// One object a line, so that a reader may take each as it comes.
std::string json_line_of(const Change& change) {
  Json json{{"time", time_text()}, {"name", change.name}, {"event", word_of(change.what)}};
  json["text"] = line_of(change);
  if (change.what != Change::What::removed) json["now"] = cli::json_of(change.now);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

/// A queue that is not there yet may come; one that cannot be read is told once, by its change.
std::vector<QueueInfo> look_at(const Watching& wanted, Unlistable unlistable) {
  if (wanted.names.empty()) return list_homes("", unlistable);
  std::vector<QueueInfo> queues;
  for (const std::string& name : wanted.names) {
    try {
      queues.push_back(describe(name));
    } catch (const Error& error) {
      if (error.code() == make_error_code(Errc::not_found) || error.code() == make_error_code(Errc::queue_removed)) {
        continue;
      }
      if (status_of(error.code()) == Status::usage) throw;
      QueueInfo unreadable;
      unreadable.name = error.queue();
      unreadable.error = error.code();
      queues.push_back(std::move(unreadable));
    }
  }
  return queues;
}

Status watch(const Watching& wanted) {
  Sampler sampler(1);
  sampler.take(look_at(wanted, Unlistable::told), Sampler::Clock::now());
  std::uint64_t written = 0;
  for (;;) {
    std::this_thread::sleep_for(wanted.interval);
    for (const Change& change : sampler.take(look_at(wanted, Unlistable::passed_over), Sampler::Clock::now())) {
      write_out(wanted.json ? json_line_of(change)
                            : fmt::format("{} {}: {}\n", time_text(), printable(change.name), line_of(change)));
      if (++written == wanted.count) return Status::done;
    }
  }
}

}  // namespace

Run declare_watch(CLI::App& app) {
  auto wanted = std::make_shared<Watching>();
  app.add_option("QUEUE,-q,--queue", wanted->names, "The queues, also as arguments (default: all)");
  app.add_option_function<std::string>(
         "-i,--interval",
         [wanted](const std::string& text) {
           const auto interval = parse_duration(text);
           if (!interval || interval->count() == 0) {
             throw CLI::ValidationError("--interval", "'" + text + "' is no time; write 100ms or 2s");
           }
           wanted->interval = *interval;
         },
         "How often it looks (default 100ms)")
      ->type_name("TIME");
  add_count(app, "-n,--count", "End after so many lines", {.least = 1}, wanted->count);
  app.add_flag("-j,--json", wanted->json, "Each line as a JSON object, for programs");
  app.footer(
      "It looks at the queues and tells what is different since the last look, so what comes and goes between two\n"
      "looks shows in the counts alone. Queues that are not there yet are watched for. Nothing is taken.\n\n"
      "Examples:\n"
      "  mq watch\n"
      "  mq watch /orders --interval 1s\n"
      "  mq watch --json | jq --unbuffered -r 'select(.event == \"created\") | .name'\n");
  return [wanted] { return watch(*wanted); };
}

}  // namespace mqxx::cli
