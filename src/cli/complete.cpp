// mq complete: what a command line may go on with. The completions of bash, zsh and fish (completion/) ask it and know
// nothing themselves, so that a new command or option is completed by being declared.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <pwd.h>

#include "cli/command.hpp"
#include "cli/look/columns.hpp"
#include "cli/look/homes.hpp"
#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

/// A word that may stand there, and what it means.
struct Candidate {
  std::string word;
  std::string meaning;
};
using Candidates = std::vector<Candidate>;

Candidates commands_that_are() {
  Candidates all;
  for (const Command& command : commands()) all.push_back({command.name, command.summary});
  all.push_back({"help", "Show what commands there are, or the options of one"});
  return all;
}

/// Names that would break a line of the shell's list cannot be completed.
Candidates queues_there_are() {
  Candidates all;
  for (std::string& name : names_in_homes("", Unlistable::passed_over)) {
    if (name == printable(name)) all.push_back({std::move(name), ""});
  }
  return all;
}

Candidates users_there_are() {
  Candidates all;
  // NOLINTBEGIN(concurrency-mt-unsafe): mq has one thread.
  ::setpwent();
  while (const passwd* user = ::getpwent()) all.push_back({user->pw_name, ""});
  ::endpwent();
  // NOLINTEND(concurrency-mt-unsafe)
  return all;
}

Candidates words_of(std::span<const char* const> words) {
  Candidates all;
  for (const char* word : words) all.push_back({word, ""});
  return all;
}

/// What may stand where a value of that type is wanted, as the help calls it. Empty: anything.
Candidates values_of(const std::string& type) {
  if (type == "TEXT" || type == "QUEUE") return queues_there_are();
  if (type == "HOME") return words_of(homes());
  if (type == "ERROR")
    return words_of(std::array{"EFBIG", "EINVAL", "EMFILE", "ENOMEM", "ENOSPC", "EOVERFLOW", "EUSERS"});
  if (type == "FORMAT") return words_of(std::array{"raw", "lines", "nul", "json", "length"});
  if (type == "WHEN") return words_of(std::array{"ago", "short", "full", "iso"});
  if (type == "OWNER") return users_there_are();
  if (type == "ORDER") return words_of(std::array{"name", "depth", "full", "sent", "received"});
  Candidates all;
  if (type.starts_with("COLUMN")) {
    for (const Column& column : columns()) {
      std::string name = column.name;
      std::ranges::transform(name, name.begin(), [](char letter) { return static_cast<char>(letter | 0x20); });
      all.push_back({std::move(name), column.meaning});
    }
  }
  return all;
}

const CLI::Option* option_named(const CLI::App& app, const std::string& word) {
  for (const CLI::Option* option : app.get_options()) {
    if (word.starts_with('-') && option->check_name(word)) return option;
  }
  return nullptr;
}

bool takes_value(const CLI::Option* option) { return option != nullptr && option->get_items_expected_min() > 0; }

Candidates options_that_are(const CLI::App& app) {
  Candidates all;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) all.push_back({"--" + name, option->get_description()});
  }
  return all;
}

/// How many arguments stand between the command and the word that is completed.
std::size_t arguments_before(const CLI::App& app, const std::vector<std::string>& words) {
  std::size_t count = 0;
  bool options_end = false;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (options_end || !words[i].starts_with('-')) {
      ++count;
    } else if (words[i] == "--") {
      options_end = true;
    } else if (takes_value(option_named(app, words[i]))) {
      ++i;
    }
  }
  return count;
}

/// What the command's arguments are: its positional options say, the last of them also of all that follow. `send` has
/// none, since its messages are extras.
Candidates arguments_of(const CLI::App& app, std::size_t before) {
  const CLI::Option* meant = nullptr;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    meant = option;
    if (before-- == 0) break;
  }
  return meant == nullptr ? queues_there_are() : values_of(meant->get_type_name());
}

Candidates inside(const Command& command, const std::vector<std::string>& words) {
  CLI::App app;
  app.set_help_flag("-h,--help", "Show options and examples");
  const Run run = command.declare(app);
  app.add_flag_callback(
      "--quiet", [] {}, "Nothing on standard error");
  const std::string& before = words[words.size() - 2];
  const bool options_end = std::find(words.begin(), words.end() - 1, "--") != words.end() - 1;
  if (!options_end && takes_value(option_named(app, before))) {
    return values_of(option_named(app, before)->get_type_name());
  }
  if (!options_end && words.back().starts_with('-')) return options_that_are(app);
  return arguments_of(app, arguments_before(app, words));
}

Candidates candidates_for(const std::vector<std::string>& words) {
  if (words.size() == 1) return commands_that_are();
  if (words.front() == "help") return words.size() == 2 ? commands_that_are() : Candidates();
  const Command* const command = find_command(words.front());
  return command == nullptr ? Candidates() : inside(*command, words);
}

/// In lists with commas the last one is completed.
std::size_t beginning_of(std::string_view word) {
  const std::size_t comma = word.rfind(',');
  return word.starts_with('/') || comma == word.npos ? 0 : comma + 1;
}

Status complete(std::vector<std::string> words) {
  if (words.empty()) words.emplace_back();
  const std::string& word = words.back();
  const std::size_t beginning = beginning_of(word);
  const std::string kept = word.substr(0, beginning);
  const std::string begun = word.substr(beginning);
  std::string text;
  for (const Candidate& candidate : candidates_for(words)) {
    if (!candidate.word.starts_with(begun)) continue;
    text += kept + candidate.word;
    if (!candidate.meaning.empty()) text += '\t' + candidate.meaning;
    text += '\n';
  }
  write_out(text);
  return Status::done;
}

}  // namespace

Run declare_complete(CLI::App& app) {
  app.prefix_command();  // what follows belongs to the line that is completed, whatever it looks like
  app.footer(
      "The words are those of a command line after 'mq'; the last one, which may be empty, is to be completed. Each\n"
      "line is what may stand there, and behind a tab what it means. The completions of bash, zsh and fish ask "
      "this.\n\n"
      "Examples:\n"
      "  mq complete -- li\n"
      "  mq complete -- receive /or\n"
      "  mq complete -- list --output name,de\n");
  return [&app] {
    std::vector<std::string> words = app.remaining();
    if (!words.empty() && words.front() == "--") words.erase(words.begin());
    return complete(std::move(words));
  };
}

}  // namespace mqxx::cli
