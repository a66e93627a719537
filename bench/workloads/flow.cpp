#include "workloads/flow.hpp"

#include <algorithm>

#include "measure/clock.hpp"
#include "measure/message.hpp"

namespace bench {
namespace {

constexpr std::uint64_t kMessagesPerLook = 32;  // at the clock

/// One of these per worker, so that nobody shares a cache line while it counts.
struct alignas(128) Tally {
  std::int64_t started_ns;
  std::int64_t ended_ns;
  std::uint64_t messages;
};

/// Sends until the time is up, then tells every consumer.
void produce(Endpoint& endpoint, const Flow& flow, std::uint32_t producer, std::int64_t duration_ns, Tally& tally) {
  const std::size_t size = flow.message_size;
  std::vector<std::byte> messages(flow.batch * size, std::byte{0x5a});
  std::uint64_t sequence = 0;
  const auto send_one_call = [&] {
    for (std::size_t i = 0; i < flow.batch; ++i) {
      write_stamp(std::span(messages).subspan(i * size, size), {++sequence, producer, Kind::data});
    }
    if (flow.batch == 1) {
      endpoint.send(messages, 0);
    } else {
      endpoint.send_batch(messages, flow.batch);
    }
  };
  tally.started_ns = now_ns();
  while (now_ns() < tally.started_ns + duration_ns) {
    const std::uint64_t look = sequence + kMessagesPerLook;
    while (sequence < look) send_one_call();
  }
  tally.messages = sequence;
  const std::span<std::byte> last = std::span(messages).first(size);
  write_stamp(last, {++sequence, producer, Kind::stop});
  for (unsigned consumer = 0; consumer < flow.consumers; ++consumer) endpoint.send_to(consumer, last);
}

/// Receives until it has seen as many stops as there are producers. In a shared queue that may be somebody else's
/// stop; but every producer sends one for each consumer after all of its messages, so when the last consumer
/// ends, nothing is left.
void consume(Endpoint& endpoint, const Flow& flow, Tally& tally) {
  Verifier verifier(flow.producers, /*all_seen=*/flow.consumers == 1);
  const std::size_t size = flow.message_size;
  std::vector<std::byte> room(flow.batch * size);
  unsigned stops = 0;
  while (stops < flow.producers) {
    std::size_t count = 1;
    if (flow.batch == 1) {
      endpoint.receive(room);
    } else {
      count = endpoint.receive_batch(room, flow.batch);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const Stamp stamp = verifier.verify(std::span(room).subspan(i * size, size));
      if (stamp.kind == Kind::stop) {
        ++stops;
      } else {
        ++tally.messages;
      }
    }
  }
  tally.ended_ns = now_ns();
}

Measures rate_of(Shared<Tally>& tallies, const Flow& flow) {
  std::int64_t started = tallies[0].started_ns;
  std::int64_t ended = 0;
  std::uint64_t sent = 0, received = 0;
  for (unsigned i = 0; i < flow.producers; ++i) {
    started = std::min(started, tallies[i].started_ns);
    sent += tallies[i].messages;
  }
  for (unsigned i = flow.producers; i < flow.producers + flow.consumers; ++i) {
    ended = std::max(ended, tallies[i].ended_ns);
    received += tallies[i].messages;
  }
  if (sent != received) {
    throw std::runtime_error(std::to_string(sent) + " messages sent, " + std::to_string(received) + " received");
  }
  return {static_cast<double>(received) * 1e3 / static_cast<double>(ended - started)};
}

std::string bytes_text(std::size_t bytes) {
  return bytes < 1024 ? std::to_string(bytes) + "B" : std::to_string(bytes / 1024) + "KiB";
}

}  // namespace

Measures measure_flow(const Peer& peer, const Run& run, const Flow& flow) {
  const auto channel = peer.make({.name = run.channel,
                                  .capacity = flow.capacity,
                                  .message_size = flow.message_size,
                                  .producers = flow.producers,
                                  .consumers = flow.consumers});
  Shared<Tally> tallies(flow.producers + flow.consumers);
  const std::int64_t duration_ns = std::chrono::nanoseconds(run.settings.duration).count();
  std::vector<Member> members;
  for (unsigned i = 0; i < flow.producers; ++i) {
    members.emplace_back([&, i](Barriers& barriers) {
      place(flow.placement, i);
      barriers.consumers_made();
      const auto endpoint = channel->producer(i);
      barriers.start();
      produce(*endpoint, flow, i, duration_ns, tallies[i]);
      barriers.finish();
    });
  }
  for (unsigned i = 0; i < flow.consumers; ++i) {
    members.emplace_back([&, i](Barriers& barriers) {
      place(flow.placement, flow.producers + i);
      const auto endpoint = channel->consumer(i);
      barriers.consumers_made();
      barriers.start();
      consume(*endpoint, flow, tallies[flow.producers + i]);
      barriers.finish();
    });
  }
  const BusyCrowd crowd(busy_processes(flow.placement));
  run_team(members);
  return rate_of(tallies, flow);
}

std::string name_of(const Flow& flow) {
  return std::to_string(flow.producers) + "to" + std::to_string(flow.consumers) + "-cap" +
         std::to_string(flow.capacity) + "-" + bytes_text(flow.message_size) +
         (flow.batch > 1 ? "-batch" + std::to_string(flow.batch) : "");
}

std::string title_of(const Flow& flow) {
  return std::to_string(flow.producers) + " -> " + std::to_string(flow.consumers) + ", capacity " +
         std::to_string(flow.capacity) + ", " + bytes_text(flow.message_size) +
         (flow.batch > 1 ? ", batches of " + std::to_string(flow.batch) : "");
}

std::vector<Flow> plain_flows() {
  return {
      {.capacity = 10, .message_size = 64},
      {.capacity = 10, .message_size = 1024},
      {.capacity = 10, .message_size = 8192},
      {.capacity = 1024, .message_size = 64},
      {.producers = 2, .consumers = 2, .capacity = 10},
      {.producers = 2, .consumers = 2, .capacity = 1024},
      {.producers = 4, .consumers = 1, .capacity = 10},
      {.producers = 4, .consumers = 1, .capacity = 1024},
  };
}

std::vector<Workload> flow_workloads() {
  std::vector<Workload> list;
  for (const Flow& flow : plain_flows()) {
    list.push_back({
        .name = name_of(flow),
        .family = "throughput",
        .title = title_of(flow),
        .metrics = {kRate},
        .peers = kEveryQueue,
        .measure = [flow](const Peer& peer, const Run& run) { return measure_flow(peer, run, flow); },
    });
  }
  const Flow batches{.capacity = 1024, .batch = 64};
  list.push_back({
      .name = name_of(batches),
      .family = "batch",
      .title = title_of(batches) + " (kernel and ring: one by one)",
      .metrics = {kRate},
      .peers = {kMqxx, kKernel, kRing},
      .measure = [batches](const Peer& peer, const Run& run) { return measure_flow(peer, run, batches); },
  });
  return list;
}

}  // namespace bench
