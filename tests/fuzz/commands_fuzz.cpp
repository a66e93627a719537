// What people and scripts write behind `mq`, and what they feed it: options, sizes, times, priorities, and lines.
//
// Input: the command; arguments, each behind a byte 0 and its length; then, behind any other byte, standard input.
#include <array>
#include <filesystem>
#include <vector>

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mqxx/queue.hpp>

#include "cli/input.hpp"
#include "cli/values.hpp"
#include "fuzz/bytes.hpp"
#include "support/private_directory.hpp"

int mq_main(int argc, char** argv);  // src/cli/main.cpp

namespace mqxx::fuzz {
namespace {

constexpr std::size_t kMostArguments = 8;

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

/// However the bytes are cut, lines are what stands between newlines.
void read_lines(const std::string& bytes) {
  constexpr std::size_t kLongest = 100;
  const Fed fed(bytes);
  cli::LineReader reader(kLongest);
  std::string together;
  while (const auto line = reader.next()) {
    require(line->size() <= kLongest + 1, "a line is cut where it is too long");
    require(line->find('\n') == std::string::npos, "a line has no newline");
    together += *line;
    if (line->size() > kLongest) return;
    if (together.size() < bytes.size()) together += '\n';
  }
  require(together == bytes, "all lines together are the input");
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
  constexpr std::array kCommands = {"create", "send", "receive", "peek", "info", "list", "check", "remove", "help"};
  const std::size_t which = input.below(kCommands.size() + 1);
  std::vector<std::string> arguments;
  if (which < kCommands.size()) arguments.emplace_back(kCommands[which]);
  if (which == 1 || which == 2) arguments.emplace_back("--nonblock");  // nobody else would ever end its wait
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
  read_lines(rest);
  make_queue(directory);
  run(arguments, rest);
  return 0;
}
