// What a turn of mqxx::EventLoop costs beside the system's wait: for each queue that is ready, and with thousands that
// are not.
#include <algorithm>
#include <array>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <mqxx/event_loop.hpp>

#include "measure/clock.hpp"
#include "workloads/workload.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReady = 200;  // fewer than are told of in one turn
constexpr int kTurns = 200;          // a sample
constexpr int kSamples = 15;
constexpr rlim_t kDescriptorsEach = 2;     // its file and its doorbell
constexpr rlim_t kOtherDescriptors = 200;  // more than this process has

/// So many queues, or as many as RLIMIT_NOFILE lets this process have.
std::size_t allowed(std::size_t count) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlim_t wanted = count * kDescriptorsEach + kOtherDescriptors;
  if (files.rlim_cur >= wanted) return count;
  files.rlim_cur = std::min(files.rlim_max, wanted);
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) throw_errno("setrlimit of RLIMIT_NOFILE");
  return std::min<std::size_t>(count, (files.rlim_cur - kOtherDescriptors) / kDescriptorsEach);
}

/// They vanish with the process.
std::vector<mqxx::Queue> nameless_queues(const std::string& channel, std::size_t count) {
  std::vector<mqxx::Queue> queues;
  for (std::size_t i = 0; i < count; ++i) {
    queues.push_back(mqxx::Queue::create("/" + channel + "-" + std::to_string(i), {.capacity = 4, .message_size = 64}));
    queues.back().unlink();
  }
  return queues;
}

/// The median of kSamples, in ns a turn.
template <class Turn>
double turn_ns(Turn turn) {
  std::vector<double> samples;
  for (int sample = 0; sample < kSamples; ++sample) {
    const std::int64_t begun = now_ns();
    for (int i = 0; i < kTurns; ++i) turn();
    samples.push_back(static_cast<double>(now_ns() - begun) / kTurns);
  }
  std::nth_element(samples.begin(), samples.begin() + kSamples / 2, samples.end());
  return samples[kSamples / 2];
}

/// Turns in which kReady queues are told of, less epoll_wait over the same descriptors; a queue.
Measures measure_dispatch(const Run& run) {
  std::vector<mqxx::Queue> queues = nameless_queues(run.channel, allowed(kReady));
  mqxx::EventLoop loop;
  const int bare = ::epoll_create1(EPOLL_CLOEXEC);
  std::uint64_t told = 0;
  for (mqxx::Queue& queue : queues) {
    queue.send("x");
    loop.on_readable(queue, [&told](mqxx::Queue&) { ++told; });
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (::epoll_ctl(bare, EPOLL_CTL_ADD, queue.native_handle(), &event) != 0) throw_errno("epoll_ctl");
  }
  const double with_loop = turn_ns([&] { loop.run_for(0s); });
  if (told != std::uint64_t{kReady} * kTurns * kSamples) throw std::runtime_error("a queue was not told of");
  std::array<epoll_event, 256> events{};
  const double without = turn_ns([&] {
    if (::epoll_wait(bare, events.data(), events.size(), 0) != static_cast<int>(kReady)) throw_errno("epoll_wait");
  });
  ::close(bare);
  return {(with_loop - without) / static_cast<double>(kReady)};
}

/// A turn that tells of one queue while `idle` others have nothing.
Measures measure_idle(const Run& run, std::size_t idle) {
  std::vector<mqxx::Queue> queues = nameless_queues(run.channel, allowed(idle + 1));
  mqxx::EventLoop loop;
  std::uint64_t told = 0;
  for (const mqxx::Queue& queue : queues) loop.on_readable(queue, [&told](mqxx::Queue&) { ++told; });
  queues.back().send("x");
  return {turn_ns([&] { loop.run_for(0s); })};
}

}  // namespace

std::vector<Workload> event_loop_turn_workloads() {
  std::vector<Workload> list{{
      .name = "loop-dispatch",
      .family = "loop",
      .title = "EventLoop, telling of a queue that is ready, beyond epoll_wait",
      .metrics = {kDispatch},
      .peers = {kMqxx},
      .measure = [](const Peer&, const Run& run) { return measure_dispatch(run); },
  }};
  for (const std::size_t idle : {std::size_t{1}, std::size_t{10'000}}) {
    list.push_back({
        .name = "loop-idle-" + std::to_string(idle),
        .family = "loop",
        .title = "EventLoop, a turn with one ready queue beside " + std::to_string(idle) +
                 " idle, or as many as RLIMIT_NOFILE allows",
        .metrics = {{"turn", "ns", Metric::Better::lower}},
        .peers = {kMqxx},
        .measure = [idle](const Peer&, const Run& run) { return measure_idle(run, idle); },
        .limit = std::chrono::seconds(60),
        .most_repetitions = 3,
    });
  }
  return list;
}

}  // namespace bench
