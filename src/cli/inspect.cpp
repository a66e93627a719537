// mq info, mq list, mq check: look at queues without taking part in them.
#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pwd.h>

#include <mqxx/error.hpp>
#include <mqxx/inspect.hpp>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/queue_choice.hpp"

namespace mqxx::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string mode_text(std::uint32_t mode) { return fmt::format("{:04o}", mode); }

std::string owner_text(std::uint32_t uid) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): mq has one thread.
  const passwd* const user = ::getpwuid(uid);
  return user != nullptr ? user->pw_name : std::to_string(uid);
}

/// A System V queue: bounded by bytes, and there are times without counts.
bool counts_bytes(const QueueInfo& info) { return info.most_bytes != 0; }

// ---- JSON

Json json_of(Statistics::Time when) {
  if (when == Statistics::Time{}) return nullptr;
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  const auto seconds = std::chrono::system_clock::to_time_t(when);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), milliseconds % 1000);
}

Json json_of(const Statistics& statistics) {
  return {
      {"messages_sent", statistics.messages_sent},
      {"bytes_sent", statistics.bytes_sent},
      {"messages_received", statistics.messages_received},
      {"bytes_received", statistics.bytes_received},
      {"high_water", statistics.high_water},
      {"waiting_senders", statistics.waiting_senders},
      {"waiting_receivers", statistics.waiting_receivers},
      {"loans", statistics.loans},
      {"recoveries", statistics.recoveries},
      {"created", json_of(statistics.created)},
      {"last_send", json_of(statistics.last_send)},
      {"last_receive", json_of(statistics.last_receive)},
      {"creator_pid", statistics.creator_pid},
      {"last_sender_pid", statistics.last_sender_pid},
      {"last_receiver_pid", statistics.last_receiver_pid},
  };
}

Json json_of_uses(const Statistics& statistics) {
  return {
      {"last_send", json_of(statistics.last_send)},
      {"last_receive", json_of(statistics.last_receive)},
      {"last_sender_pid", statistics.last_sender_pid},
      {"last_receiver_pid", statistics.last_receiver_pid},
  };
}

Json json_of(const QueueInfo& info) {
  Json json{
      {"name", info.name},
      {"uid", info.uid},
      {"gid", info.gid},
      {"mode", mode_text(info.mode)},
  };
  if (info.counted) json["memory_bytes"] = info.memory_bytes;
  if (info.error) {
    json["error"] = info.error.message();
    return json;
  }
  json["capacity"] = info.attributes.capacity;
  json["message_size"] = info.attributes.message_size;
  json["depth"] = info.attributes.depth;
  json["queued_bytes"] = info.queued_bytes;
  if (counts_bytes(info)) json["most_bytes"] = info.most_bytes;
  if (counts_bytes(info)) json["statistics"] = json_of_uses(info.statistics);
  if (!info.counted) return json;
  json["users"] = info.users;
  json["statistics"] = json_of(info.statistics);
  return json;
}

/// A name may hold any bytes, JSON only UTF-8: what is not UTF-8 becomes U+FFFD.
void write_json(const Json& json) {
  constexpr int kIndent = 2;
  write_out(json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + '\n');
}

// ---- Text

std::string event_text(Statistics::Time when, std::int32_t pid) {
  if (when == Statistics::Time{}) return "never";
  const auto seconds = std::chrono::system_clock::to_time_t(when);
  return fmt::format("{:%Y-%m-%d %H:%M:%S} by process {}", fmt::localtime(seconds), pid);
}

using Rows = std::vector<std::pair<const char*, std::string>>;

Rows rows_of_every_home(const QueueInfo& info) {
  const Attributes& attributes = info.attributes;
  const bool bytes = counts_bytes(info);
  return {
      {"name", printable(info.name)},
      {"depth", bytes ? fmt::format("{} messages", attributes.depth)
                      : fmt::format("{} of {} messages", attributes.depth, attributes.capacity)},
      {"message size", fmt::format("{} bytes", attributes.message_size)},
      {"queued", bytes ? fmt::format("{} of {} bytes", info.queued_bytes, info.most_bytes)
                       : fmt::format("{} bytes", info.queued_bytes)},
      {"mode", mode_text(info.mode)},
      {"owner", owner_text(info.uid)},
  };
}

Rows rows_of_uses(const QueueInfo& info) {
  const Statistics& statistics = info.statistics;
  return {
      {"last send", event_text(statistics.last_send, statistics.last_sender_pid)},
      {"last receive", event_text(statistics.last_receive, statistics.last_receiver_pid)},
  };
}

Rows rows_of_counts(const QueueInfo& info) {
  const Statistics& statistics = info.statistics;
  return {
      {"memory", fmt::format("{} bytes", info.memory_bytes)},
      {"sent", fmt::format("{} messages, {} bytes", statistics.messages_sent, statistics.bytes_sent)},
      {"received", fmt::format("{} messages, {} bytes", statistics.messages_received, statistics.bytes_received)},
      {"greatest depth", std::to_string(statistics.high_water)},
      {"waiting", fmt::format("{} to send, {} to receive", statistics.waiting_senders, statistics.waiting_receivers)},
      {"on loan", std::to_string(statistics.loans)},
      {"recoveries", std::to_string(statistics.recoveries)},
      {"created", event_text(statistics.created, statistics.creator_pid)},
  };
}

