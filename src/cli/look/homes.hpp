// Homes: all queues that there are to see, whichever the home.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <mqxx/inspect.hpp>

#include "cli/cli11.hpp"

namespace mqxx::cli {

/// "/" for shared memory, "kernel:" and "sysv:", as people choose them.
[[nodiscard]] std::span<const char* const> homes();
[[nodiscard]] bool is_home(const std::string& text);

/// Declares HOME: "/", "kernel:" or "sysv:". Left out it is all of them.
CLI::Option* add_home(CLI::App& app, std::string& home);

/// Where all homes are meant, one that cannot be listed is no failure, for the others can: it is told in a line on
/// standard error, or passed over by who has told it already.
enum class Unlistable { told, passed_over };

/// The queues of one home, or of all.
[[nodiscard]] std::vector<QueueInfo> list_homes(const std::string& home, Unlistable unlistable = Unlistable::told);
[[nodiscard]] std::vector<std::string> names_in_homes(const std::string& home,
                                                      Unlistable unlistable = Unlistable::told);

}  // namespace mqxx::cli
