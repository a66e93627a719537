// Round trip: one process asks over one queue, another answers over a second one.
#include <algorithm>

#include "measure/clock.hpp"
#include "measure/message.hpp"
#include "workloads/workload.hpp"

namespace bench {
namespace {

constexpr std::size_t kMessageSize = 64;
constexpr std::size_t kMostSamples = 1U << 20;
constexpr std::size_t kWarmUp = 200;  // round trips: connections, first touches, the waiters' own measurements

struct Percentiles {
  double median_ns;
  double p99_ns;
};

void ask(Endpoint& questions, Endpoint& answers, std::int64_t duration_ns, Percentiles& result) {
  Verifier verifier(1, /*all_seen=*/true);
  std::vector<std::byte> message(kMessageSize);
  std::vector<std::uint32_t> samples(kMostSamples, 0);  // written once now, or pages would be faulted in later
  std::uint64_t sequence = 0;
  const auto round_trip = [&] {
    write_stamp(message, {++sequence, 0, Kind::data});
    questions.send(message, 0);
    answers.receive(message);
    verifier.verify(message);
  };
  for (std::size_t i = 0; i < kWarmUp; ++i) round_trip();
  std::size_t count = 0;
  std::int64_t before = now_ns();
  const std::int64_t deadline = before + duration_ns;
  while (before < deadline && count < kMostSamples) {
    round_trip();
    const std::int64_t after = now_ns();
    samples[count++] = static_cast<std::uint32_t>(after - before);
    before = after;
  }
  write_stamp(message, {++sequence, 0, Kind::stop});
  questions.send(message, 0);
  samples.resize(count);
  const auto at = [&](std::size_t permille) {
    const auto nth = samples.begin() + static_cast<std::ptrdiff_t>(count * permille / 1000);
    std::nth_element(samples.begin(), nth, samples.end());
    return static_cast<double>(*nth);
  };
  result = {at(500), at(990)};
}

void answer(Endpoint& questions, Endpoint& answers) {
  Verifier verifier(1, /*all_seen=*/true);
  std::vector<std::byte> message(kMessageSize);
  for (;;) {
    questions.receive(message);
    if (verifier.verify(message).kind == Kind::stop) return;
    answers.send(message, 0);
  }
}

Measures measure_round_trip(const Peer& peer, const Run& run, Placement placement) {
  const auto there = peer.make({.name = run.channel + "q", .message_size = kMessageSize});
  const auto back = peer.make({.name = run.channel + "a", .message_size = kMessageSize});
  Shared<Percentiles> result;
  const std::int64_t duration_ns = std::chrono::nanoseconds(run.settings.duration).count();
  run_team({
      [&](Barriers& barriers) {
        place(placement, 0);
        const auto answers = back->consumer(0);
        barriers.consumers_made();
        const auto questions = there->producer(0);
        barriers.start();
        ask(*questions, *answers, duration_ns, *result);
        barriers.finish();
      },
      [&](Barriers& barriers) {
        place(placement, 1);
        const auto questions = there->consumer(0);
        barriers.consumers_made();
        const auto answers = back->producer(0);
        barriers.start();
        answer(*questions, *answers);
        barriers.finish();
      },
  });
  return {result->median_ns / 1e3, result->p99_ns / 1e3};
}

Workload round_trip(std::string name, std::string title, Placement placement) {
  return {
      .name = std::move(name),
      .family = "roundtrip",
      .title = std::move(title),
      .metrics = {{"p50", "us", Metric::Better::lower}, {"p99", "us", Metric::Better::lower}},
      .peers = kEveryQueue,
      .measure = [placement](const Peer& peer, const Run& run) { return measure_round_trip(peer, run, placement); },
  };
}

}  // namespace

std::vector<Workload> round_trip_workloads() {
  return {
      round_trip("roundtrip-two-cores", "round trip, 64 B, one process pinned to each of two cores",
                 Placement::two_cores),
      round_trip("roundtrip-one-core", "round trip, 64 B, both processes pinned to one core", Placement::one_core),
  };
}

}  // namespace bench
