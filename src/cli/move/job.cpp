#include "cli/move/job.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace mqxx::cli {
namespace {

constexpr std::string_view kPlace = "{}";

/// Held while a program is started, and from the making of a pipe until its ends are closed to the programs: one that
/// another thread starts in between would hold the pipe open.
std::mutex starting;

std::string words_of(int error) { return std::generic_category().message(error); }

/// A pipe whose ends the programs that are started do not inherit.
class Pipe {
 public:
  Pipe() {
    const std::scoped_lock lock(starting);
    if (::pipe(ends_.data()) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    for (const int end : ends_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(0);
    close(1);
  }
  [[nodiscard]] int reader() const { return ends_[0]; }
  [[nodiscard]] int writer() const { return ends_[1]; }
  void close(std::size_t end) {
    if (ends_[end] >= 0) ::close(std::exchange(ends_[end], -1));
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// What posix_spawn is to do in the child.
class Preparation {
 public:
  explicit Preparation(const sigset_t& mask) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t defaults{};
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);  // mq ignores it
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setsigmask(&attributes_, &mask);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;
  ~Preparation() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  void read_from(int descriptor) { ::posix_spawn_file_actions_adddup2(&actions_, descriptor, STDIN_FILENO); }
  void read_nothing() { ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0); }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// The environment of mq, with ours in place of what has the same names.
std::vector<std::string> environment_with(const std::vector<std::string>& ours) {
  std::vector<std::string> all = ours;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('=') + 1);
    const bool replaced = std::any_of(
        ours.begin(), ours.end(), [name](const std::string& our) { return !name.empty() && our.starts_with(name); });
    if (!replaced) all.emplace_back(text);
  }
  return all;
}

/// @return an errno, or 0
int start(pid_t& child, const Preparation& preparation, std::vector<std::string>& arguments,
          std::vector<std::string>& environment) {
  const std::scoped_lock lock(starting);
  return ::posix_spawnp(&child, arguments[0].c_str(), preparation.actions(), preparation.attributes(),
                        pointers_to(arguments).data(), pointers_to(environment).data());
}

/// A command that ends or closes its input before it has read all of it has read what it wanted.
void feed(int descriptor, std::string_view message) {
  while (!message.empty()) {
    const ssize_t size = ::write(descriptor, message.data(), message.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return;
    message.remove_prefix(static_cast<std::size_t>(size));
  }
}

std::string outcome_of(pid_t child, const std::string& name) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return fmt::format("cannot wait for '{}': {}", name, words_of(errno));
  }
  if (WIFSIGNALED(status)) return fmt::format("'{}' was ended by signal {}", name, WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return fmt::format("'{}' ended with status {}", name, WEXITSTATUS(status));
  return "";
}

}  // namespace

Job::Job(std::vector<std::string> command, std::string queue, const sigset_t& mask)
    : command_(std::move(command)),
      queue_(std::move(queue)),
      mask_(mask),
      by_argument_(std::any_of(command_.begin(), command_.end(),
                               [](const std::string& word) { return word.find(kPlace) != word.npos; })) {}

std::vector<std::string> Job::arguments_for(std::string_view message) const {
  std::vector<std::string> arguments = command_;
  if (!by_argument_) return arguments;
  for (std::string& argument : arguments) {
    for (std::size_t at = argument.find(kPlace); at != argument.npos; at = argument.find(kPlace, at + message.size())) {
      argument.replace(at, kPlace.size(), message);
    }
  }
  return arguments;
}

std::string Job::run(std::string_view message, Priority priority, unsigned attempt) const {
  if (by_argument_ && message.find('\0') != message.npos) {
    return "the message holds a NUL and cannot be an argument; without '{}' the command reads it";
  }
  std::vector<std::string> arguments = arguments_for(message);
  std::vector<std::string> environment = environment_with(
      {"MQUEUE=" + queue_, fmt::format("MQ_PRIORITY={}", priority), fmt::format("MQ_TRY={}", attempt)});
  Pipe pipe;
  Preparation preparation(mask_);
  if (by_argument_) {
    preparation.read_nothing();
  } else {
    preparation.read_from(pipe.reader());
  }
  pid_t child = 0;
  const int error = start(child, preparation, arguments, environment);
  if (error != 0) return fmt::format("cannot run '{}': {}", arguments[0], words_of(error));
  pipe.close(0);
  if (!by_argument_) feed(pipe.writer(), message);
  pipe.close(1);
  return outcome_of(child, command_[0]);
}

}  // namespace mqxx::cli
