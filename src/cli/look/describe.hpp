// Describe: one queue in words and as JSON, for every command that shows queues.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <mqxx/inspect.hpp>

namespace mqxx::cli {

using Json = nlohmann::ordered_json;

/// A System V queue: bounded by bytes, and there are times without counts.
[[nodiscard]] inline bool counts_bytes(const QueueInfo& info) { return info.most_bytes != 0; }

/// Permission bits in octal, four digits.
[[nodiscard]] std::string mode_text(std::uint32_t mode);
/// The name of a user or a group; the number where it has none.
[[nodiscard]] std::string owner_text(std::uint32_t uid);
[[nodiscard]] std::string group_text(std::uint32_t gid);
/// "signal 10 to 4711", or "-".
[[nodiscard]] std::string registration_text(const RegistrationInfo& registration);
/// "4711 worker, 4712 mq", or "-".
[[nodiscard]] std::string users_text(const QueueInfo& info);
/// "rw-r-----"
[[nodiscard]] std::string letters_text(std::uint32_t mode);
/// How long ago, in its largest unit: "3d", "12s"; "-" for never.
[[nodiscard]] std::string age_text(Statistics::Time when, Statistics::Time now);

/// Keys are stable, numbers are numbers, times are in UTC. What a home does not know is left out.
[[nodiscard]] Json json_of(const QueueInfo& info);
[[nodiscard]] Json json_of(const Statistics& statistics);

/// Writes it to standard output. A name may hold any bytes, JSON only UTF-8: what is not UTF-8 becomes U+FFFD.
void write_json(const Json& json);

}  // namespace mqxx::cli
