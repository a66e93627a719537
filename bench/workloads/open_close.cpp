// Opening and closing a queue that exists; creating, removing and closing one that does not.
#include <fcntl.h>
#include <mqueue.h>

#include <mqxx/queue.hpp>

#include "measure/clock.hpp"
#include "workloads/workload.hpp"

namespace bench {
namespace {

constexpr std::size_t kCapacity = 10;
constexpr std::size_t kMessageSize = 64;

/// Two ways to do one thing, by peer.
template <class Ours, class Kernels>
Measures measure_calls(const Peer& peer, const Run& run, const Ours& ours, const Kernels& kernels) {
  const bool is_ours = peer.name() == kMqxx;
  const std::string name = "/" + run.channel;
  const std::int64_t started = now_ns();
  const std::int64_t deadline = started + std::chrono::nanoseconds(run.settings.duration).count();
  std::int64_t now = started;
  std::size_t calls = 0;
  for (; now < deadline; ++calls) {
    if (is_ours) {
      ours(name);
    } else {
      kernels(name);
    }
    now = now_ns();
  }
  return {static_cast<double>(now - started) / static_cast<double>(calls) / 1e3};
}

void kernel_open(const std::string& name, int flags) {
  mq_attr attributes{};
  attributes.mq_maxmsg = kCapacity;
  attributes.mq_msgsize = kMessageSize;
  const mqd_t queue = ::mq_open(name.c_str(), O_RDWR | flags, 0600, &attributes);
  if (queue == static_cast<mqd_t>(-1)) throw_errno("mq_open");
  if ((flags & O_CREAT) != 0) ::mq_unlink(name.c_str());
  ::mq_close(queue);
}

Measures measure_open(const Peer& peer, const Run& run) {
  const auto channel = peer.make({.name = run.channel, .capacity = kCapacity, .message_size = kMessageSize});
  return measure_calls(
      peer, run, [](const std::string& name) { mqxx::Queue::open(name).close(); },
      [](const std::string& name) { kernel_open(name, 0); });
}

Measures measure_create(const Peer& peer, const Run& run) {
  return measure_calls(
      peer, run,
      [](const std::string& name) {
        mqxx::Queue::create(name, {.capacity = kCapacity, .message_size = kMessageSize}).unlink();
      },
      [](const std::string& name) { kernel_open(name, O_CREAT | O_EXCL); });
}

}  // namespace

std::vector<Workload> open_workloads() {
  return {
      {
          .name = "open-close",
          .family = "open",
          .title = "open and close an existing queue of 10 x 64 B",
          .metrics = {{"call", "us", Metric::Better::lower}},
          .peers = kOursAndKernel,
          .measure = measure_open,
      },
      {
          .name = "create-unlink",
          .family = "open",
          .title = "create, unlink and close a queue of 10 x 64 B",
          .metrics = {{"call", "us", Metric::Better::lower}},
          .peers = kOursAndKernel,
          .measure = measure_create,
      },
  };
}

}  // namespace bench
