#include "workloads/single_thread.hpp"

#include "measure/clock.hpp"
#include "measure/message.hpp"

namespace bench {
namespace {

constexpr std::size_t kCapacity = 10;
constexpr std::uint64_t kPairsPerLook = 16;  // at the clock

}  // namespace

Measures measure_pair(const Peer& peer, const Run& run, std::size_t capacity, std::size_t message_size) {
  const auto channel = peer.make({.name = run.channel, .capacity = capacity, .message_size = message_size});
  const auto consumer = channel->consumer(0);
  const auto producer = channel->producer(0);
  Verifier verifier(1, /*all_seen=*/true);
  std::vector<std::byte> out(message_size, std::byte{0x5a});
  std::vector<std::byte> in(message_size);
  std::uint64_t sequence = 0;
  const auto pair = [&] {
    write_stamp(out, {++sequence, 0, Kind::data});
    producer->send(out, 0);
    verifier.verify(std::span(in).first(consumer->receive(in).size));
  };
  for (std::size_t i = 0; i < 2 * capacity; ++i) pair();  // touch all of the memory, connect
  const std::uint64_t warm = sequence;
  const std::int64_t started = now_ns();
  const std::int64_t deadline = started + std::chrono::nanoseconds(run.settings.duration).count();
  std::int64_t now = started;
  while (now < deadline) {
    for (std::uint64_t i = 0; i < kPairsPerLook; ++i) pair();
    now = now_ns();
  }
  return {static_cast<double>(now - started) / static_cast<double>(sequence - warm)};
}

std::vector<Workload> single_thread_workloads() {
  std::vector<Workload> list;
  for (const auto& [size, label] : {std::pair<std::size_t, std::string>{64, "64B"}, {8192, "8KiB"}, {65536, "64KiB"}}) {
    list.push_back({
        .name = "single-" + label,
        .family = "single",
        .title = "send + receive in one thread, " + label,
        .metrics = {{"pair", "ns", Metric::Better::lower}},
        .peers = kEveryHome,
        .measure = [size = size](const Peer& peer, const Run& run) { return measure_pair(peer, run, kCapacity, size); },
    });
  }
  return list;
}

}  // namespace bench
