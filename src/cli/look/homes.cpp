#include "cli/look/homes.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <system_error>

#include <CLI/CLI.hpp>

#include <mqxx/error.hpp>

#include "cli/output.hpp"
#include "cli/status.hpp"

namespace mqxx::cli {
namespace {

constexpr std::array kHomes{"/", "kernel:", "sysv:"};

/// As the library calls it.
std::string_view library_name(std::string_view home) { return home == "/" ? std::string_view() : home; }

/// A system without such queues, or a port: nothing is hidden there.
bool has_none(const std::error_code& code) {
  return code == std::errc::function_not_supported || code == std::errc::not_supported;
}

template <class One>
std::vector<One> gather(const std::string& chosen, const std::function<std::vector<One>(std::string_view)>& look,
                        Unlistable unlistable) {
  if (!chosen.empty()) return look(library_name(chosen));
  std::vector<One> all;
  for (const char* home : kHomes) {
    try {
      std::vector<One> some = look(library_name(home));
      all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    } catch (const Error& error) {
      if (unlistable == Unlistable::passed_over) continue;
      // Without the directory of the queues something is wrong; without the others' queues somebody wanted it so.
      if (std::string_view(home) == "/") throw;
      if (!has_none(error.code())) complain(error.what());
    }
  }
  return all;
}

}  // namespace

std::span<const char* const> homes() { return kHomes; }

bool is_home(const std::string& text) { return std::find(kHomes.begin(), kHomes.end(), text) != kHomes.end(); }

CLI::Option* add_home(CLI::App& app, std::string& home) {
  return app
      .add_option_function<std::string>(
          "HOME",
          [&home](const std::string& text) {
            if (!is_home(text))
              throw CLI::ValidationError("HOME", "'" + text + "' is no home; there are /, kernel: and sysv:");
            home = text;
          },
          "/ for the queues in shared memory, kernel: or sysv: for the POSIX or System V queues of the kernel "
          "(default: all)")
      ->type_name("HOME");
}

std::vector<QueueInfo> list_homes(const std::string& home, Unlistable unlistable) {
  return gather<QueueInfo>(
      home, [](std::string_view one) { return list(one); }, unlistable);
}

std::vector<std::string> names_in_homes(const std::string& home, Unlistable unlistable) {
  return gather<std::string>(
      home, [](std::string_view one) { return names(one); }, unlistable);
}

}  // namespace mqxx::cli
