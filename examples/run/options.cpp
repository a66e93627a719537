#include "options.hpp"

#include <array>
#include <filesystem>

#include <CLI/CLI.hpp>

#include <mqxx/types.hpp>

namespace run {
namespace {

/// Large text files that Debian systems have, the best first.
constexpr std::array kTexts{"/var/lib/dpkg/status", "/usr/share/misc/pci.ids", "/usr/share/common-licenses/GPL-3",
                            "/etc/services"};

std::string default_text() {
  for (const char* path : kTexts) {
    std::error_code unreadable;
    if (std::filesystem::file_size(path, unreadable) > 0 && !unreadable) return path;
  }
  return "";
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& status) {
  constexpr std::uint32_t kMostWorkers = 256;
  Options options;
  options.file = default_text();
  CLI::App app(
      "Takes a text file apart line by line, sends the lines from several processes to several others through one\n"
      "queue, proves that each arrived once, whole and in order, and does the same over the kernel's queue.",
      "mqxx-run");
  app.add_option("FILE", options.file, "The file")->capture_default_str();
  app.add_option("--producers", options.producers, "Processes that send")
      ->check(CLI::Range(1U, kMostWorkers))
      ->capture_default_str();
  app.add_option("--consumers", options.consumers, "Processes that receive")
      ->check(CLI::Range(1U, kMostWorkers))
      ->capture_default_str();
  app.add_option("--capacity", options.capacity, "Messages that the queue holds")
      ->check(CLI::Range(std::size_t{1}, mqxx::kMaxCapacity))
      ->capture_default_str();
  app.add_option("--priorities", options.priorities, "How many different ones")
      ->check(CLI::Range(1U, mqxx::kMaxPriority + 1))
      ->capture_default_str();
  app.add_option("--repeat", options.repeat, "How often a round sends the file (default: about a million lines)")
      ->check(CLI::Range(1U, 1'000'000'000U));
  app.add_option("--rounds", options.rounds, "Rounds over each queue, in turn")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  std::uint32_t patience = static_cast<std::uint32_t>(options.patience.count());
  app.add_option("--patience", patience, "Give up after so many seconds without progress")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  app.add_flag("!--no-kernel", options.kernel, "Leave the kernel's queue out");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    constexpr int kWrongUse = 64;  // as mq has it
    status = app.exit(error) == 0 ? 0 : kWrongUse;
    return std::nullopt;
  }
  options.patience = std::chrono::seconds(patience);
  return options;
}

}  // namespace run
