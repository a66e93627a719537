#include "cli/look/describe.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

Json json_of(Statistics::Time when) {
  if (when == Statistics::Time{}) return nullptr;
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  const auto seconds = std::chrono::system_clock::to_time_t(when);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), milliseconds % 1000);
}

/// All that a System V queue knows.
Json json_of_uses(const Statistics& statistics) {
  return {
      {"last_send", json_of(statistics.last_send)},
      {"last_receive", json_of(statistics.last_receive)},
      {"last_sender_pid", statistics.last_sender_pid},
      {"last_receiver_pid", statistics.last_receiver_pid},
  };
}

const char* how_text(RegistrationInfo::How how) {
  switch (how) {
    case RegistrationInfo::How::signal: return "signal";
    case RegistrationInfo::How::thread: return "thread";
    case RegistrationInfo::How::silent: return "silent";
    default: return "nobody";
  }
}

Json json_of(const RegistrationInfo& registration) {
  if (registration.how == RegistrationInfo::How::nobody) return nullptr;
  Json json{{"how", how_text(registration.how)}, {"pid", registration.pid}};
  if (registration.how == RegistrationInfo::How::signal) json["signal"] = registration.signal;
  return json;
}

Json json_of_users(const QueueInfo& info) {
  Json users = Json::array();
  for (std::size_t i = 0; i < info.users.size(); ++i) {
    users.push_back({{"pid", info.users[i]}, {"command", info.commands[i]}});
  }
  return users;
}

}  // namespace

std::string mode_text(std::uint32_t mode) { return fmt::format("{:04o}", mode); }

std::string letters_text(std::uint32_t mode) {
  std::string text = "rwxrwxrwx";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((mode >> (text.size() - 1 - i) & 1U) == 0) text[i] = '-';
  }
  return text;
}

// Ten thousand queues have few owners, and each question reads a file.
std::string owner_text(std::uint32_t uid) {
  static std::map<std::uint32_t, std::string> known;
  std::string& name = known[uid];
  if (!name.empty()) return name;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): mq has one thread.
  const passwd* const user = ::getpwuid(uid);
  name = user != nullptr ? user->pw_name : std::to_string(uid);
  return name;
}

std::string group_text(std::uint32_t gid) {
  static std::map<std::uint32_t, std::string> known;
  std::string& name = known[gid];
  if (!name.empty()) return name;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): mq has one thread.
  const group* const found = ::getgrgid(gid);
  name = found != nullptr ? found->gr_name : std::to_string(gid);
  return name;
}

std::string registration_text(const RegistrationInfo& registration) {
  switch (registration.how) {
    case RegistrationInfo::How::nobody: return "-";
    case RegistrationInfo::How::signal: return fmt::format("signal {} to {}", registration.signal, registration.pid);
    default: return fmt::format("{} in {}", how_text(registration.how), registration.pid);
  }
}

std::string users_text(const QueueInfo& info) {
  if (info.users.empty()) return "-";
  std::string text;
  for (std::size_t i = 0; i < info.users.size(); ++i) {
    if (!text.empty()) text += ", ";
    text += std::to_string(info.users[i]);
    if (!info.commands[i].empty()) text += ' ' + printable(info.commands[i]);
  }
  return text;
}

std::string age_text(Statistics::Time when, Statistics::Time now) {
  if (when == Statistics::Time{}) return "-";
  struct Unit {
    std::int64_t seconds;
    char name;
  };
  constexpr std::array kUnits{Unit{86400, 'd'}, Unit{3600, 'h'}, Unit{60, 'm'}};
  // The clock may have been set back since.
  const auto age = std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(now - when).count(), 0);
  for (const Unit& unit : kUnits) {
    if (age >= unit.seconds) return fmt::format("{}{}", age / unit.seconds, unit.name);
  }
  return fmt::format("{}s", age);
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
  if (counts_bytes(info)) {
    json["most_bytes"] = info.most_bytes;
    json["statistics"] = json_of_uses(info.statistics);
    return json;
  }
  json["registration"] = json_of(info.registration);
  json["users"] = json_of_users(info);
  if (!info.counted) return json;
  json["pollers"] = info.pollers;
  json["statistics"] = json_of(info.statistics);
  return json;
}

void write_json(const Json& json) {
  constexpr int kIndent = 2;
  write_out(json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + '\n');
}

}  // namespace mqxx::cli
