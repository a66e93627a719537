// Transfer: a process moves what is queued in one queue of ours to another. Only the moving is timed, not the filling
// and the draining around it.
#include <array>

#include <mqxx/queue.hpp>
#include <mqxx/transfer.hpp>

#include "measure/clock.hpp"
#include "measure/message.hpp"
#include "workloads/workload.hpp"

namespace bench {
namespace {

constexpr std::size_t kCapacity = 1024;
constexpr std::size_t kSize = 64;
constexpr std::size_t kDrained = 64;  // messages a call

/// Nobody else needs its name, and a killed run leaves nothing behind.
mqxx::Queue nameless(const std::string& name) {
  mqxx::Queue queue = mqxx::Queue::create("/" + name, {.capacity = kCapacity, .message_size = kSize});
  queue.unlink();
  return queue;
}

/// @throws std::runtime_error  a message was lost, doubled, torn or out of order
void drain(mqxx::Queue& queue, Verifier& verifier) {
  std::array<std::byte, kDrained * kSize> bytes{};
  std::array<mqxx::Incoming, kDrained> room;
  for (std::size_t i = 0; i < kDrained; ++i) room[i].buffer = std::span(bytes).subspan(i * kSize, kSize);
  while (const std::size_t count = queue.try_receive_batch(room)) {
    for (std::size_t i = 0; i < count; ++i) (void)verifier.verify(room[i].buffer);
  }
}

Measures measure_transfer(const Run& run, std::size_t batch) {
  mqxx::Queue from = nameless(run.channel);
  mqxx::Queue to = nameless(run.channel);
  Verifier verifier(1, /*all_seen=*/true);
  std::array<std::byte, kSize> message{};
  std::uint64_t sequence = 0;
  std::int64_t moving_ns = 0;
  const std::int64_t deadline = now_ns() + std::chrono::nanoseconds(run.settings.duration).count();
  while (now_ns() < deadline) {
    for (std::size_t i = 0; i < kCapacity; ++i) {
      write_stamp(message, {++sequence, 0, Kind::data});
      from.send(std::span<const std::byte>(message));
    }
    const std::int64_t started = now_ns();
    const std::size_t moved = mqxx::transfer(from, to, {.batch = batch}).messages;
    moving_ns += now_ns() - started;
    if (moved != kCapacity) throw std::runtime_error("moved " + std::to_string(moved) + " messages");
    drain(to, verifier);
  }
  return {static_cast<double>(sequence) * 1e3 / static_cast<double>(moving_ns)};
}

}  // namespace

std::vector<Workload> transfer_workloads() {
  std::vector<Workload> list;
  for (const std::size_t batch : {std::size_t{1}, std::size_t{64}}) {
    list.push_back({
        .name = "transfer-batch" + std::to_string(batch),
        .family = "transfer",
        .title = "transfer between two queues of ours, 64B, in batches of " + std::to_string(batch),
        .metrics = {kRate},
        .peers = {kMqxx},
        .measure = [batch](const Peer&, const Run& run) { return measure_transfer(run, batch); },
    });
  }
  return list;
}

}  // namespace bench