std::string users_text(const QueueInfo& info) {
  return info.users.empty() ? "no process" : fmt::format("{}", fmt::join(info.users, " "));
}

std::string text_of(const QueueInfo& info) {
  Rows rows = rows_of_every_home(info);
  if (info.counted) std::ranges::move(rows_of_counts(info), std::back_inserter(rows));
  if (info.counted || counts_bytes(info)) std::ranges::move(rows_of_uses(info), std::back_inserter(rows));
  if (info.counted) rows.emplace_back("open in", users_text(info));
  std::string text;
  for (const auto& [label, value] : rows) text += fmt::format("{:<16}{}\n", fmt::format("{}:", label), value);
  return text;
}

std::string table_of(const std::vector<QueueInfo>& queues) {
  std::size_t widest = 4;
  for (const QueueInfo& info : queues) widest = std::max(widest, printable(info.name).size());
  std::string text = fmt::format("{:<{}} {:>8} {:>8} {:>8} {:>10} {} OWNER\n", "NAME", widest, "DEPTH", "CAPACITY",
                                 "SIZE", "MEMORY", "MODE");
  for (const QueueInfo& info : queues) {
    text += fmt::format("{:<{}} ", printable(info.name), widest);
    if (info.error) {
      text += fmt::format("({})\n", info.error.message());
      continue;
    }
    text += fmt::format("{:>8} {:>8} {:>8} {:>10} {} {}\n", info.attributes.depth, info.attributes.capacity,
                        info.attributes.message_size, info.counted ? std::to_string(info.memory_bytes) : "-",
                        mode_text(info.mode), owner_text(info.uid));
  }
  return text;
}

// ---- Commands

Status info(const std::string& name, bool json) {
  const QueueInfo found = describe(name);
  if (found.error) {
    throw Complaint(status_of(found.error), fmt::format("describe '{}': {}", found.name, found.error.message()));
  }
  if (json) {
    write_json(json_of(found));
  } else {
    write_out(text_of(found));
  }
  return Status::done;
}

struct Listing {
  std::string home;
  bool json = false;
  bool names = false;
};

Status list_all(const Listing& wanted) {
  const std::vector<QueueInfo> queues = list(wanted.home);
  if (wanted.json) {
    Json array = Json::array();
    for (const QueueInfo& queue : queues) array.push_back(json_of(queue));
    write_json(array);
  } else if (wanted.names) {
    for (const QueueInfo& queue : queues) write_out(printable(queue.name) + '\n');
  } else if (!queues.empty()) {
    write_out(table_of(queues));
  }
  return Status::done;
}

/// Goes on after a failure, as remove does; the status is that of the first.
Status check_all(const std::vector<std::string>& names) {
  Status first_failure = Status::done;
  const auto failed = [&first_failure](Status status) {
    if (first_failure == Status::done) first_failure = status;
  };
  for (const std::string& name : names) {
    try {
      const std::vector<Finding> findings = check(name);
      for (const Finding& finding : findings) {
        write_out(fmt::format("{}: {}: {}\n", printable(name), finding.invariant, printable(finding.text)));
      }
      if (findings.empty()) write_out(fmt::format("{}: all invariants hold\n", printable(name)));
      if (!findings.empty()) failed(Status::damaged);
    } catch (const Error& error) {
      complain(error.what());
      failed(status_of(error.code()));
    }
  }
  return first_failure;
}

}  // namespace

Run declare_info(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  const CLI::Option* queue = add_queue(app, *name);
  app.add_flag("-j,--json", *json, "As JSON, for programs");
  app.footer(
      "Examples:\n"
      "  mq info /orders\n"
      "  mq info /orders --json | jq .depth\n");
  return [name, json, queue] {
    require_queue(queue);
    return info(*name, *json);
  };
}

Run declare_list(CLI::App& app) {
  auto wanted = std::make_shared<Listing>();
  app.add_option("HOME", wanted->home,
                 "kernel: or sysv: for the POSIX or System V queues of the kernel (default: those in shared memory)");
  auto* json = app.add_flag("-j,--json", wanted->json, "As JSON, for programs");
  app.add_flag("-1,--names", wanted->names, "Names only, one a line")->excludes(json);
  app.footer(
      "A queue that cannot be read is listed with the reason. SIZE is the most bytes of one message,\n"
      "MEMORY what the queue occupies now.\n\n"
      "Examples:\n"
      "  mq list\n"
      "  mq list kernel:\n"
      "  mq list sysv:\n"
      "  mq list --json | jq -r '.[] | select(.depth > 0) | .name'\n"
      "  mq list --names | xargs mq remove\n");
  return [wanted] { return list_all(*wanted); };
}

Run declare_check(CLI::App& app) {
  auto names = std::make_shared<std::vector<std::string>>();
  auto all = std::make_shared<bool>(false);
  const CLI::Option* queues = add_queues(app, *names);
  app.add_flag("-a,--all", *all, "Every queue in the directory");
  app.footer(
      "Prints each broken invariant with its number in docs/layout.md; the exit status is then 8.\n"
      "Users of the queue are held off while it is tested; nothing is changed.\n\n"
      "Examples:\n"
      "  mq check /orders\n"
      "  mq check --all\n");
  return [names, all, queues] {
    if (*all) {
      names->clear();
      for (const QueueInfo& queue : list()) names->push_back(queue.name);
    } else {
      require_queue(queues);
    }
    return check_all(*names);
  };
}

}  // namespace mqxx::cli
