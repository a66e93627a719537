// mq info, mq attr, mq stats: one queue, in words, for a shell to evaluate, or as numbers.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <mqxx/error.hpp>

#include "cli/command.hpp"
#include "cli/look/describe.hpp"
#include "cli/look/homes.hpp"
#include "cli/output.hpp"
#include "cli/queue_choice.hpp"
#include "cli/suggest.hpp"

namespace mqxx::cli {
namespace {

QueueInfo described(const std::string& name) {
  QueueInfo info = describe(name);
  if (info.error) {
    throw Complaint(status_of(info.error), fmt::format("describe '{}': {}", info.name, info.error.message()));
  }
  return info;
}

// ---- mq info

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
      {"group", group_text(info.gid)},
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
      {"polls", std::to_string(info.pollers)},
      {"on loan", std::to_string(statistics.loans)},
      {"recoveries", std::to_string(statistics.recoveries)},
      {"created", event_text(statistics.created, statistics.creator_pid)},
  };
}

std::string text_of(const QueueInfo& info) {
  Rows rows = rows_of_every_home(info);
  if (info.counted) std::ranges::move(rows_of_counts(info), std::back_inserter(rows));
  if (info.counted || counts_bytes(info)) std::ranges::move(rows_of_uses(info), std::back_inserter(rows));
  if (!counts_bytes(info)) {
    const bool nobody = info.registration.how == RegistrationInfo::How::nobody;
    rows.emplace_back("registered", nobody ? "nobody" : registration_text(info.registration));
    rows.emplace_back("open in", info.users.empty() ? "no process" : users_text(info));
  }
  std::string text;
  for (const auto& [label, value] : rows) text += fmt::format("{:<16}{}\n", fmt::format("{}:", label), value);
  return text;
}

Status info(const std::string& name, bool json) {
  const QueueInfo found = described(name);
  if (json) {
    write_json(json_of(found));
  } else {
    write_out(text_of(found));
  }
  return Status::done;
}

// ---- mq attr

/// The names of mq_getattr(3), as `eval` takes them. O_NONBLOCK belongs to a description, and ours has none.
Status attributes(const std::string& name, bool json) {
  const Attributes found = described(name).attributes;
  if (json) {
    write_json({{"flags", 0}, {"maxmsg", found.capacity}, {"msgsize", found.message_size}, {"curmsgs", found.depth}});
  } else {
    write_out(
        fmt::format("flags=0\nmaxmsg={}\nmsgsize={}\ncurmsgs={}\n", found.capacity, found.message_size, found.depth));
  }
  return Status::done;
}

// ---- mq stats

struct Numbers {
  std::vector<std::string> names;
  bool json = false;
  bool all = false;
};

/// What can be added up and drawn: of every home the same keys, where it counts them.
Json numbers_of(const QueueInfo& info) {
  Json json{{"name", info.name},
            {"capacity", info.attributes.capacity},
            {"message_size", info.attributes.message_size},
            {"depth", info.attributes.depth},
            {"queued_bytes", info.queued_bytes}};
  if (counts_bytes(info)) json["most_bytes"] = info.most_bytes;
  if (!info.counted) return json;
  json["memory_bytes"] = info.memory_bytes;
  json["users"] = info.users.size();
  json["pollers"] = info.pollers;
  json.update(json_of(info.statistics));
  return json;
}

/// `queue key=value ...` on one line, for people and awk.
std::string line_of(const Json& numbers) {
  std::string text = printable(numbers["name"].get<std::string>());
  for (const auto& [key, value] : numbers.items()) {
    if (key != "name" && value.is_number()) text += fmt::format(" {}={}", key, value.dump());
  }
  return text + '\n';
}

/// Goes on after a failure; the status is that of the first.
Status statistics(const Numbers& wanted) {
  Status first_failure = Status::done;
  Json array = Json::array();
  const auto add = [&array](const QueueInfo& info) {
    if (!info.error) array.push_back(numbers_of(info));
  };
  if (wanted.all) {
    for (const QueueInfo& info : list_homes("")) add(info);
  }
  for (const std::string& name : wanted.names) {
    try {
      add(described(name));
    } catch (const Error& error) {
      complain(error);
      if (first_failure == Status::done) first_failure = status_of(error.code());
    }
  }
  if (wanted.json) {
    write_json(array);
  } else {
    for (const Json& numbers : array) write_out(line_of(numbers));
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

Run declare_attr(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  const CLI::Option* queue = add_queue(app, *name);
  app.add_flag("-j,--json", *json, "As JSON, for programs");
  app.footer(
      "Writes flags=, maxmsg=, msgsize= and curmsgs=, a line each, for a shell to evaluate. The flags are 0: they\n"
      "belong to who has the queue open.\n\n"
      "Examples:\n"
      "  mq attr /orders\n"
      "  eval \"$(mq attr /orders)\"; echo \"$curmsgs of $maxmsg\"\n");
  return [name, json, queue] {
    require_queue(queue);
    return attributes(*name, *json);
  };
}

Run declare_stats(CLI::App& app) {
  auto wanted = std::make_shared<Numbers>();
  const CLI::Option* queues = add_queues(app, wanted->names);
  app.add_flag("-a,--all", wanted->all, "Every queue that can be read, of all homes");
  app.add_flag("-j,--json", wanted->json, "As a JSON array, with times, for programs");
  app.footer(
      "One line a queue: its name, and key=NUMBER for all that is counted. Queues of the kernel count little.\n\n"
      "Examples:\n"
      "  mq stats /orders\n"
      "  mq stats --all --json | jq -r '.[] | [.name, .messages_sent] | @tsv'\n");
  return [wanted, queues] {
    if (wanted->all) {
      wanted->names.clear();
    } else {
      require_queue(queues);
    }
    return statistics(*wanted);
  };
}

}  // namespace mqxx::cli
