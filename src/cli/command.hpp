// Command: one word of `mq WORD`. main.cpp holds the table; each family of commands has a file.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include <CLI/CLI.hpp>

#include "cli/status.hpp"

namespace mqxx::cli {

/// Does the work after the command line was read. Failures leave as Complaint, mqxx::Error or BrokenPipe.
using Run = std::function<Status()>;

struct Command {
  const char* name;
  const char* alias;              ///< the habits of other tools, blanks between them, or nullptr
  const char* synopsis;           ///< what follows `mq NAME` in the usage line
  const char* summary;            ///< one line
  Run (*declare)(CLI::App& app);  ///< adds options and examples to `app`
};

// life.cpp
Run declare_create(CLI::App& app);
Run declare_remove(CLI::App& app);
// permissions.cpp
Run declare_chmod(CLI::App& app);
Run declare_chown(CLI::App& app);
// send.cpp
Run declare_send(CLI::App& app);
// receive.cpp
Run declare_receive(CLI::App& app);
Run declare_follow(CLI::App& app);
Run declare_peek(CLI::App& app);
// move/
Run declare_exec(CLI::App& app);
Run declare_copy(CLI::App& app);
Run declare_move(CLI::App& app);
Run declare_drain(CLI::App& app);
Run declare_save(CLI::App& app);
Run declare_load(CLI::App& app);
Run declare_bench(CLI::App& app);
// wait.cpp
Run declare_wait(CLI::App& app);
// look/
Run declare_list(CLI::App& app);
Run declare_info(CLI::App& app);
Run declare_attr(CLI::App& app);
Run declare_stats(CLI::App& app);
Run declare_watch(CLI::App& app);
Run declare_top(CLI::App& app);
Run declare_limits(CLI::App& app);
Run declare_check(CLI::App& app);
Run declare_layout(CLI::App& app);
// complete.cpp
Run declare_complete(CLI::App& app);

/// The table, in the order of the help. main.cpp
[[nodiscard]] std::span<const Command> commands();
/// By its name or an alias; nullptr when there is none.
[[nodiscard]] const Command* find_command(std::string_view word);

}  // namespace mqxx::cli
