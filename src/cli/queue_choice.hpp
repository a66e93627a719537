// Which queue a command means. The same words mean the same whatever the environment says: MQUEUE only fills in what
// is missing.
//   - Commands that take no messages: the argument, or --queue, or else MQUEUE. The slash may be left out.
//   - send: --queue, as often as it stands there, or the first argument if it begins with a slash or "kernel:/", or is
//   "sysv:" and a key without a blank;
//     or else MQUEUE; the rest are messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/cli11.hpp"

namespace mqxx::cli {

/// Declare QUEUE, -q and --queue, with MQUEUE behind them.
CLI::Option* add_queue(CLI::App& app, std::string& name);
CLI::Option* add_queues(CLI::App& app, std::vector<std::string>& names);

/// @throws Complaint  usage: neither the command line nor MQUEUE names a queue
void require_queue(const CLI::Option* option);

/// The queues of `mq send`: all that --queue names; or else one, whose name is taken out of the words.
/// @throws Complaint  usage: nothing names a queue
[[nodiscard]] std::vector<std::string> take_queues(const CLI::Option* option, std::vector<std::string>& words);

/// The queue that --queue names, or else the argument, or else MQUEUE.
/// @throws Complaint  usage: nothing names a queue
[[nodiscard]] std::string queue_or_default(const CLI::Option* option, const std::string& argument);

/// Whether a loan of the queue, by its full name, is a slot, which goes back to its place by itself when mq dies.
/// Elsewhere it is a copy of a message that has left the queue.
[[nodiscard]] bool lends_slots(std::string_view name);

}  // namespace mqxx::cli
