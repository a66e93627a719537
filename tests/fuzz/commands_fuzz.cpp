// What people and scripts write behind `mq`, and what they feed it: options, sizes, times, priorities, messages in
// every format, and archives.
//
// Input: the command; arguments, each behind a byte 0 and its length; then, behind any other byte, standard input.
#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mqxx/queue.hpp>

#include "cli/format/archive.hpp"
#include "cli/format/format.hpp"
#include "cli/format/reader.hpp"
#include "cli/input.hpp"
#include "cli/values.hpp"
#include "fuzz/bytes.hpp"
#include "support/private_directory.hpp"

int mq_main(int argc, char** argv);  // src/cli/main.cpp

namespace mqxx::fuzz {
namespace {

constexpr std::size_t kMostArguments = 8;
constexpr std::size_t kLongest = 100;  // message
constexpr std::array kFormats = {cli::Format::raw, cli::Format::lines, cli::Format::nul, cli::Format::json,
                                 cli::Format::length};

void parse_values(const std::string& text) {
  const auto number = cli::parse_number(text);
  const auto size = cli::parse_size(text);
  require(!number || (size && *size == *number), "a number is a size");
  const auto duration = cli::parse_duration(text);
  require(!duration || duration->count() >= 0, "no time is negative");
  const auto mode = cli::parse_mode(text);
  require(!mode || *mode <= 0777, "a mode is permission bits");
}

/// Standard input for as long as it lives.
class Fed {
 public:
  explicit Fed(const std::string& bytes) : before_(::dup(STDIN_FILENO)) {
    const int fd = ::memfd_create("stdin", MFD_CLOEXEC);
    require(fd >= 0 && ::dup2(fd, STDIN_FILENO) == STDIN_FILENO, "there is a standard input");
    require(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "with all its bytes");
    ::lseek(fd, 0, SEEK_SET);
    ::close(fd);
  }
  Fed(const Fed&) = delete;
  Fed& operator=(const Fed&) = delete;
  ~Fed() {
    if (before_ < 0) {
      ::close(STDIN_FILENO);
      return;
    }
    ::dup2(before_, STDIN_FILENO);
    ::close(before_);
  }

 private:
  int before_;
};

struct Read {
  std::string bytes;
  Priority priority = 0;
  friend bool operator==(const Read&, const Read&) = default;
};

/// The messages up to the first record that is none. @return whether all of it was messages
bool read_records(cli::Format format, const std::string& bytes, std::vector<Read>& messages) {
  const Fed fed(bytes);
  cli::Input input(STDIN_FILENO, "standard input");
  cli::RecordReader reader(format, input, {.message_size = kLongest, .priority = 7});
  try {
    for (auto batch = reader.next(); !batch.empty(); batch = reader.next()) {
      for (const Outgoing& message : batch) {
        require(message.payload.size() <= kLongest && message.priority <= kMaxPriority, "a message fits");
        const std::span<const std::byte> found = message.payload.bytes();
        messages.push_back({{reinterpret_cast<const char*>(found.data()), found.size()}, message.priority});
      }
    }
  } catch (const cli::BadRecord&) {
    return false;
  }
  return true;
}

/// What is read is written again in both formats that keep everything, and reads back as it was.
void read_formats(const std::string& bytes) {
  for (const cli::Format format : kFormats) {
    std::vector<Read> messages;
    const bool whole = read_records(format, bytes, messages);
    require(whole || format != cli::Format::lines || bytes.size() > kLongest, "short lines are messages");
    for (const cli::Format other : {cli::Format::json, cli::Format::length}) {
      std::string written;
      for (const Read& message : messages) {
        cli::encode(other, std::as_bytes(std::span(message.bytes)), message.priority, written);
      }
      std::vector<Read> again;
      require(read_records(other, written, again) && again == messages, "what was written reads back");
    }
  }
}

void read_archive(const std::string& bytes) {
  const Fed fed(bytes);
  cli::Input input(STDIN_FILENO, "standard input");
  try {
    cli::ArchiveReader reader(input);
    reader.limit(kLongest);
    for (auto batch = reader.next(); !batch.empty(); batch = reader.next()) {
      for (const Outgoing& message : batch) {
        require(message.payload.size() <= kLongest && message.priority <= kMaxPriority, "a message fits");
      }
    }
  } catch (const cli::BadRecord&) {
    return;
  }
}

/// An archive of the bytes reads back, and not with any byte changed.
void change_archive(const std::string& bytes) {
  std::string file;
  cli::append_archive_header({.capacity = 1, .message_size = kLongest}, file);
  cli::append_archive_record(bytes.substr(0, kLongest), static_cast<Priority>(bytes.size()) & kMaxPriority, file);
  cli::append_archive_end(1, file);
  const std::size_t at = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]) * bytes.size() % file.size();
  for (const char change : {'\0', '\x40'}) {
    file[at] = static_cast<char>(file[at] ^ change);
    const Fed fed(file);
    cli::Input input(STDIN_FILENO, "standard input");
    bool good = true;
    try {
      cli::ArchiveReader reader(input);
      while (!reader.next().empty()) {
      }
    } catch (const cli::BadRecord&) {
      good = false;
    }
    require(good == (change == '\0'), "an archive reads back, and with a change it does not");
  }
}

