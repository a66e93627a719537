#include "trace.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mqxx::cases {
namespace {

constexpr int kGaveUp = 90;  // exit status

// Functions and not objects: registration happens before main, in any order.
std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

std::vector<Part>& parts() {
  static std::vector<Part> all;
  return all;
}

std::map<std::string, std::string>& names() {
  static std::map<std::string, std::string> all;
  return all;
}

void write_line(const char* format, va_list arguments) {
  const int error = errno;
  char line[512];
  const int size = std::vsnprintf(line, sizeof line - 1, format, arguments);
  std::size_t end = size < 0 ? 0 : std::min(static_cast<std::size_t>(size), sizeof line - 2);
  line[end++] = '\n';
  // One write for a line: lines of several processes do not mix.
  for (const char* from = line; end > 0;) {
    const ssize_t written = ::write(STDOUT_FILENO, from, end);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    from += written;
    end -= static_cast<std::size_t>(written);
  }
  errno = error;
}

void sleep_milliseconds(long time) {
  timespec left{.tv_sec = 0, .tv_nsec = time * 1'000'000};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

/// "S" and the switches so far, as one string; a thread that sleeps for good always gives the same.
std::string state_of(pid_t thread) {
  const std::string path = "/proc/" + std::to_string(thread) + "/status";
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return {};
  std::string found;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, "State:", 6) == 0) found += line[7];
    if (std::strstr(line, "ctxt_switches") != nullptr) found += line;
  }
  std::fclose(file);
  return found;
}

}  // namespace

Registration::Registration(const Case& entry) { cases().push_back(entry); }

Registration::Registration(const Part& entry) { parts().push_back(entry); }

void trace(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write_line(format, arguments);
  va_end(arguments);
}

const char* error_name(int error) {
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? name : "an unknown error";
}

long traced(const char* what, long value) {
  if (value == -1) {
    trace("%s -> %s", what, error_name(errno));
  } else {
    trace("%s -> %ld", what, value);
  }
  return value;
}

int traced_descriptor(const char* what, int descriptor) {
  trace("%s -> %s", what, descriptor == -1 ? error_name(errno) : "descriptor");
  return descriptor;
}

void give_up(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write_line(format, arguments);
  va_end(arguments);
  remove_queues();
  ::_exit(kGaveUp);
}

const char* queue_name(const char* suffix) {
  constexpr const char* kVariable = "MQXX_CASE_QUEUE";  // so that a program after exec finds the same
  const char* base = std::getenv(kVariable);
  if (base == nullptr) {
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) give_up("no random number");
    char text[64];
    std::snprintf(text, sizeof text, "/mqxx-test-%016llx", static_cast<unsigned long long>(random));
    ::setenv(kVariable, text, 1);
    base = std::getenv(kVariable);
  }
  return names().try_emplace(suffix, std::string(base) + suffix).first->second.c_str();
}

mqd_t open_named(const char* suffix, int flags, long capacity, long size, mode_t mode) {
  mq_attr attributes{};
  attributes.mq_maxmsg = capacity;
  attributes.mq_msgsize = size;
  const mqd_t queue = ::mq_open(queue_name(suffix), flags | O_CREAT, mode, &attributes);
  if (queue == -1) give_up("cannot open a queue of %ld x %ld: %s", capacity, size, error_name(errno));
  return queue;
}

mqd_t open_queue(int flags, long capacity, long size, mode_t mode) {
  return open_named("", flags, capacity, size, mode);
}

long depth(mqd_t queue) {
  mq_attr attributes{};
  if (::mq_getattr(queue, &attributes) != 0) give_up("no depth: %s", error_name(errno));
  return attributes.mq_curmsgs;
}

void fill(mqd_t queue) {
  mq_attr attributes{};
  if (::mq_getattr(queue, &attributes) != 0) give_up("cannot fill: %s", error_name(errno));
  for (long count = attributes.mq_curmsgs; count < attributes.mq_maxmsg; ++count) {
    if (::mq_send(queue, "f", 1, 0) != 0) give_up("cannot fill: %s", error_name(errno));
  }
}

void trace_receive(mqd_t queue) {
  char buffer[8193];
  unsigned priority = 99999;
  const ssize_t size = ::mq_receive(queue, buffer, sizeof buffer - 1, &priority);
  if (size < 0) {
    trace("received -> %s", error_name(errno));
  } else {
    buffer[size] = '\0';
    trace("received %zd bytes, priority %u: %s", size, priority, buffer);
  }
}

void wait_until_sleeping(pid_t thread_or_process) {
  constexpr int kSamples = 10;  // of 2 ms: longer than anybody spins, and than one page fault sleeps
  std::string before;
  int same = 0;
  for (const long begin = milliseconds(); milliseconds() - begin < 10'000;) {
    std::string now = state_of(thread_or_process);
    same = !now.empty() && now[0] == 'S' && now == before ? same + 1 : 0;
    if (same == kSamples) return;
    before = std::move(now);
    sleep_milliseconds(2);
  }
  give_up("waited ten seconds for somebody to sleep");
}

Meeting::Meeting() : event_(::eventfd(0, EFD_CLOEXEC)) {
  if (event_ < 0) give_up("no eventfd: %s", error_name(errno));
}

void Meeting::stay() const {
  ::eventfd_write(event_, 1);
  for (;;) ::pause();
}

void Meeting::wait() const {
  eventfd_t count = 0;
  ::eventfd_read(event_, &count);
}

pid_t thread_id() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

pid_t start_child(const std::function<int()>& body) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) give_up("cannot fork: %s", error_name(errno));
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kGaveUp);
    ::_exit(body());
  }
  return child;
}

int finish(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) give_up("cannot wait for a child: %s", error_name(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int in_child(const std::function<int()>& body) { return finish(start_child(body)); }

timespec from_now(long time) {
  timespec result{};
  ::clock_gettime(CLOCK_REALTIME, &result);
  const long long nanoseconds = result.tv_nsec + time % 1000 * 1'000'000LL;
  result.tv_sec += time / 1000 + (nanoseconds >= 1'000'000'000 ? 1 : 0) - (nanoseconds < 0 ? 1 : 0);
  result.tv_nsec = static_cast<long>((nanoseconds + 1'000'000'000) % 1'000'000'000);
  return result;
}

long milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

char* forbidden_memory() {
  static void* memory = ::mmap(nullptr, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("cannot map: %s", error_name(errno));
  return static_cast<char*>(memory);
}

const char* program() {
  static const std::string path = [] {
    char text[PATH_MAX];
    const ssize_t size = ::readlink("/proc/self/exe", text, sizeof text);
    if (size <= 0) give_up("cannot find this program: %s", error_name(errno));
    return std::string(text, static_cast<std::size_t>(size));
  }();
  return path.c_str();
}

const Case* first_case() {
  std::sort(cases().begin(), cases().end(), [](const Case& left, const Case& right) {
    return std::make_tuple(std::string(left.call), left.number) <
           std::make_tuple(std::string(right.call), right.number);
  });
  return cases().data();
}

const Case* last_case() { return cases().data() + cases().size(); }

void run_part(const char* name) {
  for (const Part& part : parts()) {
    if (std::strcmp(part.name, name) == 0) return part.body();
  }
  give_up("there is no part '%s'", name);
}

void remove_queues() {
  for (const auto& [suffix, name] : names()) ::mq_unlink(name.c_str());
}

}  // namespace mqxx::cases
