// Event loops: a consumer that waits in mqxx::EventLoop and drains, and two loops that answer each other; on our queue
// and on the kernel's, by the same loop.
#include <algorithm>

#include <mqxx/event_loop.hpp>

#include "measure/clock.hpp"
#include "measure/message.hpp"
#include "workloads/workload.hpp"

namespace bench {
namespace {

constexpr std::size_t kCapacity = 1024;
constexpr std::size_t kSize = 64;
constexpr std::uint64_t kMessagesPerLook = 32;  // at the clock
constexpr std::size_t kMostSamples = 1U << 20;
constexpr std::size_t kWarmUp = 200;

/// Made once and inherited by the workers as a name. The kernel's limits make it unavailable.
class LoopQueue {
 public:
  LoopQueue(const Peer& peer, const std::string& name, std::size_t capacity)
      : name_((peer.name() == kMqxxKernel ? "kernel:/" : "/") + name) {
    try {
      queue_ = mqxx::Queue::create(name_, {.capacity = capacity, .message_size = kSize});
    } catch (const mqxx::Error& error) {
      throw Unavailable(error.what());
    }
  }
  LoopQueue(const LoopQueue&) = delete;
  LoopQueue& operator=(const LoopQueue&) = delete;
  ~LoopQueue() {
    std::error_code ignored;
    mqxx::Queue::unlink(name_, ignored);
  }
  [[nodiscard]] mqxx::Queue open() const { return mqxx::Queue::open(name_); }

 private:
  std::string name_;
  mqxx::Queue queue_;
};

struct Tally {
  std::int64_t started_ns;
  std::int64_t ended_ns;
  std::uint64_t received;
};

void produce(mqxx::Queue& queue, std::int64_t duration_ns, Tally& tally) {
  std::array<std::byte, kSize> message{};
  std::uint64_t sequence = 0;
  tally.started_ns = now_ns();
  while (now_ns() < tally.started_ns + duration_ns) {
    for (std::uint64_t i = 0; i < kMessagesPerLook; ++i) {
      write_stamp(message, {++sequence, 0, Kind::data});
      queue.send(std::span<const std::byte>(message));
    }
  }
  write_stamp(message, {++sequence, 0, Kind::stop});
  queue.send(std::span<const std::byte>(message));
}

void consume(mqxx::Queue& queue, Tally& tally) {
  mqxx::EventLoop loop;
  Verifier verifier(1, /*all_seen=*/true);
  loop.on_message(queue, [&](const mqxx::Message& message) {
    if (verifier.verify(message.bytes()).kind == Kind::stop) return loop.stop();
    ++tally.received;
  });
  loop.run();
  tally.ended_ns = now_ns();
}

Measures measure_flow(const Peer& peer, const Run& run) {
  const LoopQueue shared(peer, run.channel, kCapacity);
  Shared<Tally> tally;
  const std::int64_t duration_ns = std::chrono::nanoseconds(run.settings.duration).count();
  run_team({
      [&](Barriers& barriers) {
        mqxx::Queue queue = shared.open();
        barriers.consumers_made();
        barriers.start();
        produce(queue, duration_ns, *tally);
        barriers.finish();
      },
      [&](Barriers& barriers) {
        mqxx::Queue queue = shared.open();
        barriers.consumers_made();
        barriers.start();
        consume(queue, *tally);
        barriers.finish();
      },
  });
  return {static_cast<double>(tally->received) * 1e3 / static_cast<double>(tally->ended_ns - tally->started_ns)};
}

/// Sends the next question when the answer to the last has come.
double median_round_trip_us(mqxx::Queue& questions, mqxx::Queue& answers, std::int64_t duration_ns) {
  mqxx::EventLoop loop;
  Verifier verifier(1, /*all_seen=*/true);
  std::array<std::byte, kSize> message{};
  std::vector<std::uint32_t> samples;
  samples.reserve(kMostSamples);
  std::uint64_t sequence = 0;
  std::int64_t before = 0;
  std::int64_t deadline = 0;
  const auto ask = [&](Kind kind) {
    write_stamp(message, {++sequence, 0, kind});
    before = now_ns();
    questions.send(std::span<const std::byte>(message));
  };
  loop.on_message(answers, [&](const mqxx::Message& answer) {
    const std::int64_t after = now_ns();
    verifier.verify(answer.bytes());
    if (sequence == kWarmUp) deadline = after + duration_ns;
    if (sequence > kWarmUp) samples.push_back(static_cast<std::uint32_t>(after - before));
    const bool over = sequence > kWarmUp && (after > deadline || samples.size() == kMostSamples);
    ask(over ? Kind::stop : Kind::data);
    if (over) loop.stop();
  });
  ask(Kind::data);
  loop.run();
  if (samples.empty()) throw std::runtime_error("no round trip in the time");
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return static_cast<double>(*middle) / 1e3;
}

void answer(mqxx::Queue& questions, mqxx::Queue& answers) {
  mqxx::EventLoop loop;
  Verifier verifier(1, /*all_seen=*/true);
  loop.on_message(questions, [&](const mqxx::Message& question) {
    if (verifier.verify(question.bytes()).kind == Kind::stop) return loop.stop();
    answers.send(question.bytes());
  });
  loop.run();
}

Measures measure_round_trip(const Peer& peer, const Run& run) {
  constexpr std::size_t kRoom = 10;
  const LoopQueue there(peer, run.channel + "q", kRoom);
  const LoopQueue back(peer, run.channel + "a", kRoom);
  Shared<double> median_us;
  const std::int64_t duration_ns = std::chrono::nanoseconds(run.settings.duration).count();
  run_team({
      [&](Barriers& barriers) {
        place(Placement::two_cores, 0);
        mqxx::Queue questions = there.open();
        mqxx::Queue answers = back.open();
        barriers.consumers_made();
        barriers.start();
        *median_us = median_round_trip_us(questions, answers, duration_ns);
        barriers.finish();
      },
      [&](Barriers& barriers) {
        place(Placement::two_cores, 1);
        mqxx::Queue questions = there.open();
        mqxx::Queue answers = back.open();
        barriers.consumers_made();
        barriers.start();
        answer(questions, answers);
        barriers.finish();
      },
  });
  return {*median_us};
}

}  // namespace

std::vector<Workload> event_loop_workloads() {
  const std::vector<std::string_view> peers{kMqxx, kMqxxKernel};
  return {
      {
          .name = "loop-flow",
          .family = "loop",
          .title = "EventLoop, one consumer that waits and drains, capacity 1024, 64B",
          .metrics = {kRate},
          .peers = peers,
          .measure = measure_flow,
      },
      {
          .name = "loop-roundtrip",
          .family = "loop",
          .title = "EventLoop, round trip between two, 64B, one process on each of two cores",
          .metrics = {{"p50", "us", Metric::Better::lower}},
          .peers = peers,
          .measure = measure_round_trip,
      },
  };
}

}  // namespace bench