void run(std::vector<std::string> arguments, const std::string& fed_bytes) {
  arguments.insert(arguments.begin(), "mq");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const Fed fed(fed_bytes);
  const int status = mq_main(static_cast<int>(arguments.size()), pointers.data());
  require((status >= 0 && status <= 8) || status == 64, "the exit status is one of those that are documented");
}

void make_queue(const test::PrivateDirectory& directory) {
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) std::filesystem::remove(file.path());
  Queue queue = Queue::create("/q", {.capacity = 4, .message_size = 100});
  queue.send("one", 1);
  queue.send("two\n\x1b[0m", kMaxPriority);
}

/// Queues of the kernel that nobody else sees.
bool has_private_ipc() {
  static const bool has = ::unshare(CLONE_NEWIPC) == 0;
  return has;
}

std::vector<std::string> next_arguments(Bytes& input) {
  // Without those that run programs, write files, measure, or go on for ever.
  constexpr std::array kCommands = {"create", "send",   "receive", "peek",  "info", "list",
                                    "check",  "remove", "help",    "drain", "load"};
  const std::size_t which = input.below(kCommands.size() + 1);
  std::vector<std::string> arguments;
  if (which < kCommands.size()) arguments.emplace_back(kCommands[which]);
  // Nobody else would ever end its wait; and load takes its file from standard input.
  if (which == 1 || which == 2) arguments.emplace_back("--nonblock");
  if (which == kCommands.size() - 1) return {"load", "/q", "-", "--nonblock"};
  while (!input.empty() && input.byte() == 0 && arguments.size() < kMostArguments) {
    std::string argument = input.text(input.byte() % 24);
    argument = argument.substr(0, argument.find('\0'));                       // no argument can hold one
    if (!has_private_ipc() && argument.find(':') != argument.npos) continue;  // the whole machine's queues
    if (argument.starts_with("-n") || argument.starts_with("--n")) continue;  // --nonblock=false
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace
}  // namespace mqxx::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mqxx::fuzz;
  static const mqxx::test::PrivateDirectory directory;
  ::setenv("MQUEUE", "/q", 1);
  Bytes input(data, size);
  const std::vector<std::string> arguments = next_arguments(input);
  const std::string rest = input.rest();
  for (const std::string& argument : arguments) parse_values(argument);
  parse_values(rest);
  read_formats(rest);
  read_archive(rest);
  change_archive(rest);
  make_queue(directory);
  run(arguments, rest);
  return 0;
}
