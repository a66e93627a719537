// Growth with depth: fill a queue with N messages of random priority, then drain it.
#include <random>

#include "measure/clock.hpp"
#include "measure/message.hpp"
#include "workloads/workload.hpp"

namespace bench {
namespace {

constexpr std::size_t kMessageSize = 64;
constexpr unsigned kHighestPriority = 32767;

class Filler {
 public:
  Filler(Channel& channel, std::size_t depth, std::uint64_t seed)
      : producer_(channel.producer(0)), consumer_(channel.consumer(0)), priorities_(depth) {
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<unsigned> priority(0, kHighestPriority);
    for (unsigned& one : priorities_) one = priority(random);
  }

  /// Touches all memory, at a price that does not grow with depth for any peer: all priorities are the highest.
  void warm_up() {
    write_stamp(message_, {1, 0, Kind::data});
    for (std::size_t i = 0; i < priorities_.size(); ++i) producer_->send(message_, kHighestPriority);
    for (std::size_t i = 0; i < priorities_.size(); ++i) consumer_->receive(message_);
  }

  void fill_and_drain() {
    std::uint64_t sequence = 0;
    for (const unsigned priority : priorities_) {
      write_stamp(message_, {++sequence, priority, Kind::data});  // the field `producer` keeps the priority
      producer_->send(message_, priority);
    }
    Stamp last{0, kHighestPriority, Kind::data};
    for (std::size_t i = 0; i < priorities_.size(); ++i) {
      const unsigned priority = consumer_->receive(message_).priority;
      Stamp stamp{};
      std::memcpy(&stamp, message_.data(), sizeof stamp);
      const bool in_order =
          stamp.producer < last.producer || (stamp.producer == last.producer && stamp.sequence > last.sequence);
      if (!in_order || priority != stamp.producer) throw std::runtime_error("out of the order of priorities");
      last = stamp;
    }
  }

 private:
  std::unique_ptr<Endpoint> producer_;
  std::unique_ptr<Endpoint> consumer_;
  std::vector<unsigned> priorities_;
  std::array<std::byte, kMessageSize> storage_{};
  std::span<std::byte> message_ = storage_;
};

/// @return ns a message, sent and received
Measures measure_depth(const Peer& peer, const Run& run, std::size_t depth) {
  const auto channel =
      peer.make({.name = run.channel, .capacity = depth, .message_size = kMessageSize, .priorities = true});
  Filler filler(*channel, depth, run.settings.seed);
  filler.warm_up();
  const std::int64_t started = now_ns();
  const std::int64_t deadline = started + std::chrono::nanoseconds(run.settings.duration).count();
  std::size_t rounds = 0;
  std::int64_t now = started;
  do {
    filler.fill_and_drain();
    ++rounds;
    now = now_ns();
  } while (now < deadline);
  return {static_cast<double>(now - started) / static_cast<double>(rounds * depth)};
}

/// System V is left out of the quick run where one drain takes a minute.
std::vector<std::string_view> peers_at(std::size_t depth, bool quick) {
  constexpr std::size_t kMostOfKernel = 65536;  // the kernel's own hard limit
  if (depth == kMostOfKernel) return kOursAndKernel;
  if (depth < kMostOfKernel) return {kMqxx, kKernel, kBoost, kSysv};
  if (quick) return {kMqxx, kBoost};
  return {kMqxx, kBoost, kSysv};
}

}  // namespace

std::vector<Workload> depth_workloads(const Settings& settings) {
  std::vector<Workload> list;
  for (const std::size_t depth : {10U, 100U, 1000U, 10000U, 65536U, 100000U}) {
    list.push_back({
        .name = "depth-" + std::to_string(depth),
        .family = "depth",
        .title = "fill to " + std::to_string(depth) + " with random priorities, then drain",
        .metrics = {{"message", "ns", Metric::Better::lower}},
        .peers = peers_at(depth, settings.quick),
        .measure = [depth](const Peer& peer, const Run& run) { return measure_depth(peer, run, depth); },
        .limit = std::chrono::seconds(300),
        .x = static_cast<double>(depth),
    });
  }
  return list;
}

}  // namespace bench
