// Waking one of 64 sleepers: a message must wake one process, not a herd.
#include <algorithm>
#include <atomic>

#include <sys/types.h>
#include <unistd.h>

#include "measure/clock.hpp"
#include "measure/message.hpp"
#include "workloads/workload.hpp"

namespace bench {
namespace {

constexpr unsigned kSleepers = 64;
constexpr std::size_t kMessageSize = 64;
constexpr std::int64_t kFallAsleep = 30'000'000;  // ns
constexpr std::int64_t kBetweenWakes = 500'000;   // ns: long enough to sleep again

struct Board {
  std::atomic<std::uint64_t> woken;
  std::atomic<std::int64_t> woken_at_ns;
  std::atomic<pid_t> sleepers[kSleepers];
  double wake_ns;  // median
  double cpu_ns;   // of all processes, per wake
};

std::int64_t cpu_of_all_ns(const Board& board) {
  std::int64_t sum = own_cpu_ns();
  for (const auto& sleeper : board.sleepers) {
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(sleeper.load(), &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
      throw std::runtime_error("clock_getcpuclockid failed");
    }
    sum += std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
  }
  return sum;
}

void sleep_and_be_woken(Endpoint& endpoint, Board& board) {
  Verifier verifier(1, /*all_seen=*/false);
  std::vector<std::byte> message(kMessageSize);
  for (;;) {
    endpoint.receive(message);
    const std::int64_t now = now_ns();
    if (verifier.verify(message).kind == Kind::stop) return;
    board.woken_at_ns.store(now, std::memory_order_relaxed);
    board.woken.fetch_add(1, std::memory_order_release);
  }
}

void wake_one_by_one(Endpoint& endpoint, Board& board, std::uint64_t rounds) {
  std::vector<std::byte> message(kMessageSize);
  std::vector<double> times;
  sleep_ns(kFallAsleep);
  const std::int64_t cpu_before = cpu_of_all_ns(board);
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    write_stamp(message, {round, 0, Kind::data});
    const std::int64_t sent = now_ns();
    endpoint.send(message, 0);
    do {
      sleep_ns(kBetweenWakes);  // not a spin: it would take a core from the one who wakes up
    } while (board.woken.load(std::memory_order_acquire) < round);
    times.push_back(static_cast<double>(board.woken_at_ns.load(std::memory_order_relaxed) - sent));
  }
  board.cpu_ns = static_cast<double>(cpu_of_all_ns(board) - cpu_before) / static_cast<double>(rounds);
  board.wake_ns = summarise(std::move(times)).median;
  write_stamp(message, {rounds + 1, 0, Kind::stop});
  for (unsigned i = 0; i < kSleepers; ++i) endpoint.send_to(i, message);
}

Measures measure_sleepers(const Peer& peer, const Run& run) {
  const auto channel = peer.make({.name = run.channel, .message_size = kMessageSize, .consumers = kSleepers});
  Shared<Board> board;
  std::vector<Member> members;
  for (unsigned i = 0; i < kSleepers; ++i) {
    members.emplace_back([&, i](Barriers& barriers) {
      const auto endpoint = channel->consumer(i);
      board->sleepers[i].store(::getpid());
      barriers.consumers_made();
      barriers.start();
      sleep_and_be_woken(*endpoint, *board);
      barriers.finish();
    });
  }
  members.emplace_back([&](Barriers& barriers) {
    barriers.consumers_made();
    const auto endpoint = channel->producer(0);
    barriers.start();
    wake_one_by_one(*endpoint, *board, run.settings.quick ? 100 : 400);
    barriers.finish();
  });
  run_team(members);
  return {board->wake_ns / 1e3, board->cpu_ns / 1e3};
}

}  // namespace

std::vector<Workload> sleeper_workloads() {
  return {{
      .name = "sleepers-64",
      .family = "sleepers",
      .title = "waking one of 64 sleepers: time until it has the message, and processor time of all",
      .metrics = {{"wake", "us", Metric::Better::lower}, {"cpu", "us", Metric::Better::lower}},
      .peers = kOursBothAndKernel,
      .measure = measure_sleepers,
  }};
}

}  // namespace bench
