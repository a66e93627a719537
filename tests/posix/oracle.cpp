#include "oracle.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/private_directory.hpp"
#include "support/timing.hpp"

extern char** environ;

namespace mqxx::test {
namespace {

constexpr int kPatience = 20'000 * kSlowdown;  // milliseconds
constexpr rlim_t kQueueBytes = 819'200;        // what Linux gives a user unless told otherwise
constexpr int kNotStarted = 127;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

/// A file in memory that several processes append to.
class Capture {
 public:
  explicit Capture(const char* name) : fd_(::memfd_create(name, MFD_CLOEXEC)) {
    if (fd_ < 0 || ::fcntl(fd_, F_SETFL, O_APPEND) != 0) fail("memfd_create");
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::string text() const {
    std::string all;
    char part[4096];
    for (ssize_t size; (size = ::pread(fd_, part, sizeof part, static_cast<off_t>(all.size()))) > 0;) {
      all.append(part, static_cast<std::size_t>(size));
    }
    return all;
  }

 private:
  int fd_;
};

/// From here on the kernel's queue calls answer ENOSYS in this process and all that it starts.
void refuse_kernel_queues() {
  static_assert(SYS_mq_getsetattr == SYS_mq_open + 5, "the six calls are neighbours on every architecture");
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_mq_open, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYS_mq_getsetattr, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = sizeof program / sizeof *program, .filter = program};
  // Without privileges a filter needs "no new privileges", which root is spared: it would change what users.* sees.
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0) return;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0) {
    return;
  }
  ::perror("seccomp");
  ::_exit(kNotStarted);
}

std::vector<std::string> environment_of(const std::string& id, Queues queues) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (!text.starts_with("MQXX_") && !text.starts_with("LD_")) variables.emplace_back(text);
  }
  if (queues == Queues::preloaded) {
    variables.emplace_back("LD_PRELOAD=" MQXX_POSIX_LIBRARY);
    variables.emplace_back("MQXX_DIR=" + std::string(std::getenv("MQXX_DIR")));
    if (id.starts_with("limits.")) variables.emplace_back("MQXX_COMPAT=linux");
  }
  return variables;
}

[[noreturn]] void become_case(const std::string& id, Queues queues, const Capture& trace, const Capture& errors) {
  std::vector<std::string> variables = environment_of(id, queues);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);

  ::setpgid(0, 0);  // so that what it leaves running can be ended with it
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(trace.fd(), STDOUT_FILENO);
  ::dup2(errors.fd(), STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::umask(022);
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  rlimit bytes{};
  ::getrlimit(RLIMIT_MSGQUEUE, &bytes);
  bytes.rlim_cur = std::min(kQueueBytes, bytes.rlim_max);
  ::setrlimit(RLIMIT_MSGQUEUE, &bytes);
  // A namespace of its own has Linux's default limits, nobody else's queues, and ends with the case. Where it is not
  // to be had, the names are still unique.
  if (queues == Queues::kernel) ::unshare(CLONE_NEWIPC);
  if (queues != Queues::kernel) refuse_kernel_queues();
  ::execle(MQXX_POSIX_CASES, MQXX_POSIX_CASES, id.c_str(), nullptr, environment.data());
  ::perror("exec " MQXX_POSIX_CASES);
  ::_exit(kNotStarted);
}

/// Did the process end in time? It is not reaped.
bool ends_in_time(pid_t process) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (fd < 0) fail("pidfd_open");
  pollfd ended{.fd = fd, .events = POLLIN, .revents = 0};
  int count = 0;
  do {
    count = ::poll(&ended, 1, kPatience);
  } while (count < 0 && errno == EINTR);
  ::close(fd);
  return count == 1;
}

}  // namespace

Outcome run_case(const std::string& id, Queues queues) {
  PrivateDirectory directory;
  directory.share_with_everybody();  // as /dev/shm is
  const Capture trace("trace");
  const Capture errors("errors");
  const pid_t process = ::fork();
  if (process < 0) fail("fork");
  if (process == 0) become_case(id, queues, trace, errors);
  Outcome outcome;
  outcome.late = !ends_in_time(process);
  ::kill(-process, SIGKILL);  // children may be left in either case
  if (outcome.late) ::kill(process, SIGKILL);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  outcome.trace = trace.text();
  outcome.errors = errors.text();
  return outcome;
}

bool kernel_has_queues() {
  const mqd_t queue = ::mq_open("/mqxx-test-is-there", O_RDONLY);
  if (queue != -1) ::mq_close(queue);
  return queue != -1 || errno != ENOSYS;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string difference(const std::string& kernel, const std::string& ours) {
  const std::vector<std::string> left = lines_of(kernel);
  const std::vector<std::string> right = lines_of(ours);
  // common[i][j]: length of the longest common part of left from i and right from j.
  std::vector<std::vector<int>> common(left.size() + 1, std::vector<int>(right.size() + 1, 0));
  for (std::size_t i = left.size(); i-- > 0;) {
    for (std::size_t j = right.size(); j-- > 0;) {
      common[i][j] = left[i] == right[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string text;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < left.size() || j < right.size()) {
    if (i < left.size() && j < right.size() && left[i] == right[j]) {
      text += "  " + left[i] + "\n";
      ++i, ++j;
    } else if (i < left.size() && (j == right.size() || common[i + 1][j] >= common[i][j + 1])) {
      text += "- " + left[i++] + "\n";
    } else {
      text += "+ " + right[j++] + "\n";
    }
  }
  return text;
}

std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) fail("popen");
  std::string text;
  char part[4096];
  for (std::size_t size; (size = std::fread(part, 1, sizeof part, pipe)) > 0;) text.append(part, size);
  if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return text;
}

std::vector<OracleCase> oracle_cases() {
  std::vector<OracleCase> all;
  for (const std::string& line : lines_of(output_of("'" MQXX_POSIX_CASES "' --list"))) {
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    if (second == std::string::npos) throw std::runtime_error("not a case: " + line);
    all.push_back({.id = line.substr(0, first),
                   .differs = line.substr(first + 1, second - first - 1) == "difference",
                   .sentence = line.substr(second + 1)});
  }
  return all;
}

}  // namespace mqxx::test
