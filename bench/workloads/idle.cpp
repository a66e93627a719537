// What an idle queue costs: processor time of a receiver that waits, memory of a queue that nobody uses.
#include <algorithm>

#include <sys/stat.h>

#include <mqxx/inspect.hpp>

#include "measure/clock.hpp"
#include "measure/message.hpp"
#include "workloads/workload.hpp"

namespace bench {
namespace {

constexpr unsigned kReceivers = 5;                 // side by side: samples without the waiting
constexpr std::int64_t kIdleTime = 2'000'000'000;  // ns

/// Processor time of one receive that waits for two seconds, us: the worst of kReceivers.
Measures measure_idle(const Peer& peer, const Run& run) {
  Shared<double> used_us(kReceivers);
  std::vector<std::unique_ptr<Channel>> channels;
  std::vector<Member> members;
  for (unsigned i = 0; i < kReceivers; ++i) {
    channels.push_back(peer.make({.name = run.channel + "i" + std::to_string(i)}));
    members.emplace_back([&, i](Barriers& barriers) {
      const auto endpoint = channels[i]->consumer(0);
      std::vector<std::byte> message(kSmallestMessage);
      barriers.consumers_made();
      barriers.start();
      const std::int64_t before = own_cpu_ns();
      endpoint->receive(message);
      used_us[i] = static_cast<double>(own_cpu_ns() - before) / 1e3;
      barriers.finish();
    });
  }
  members.emplace_back([&](Barriers& barriers) {
    barriers.consumers_made();
    barriers.start();
    sleep_ns(kIdleTime);
    const std::vector<std::byte> message(kSmallestMessage);
    for (const auto& channel : channels) channel->producer(0)->send(message, 0);
    barriers.finish();
  });
  run_team(members);
  double worst = 0;
  for (unsigned i = 0; i < kReceivers; ++i) worst = std::max(worst, used_us[i]);
  return {worst};
}

/// KiB that the file of a queue occupies when nothing was ever sent.
Measures measure_memory(const Peer& peer, const Run& run, std::size_t capacity, std::size_t size) {
  const auto channel = peer.make({.name = run.channel, .capacity = capacity, .message_size = size});
  const auto endpoint = channel->consumer(0);
  const std::string path = mqxx::queue_directory() + "/mqxx." + run.channel;
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) throw_errno("stat of the queue's file");
  return {static_cast<double>(state.st_blocks) * 512 / 1024};
}

Workload memory_workload(std::string name, std::string title, std::size_t capacity, std::size_t size) {
  return {
      .name = std::move(name),
      .family = "memory",
      .title = std::move(title),
      .metrics = {{"memory", "KiB", Metric::Better::lower}},
      .peers = {kMqxx},
      .measure = [capacity, size](const Peer& peer,
                                  const Run& run) { return measure_memory(peer, run, capacity, size); },
  };
}

}  // namespace

std::vector<Workload> idle_workloads() {
  return {
      {
          .name = "idle-receiver",
          .family = "idle",
          .title = "processor time of a receiver that waits 2 s (worst of five side by side)",
          .metrics = {{"cpu", "us", Metric::Better::lower}},
          .peers = kOursAndKernel,
          .measure = measure_idle,
          .most_repetitions = 1,
      },
      memory_workload("memory-10x64B", "memory of an idle queue, 10 x 64 B", 10, 64),
      memory_workload("memory-1000000x64KiB", "memory of an idle queue, 1,000,000 x 64 KiB", 1'000'000, 65536),
  };
}

}  // namespace bench
