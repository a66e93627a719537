#include "support/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/timing.hpp"

namespace mqxx::test {
namespace {

constexpr int kOrdinaryUser = 65534;

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written <= 0) return;  // the parent is gone: there is nobody left to tell
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Sends failed assertions of the child to its parent instead of printing them.
class PipeListener : public testing::EmptyTestEventListener {
 public:
  explicit PipeListener(int fd) : fd_(fd) {}
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::string text = result.file_name() != nullptr ? result.file_name() : "?";
    text += ":" + std::to_string(result.line_number()) + ": " + result.message() + "\n";
    write_all(fd_, text);
    any_ = true;
  }
  [[nodiscard]] bool any() const { return any_; }

 private:
  int fd_;
  bool any_ = false;
};

/// A thread that is still starting may hold the address sanitizer's allocator, which is locked for ever in a child that
/// is forked just then. So it is waited, for a while, until all others sleep.
void let_threads_start() {
#ifdef __SANITIZE_ADDRESS__
  const auto all_sleep = [] {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::ifstream file(task.path() / "stat");
      std::string text;
      std::getline(file, text);
      const std::size_t end = text.rfind(')');
      const bool self = task.path().filename() == std::to_string(::gettid());
      if (!self && end != text.npos && text.compare(end + 2, 1, "S") != 0) return false;
    }
    return true;
  };
  constexpr int kPatience = 100;  // milliseconds: some tests fork on purpose while others work
  for (int i = 0; i < kPatience && !all_sleep(); ++i) std::this_thread::sleep_for(1ms);
#endif
}

[[noreturn]] void run_child(const std::function<void()>& body, int fd, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It died before the line above could count; 0 is a parent in another PID namespace.
  if (::getppid() != parent && ::getppid() != 0) ::_exit(1);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  auto* listener = new PipeListener(fd);
  listeners.Append(listener);
  int status = 0;
  try {
    body();
  } catch (const std::exception& error) {
    write_all(fd, std::string("exception in the child: ") + error.what() + "\n");
    status = 1;
  }
  if (listener->any()) status = 1;
  std::cout.flush();
  std::fflush(nullptr);
  ::_exit(status);  // not exit(): what the test has registered is the parent's to run
}

}  // namespace

Child::Child(const std::function<void()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  // What is buffered now would otherwise be printed by both processes.
  std::cout.flush();
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  let_threads_start();
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::close(ends[0]);
    run_child(body, ends[1], parent);
  }
  ::close(ends[1]);
  pipe_ = ends[0];
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pipe_(std::exchange(other.pipe_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    pipe_ = std::exchange(other.pipe_, -1);
  }
  return *this;
}

Child::~Child() { kill(); }

Ended Child::kill() {
  Ended ended;
  if (pid_ < 0) return ended;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  while (read_failures(ended)) {
  }
  reap(status, ended);
  return ended;
}

bool Child::stop() {
  ::kill(pid_, SIGSTOP);
  return await_stop();
}

bool Child::await_stop() {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  return info.si_code == CLD_STOPPED;
}

void Child::go_on() { ::kill(pid_, SIGCONT); }

bool Child::has_ended() const {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
}

// What is in the pipe. @return false at its end, and when nothing comes for a millisecond
bool Child::read_failures(Ended& ended) const {
  pollfd readable{.fd = pipe_, .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, 1) <= 0) return false;
  char text[4096];
  const ssize_t size = ::read(pipe_, text, sizeof text);
  if (size > 0) ended.failures.append(text, static_cast<std::size_t>(size));
  return size > 0;
}

void Child::reap(int status, Ended& ended) {
  pid_ = -1;
  ::close(std::exchange(pipe_, -1));
  if (WIFEXITED(status)) ended.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
}

Ended Child::join(std::chrono::seconds limit) {
  Ended ended;
  const auto deadline = std::chrono::steady_clock::now() + limit * kSlowdown;
  for (;;) {
    int status = 0;
    const pid_t gone = ::waitpid(pid_, &status, WNOHANG);
    // Everything that a dead child wrote is in the pipe; a live one may fill it, so it is emptied meanwhile.
    while (read_failures(ended)) {
    }
    if (gone == pid_) {
      reap(status, ended);
      return ended;
    }
    if (std::chrono::steady_clock::now() >= deadline && !ended.late) {
      ended.late = true;
      ::kill(pid_, SIGKILL);
    }
  }
}

void expect_well(Child& child, std::chrono::seconds limit) {
  const pid_t pid = child.pid();
  const Ended ended = child.join(limit);
  EXPECT_FALSE(ended.late) << "process " << pid << " did not end in time";
  EXPECT_EQ(ended.signal, ended.late ? SIGKILL : 0) << "process " << pid << " was ended by a signal";
  EXPECT_TRUE(ended.failures.empty()) << "in process " << pid << ":\n" << ended.failures;
  if (ended.signal == 0) {
    EXPECT_EQ(ended.exit_status, 0) << "exit status of process " << pid;
  }
}

bool is_root() { return ::geteuid() == 0; }

void become_ordinary_user() {
  if (!is_root()) return;
  if (::setgroups(0, nullptr) != 0 || ::setgid(kOrdinaryUser) != 0 || ::setuid(kOrdinaryUser) != 0) {
    throw std::system_error(errno, std::generic_category(), "setuid");
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // the kernel forgot it when the user changed
}

}  // namespace mqxx::test
