#include "posix/workloads.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace bench {
namespace {

/// The program's answer: whose queues it had, and the number.
struct Answer {
  std::string owner;
  double value = 0;
};

[[noreturn]] void become_program(const std::string& work, const std::string& milliseconds, bool preloaded, int output) {
  ::unsetenv("LD_PRELOAD");
  if (preloaded) ::setenv("LD_PRELOAD", MQXX_BENCH_POSIX_LIBRARY, 1);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execl(MQXX_BENCH_POSIX_PROGRAM, "mqxx-posix-bench", work.c_str(), milliseconds.c_str(), nullptr);
  ::perror(MQXX_BENCH_POSIX_PROGRAM);
  ::_exit(127);
}

/// The process is not waited for: it is of this measurement's group, whose end is the end of both.
std::string output_of(const std::string& work, const std::string& milliseconds, bool preloaded) {
  int ends[2];
  if (::pipe(ends) != 0) throw_errno("pipe");
  const pid_t program = ::fork();
  if (program < 0) throw_errno("fork");
  if (program == 0) become_program(work, milliseconds, preloaded, ends[1]);
  ::close(ends[1]);
  std::string text;
  char part[256];
  for (;;) {
    const ssize_t size = ::read(ends[0], part, sizeof part);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(part, static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Measures measure_program(const Peer& peer, const Run& run, const std::string& work) {
  const bool preloaded = peer.name() == kMqxx;
  const std::string text = output_of(work, std::to_string(run.settings.duration.count()), preloaded);
  const std::string owner = text.substr(0, text.find(' '));
  const std::string expected(preloaded ? kMqxx : kKernel);
  if (owner != expected && (owner == kMqxx || owner == kKernel)) throw std::runtime_error("it had queues of: " + owner);
  if (owner != expected) throw std::runtime_error(text.empty() ? "the program died" : text);
  return {std::stod(text.substr(owner.size()))};
}

Workload workload(const std::string& work, std::string title, Metric metric) {
  return {
      .name = "posix-" + work,
      .family = "posix",
      .title = "the same program, " + std::move(title),
      .metrics = {std::move(metric)},
      .peers = kOursAndKernel,
      .measure = [work](const Peer& peer, const Run& run) { return measure_program(peer, run, work); },
  };
}

}  // namespace

std::vector<Workload> posix_workloads() {
  const Metric pair{"pair", "ns", Metric::Better::lower};
  const Metric p50{"p50", "us", Metric::Better::lower};
  const Metric call{"call", "us", Metric::Better::lower};
  return {
      workload("pair-64B", "send + receive in one thread, 64 B", pair),
      workload("pair-8KiB", "send + receive in one thread, 8 KiB", pair),
      workload("flow-10", "1 -> 1, capacity 10, 64 B", kRate),
      workload("flow-1000", "1 -> 1, capacity 1000, 64 B", kRate),
      workload("flow-epoll-1000", "1 -> 1, capacity 1000, 64 B: epoll, then all that is there", kRate),
      workload("flow-poll-1000", "1 -> 1, capacity 1000, 64 B: poll, then all that is there", kRate),
      workload("flow-poll-one-1000", "1 -> 1, capacity 1000, 64 B: poll before every message", kRate),
      workload("roundtrip", "round trip, 64 B, one process pinned to each of two cores", p50),
      workload("roundtrip-epoll", "round trip, two cores, both wait in epoll", p50),
      workload("roundtrip-poll", "round trip, two cores, both wait in poll", p50),
      workload("open-close", "mq_open and mq_close of an existing queue of 10 x 64 B", call),
      workload("create-unlink", "mq_open, mq_unlink and mq_close of a new queue of 10 x 64 B", call),
  };
}

}  // namespace bench
