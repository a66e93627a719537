// Loans: a message written and read where it lies, against the kernel's two copies of the same size.
#include <mqxx/queue.hpp>

#include "measure/clock.hpp"
#include "measure/message.hpp"
#include "workloads/single_thread.hpp"

namespace bench {
namespace {

constexpr std::size_t kCapacity = 2;
constexpr std::uint64_t kRoundsPerLook = 16;  // at the clock

/// ns for reserve, send, take and release. Of the payload only the first bytes are written and read.
Measures measure_loan(const Peer& peer, const Run& run, std::size_t size) {
  const auto channel = peer.make({.name = run.channel, .capacity = kCapacity, .message_size = size});
  mqxx::Queue queue = mqxx::Queue::open("/" + run.channel);
  std::uint64_t sequence = 0;
  const auto round = [&] {
    mqxx::SendLoan out = queue.loan(size);
    ++sequence;
    std::memcpy(out.bytes().data(), &sequence, sizeof sequence);
    out.send();
    mqxx::ReceiveLoan in = queue.receive_loan();
    if (in.bytes().size() != size || std::memcmp(in.bytes().data(), &sequence, sizeof sequence) != 0) {
      throw std::runtime_error("wrong loan");
    }
    in.release();
  };
  for (std::size_t i = 0; i < 2 * kCapacity; ++i) round();  // touch the memory
  const std::uint64_t warm = sequence;
  const std::int64_t started = now_ns();
  const std::int64_t deadline = started + std::chrono::nanoseconds(run.settings.duration).count();
  std::int64_t now = started;
  while (now < deadline) {
    for (std::uint64_t i = 0; i < kRoundsPerLook; ++i) round();
    now = now_ns();
  }
  return {static_cast<double>(now - started) / static_cast<double>(sequence - warm)};
}

}  // namespace

std::vector<Workload> loan_workloads() {
  std::vector<Workload> list;
  for (const auto& [size, label] : {std::pair<std::size_t, std::string>{64, "64B"},
                                    {4096, "4KiB"},
                                    {std::size_t{64} << 10, "64KiB"},
                                    {std::size_t{1} << 20, "1MiB"},
                                    {std::size_t{16} << 20, "16MiB"}}) {
    list.push_back({
        .name = "loan-" + label,
        .family = "loan",
        .title = "a loan of " + label + " sent and received in place (kernel: copied)",
        .metrics = {{"pair", "ns", Metric::Better::lower}},
        .peers = kOursAndKernel,
        .measure =
            [size = size](const Peer& peer, const Run& run) {
              return peer.name() == kMqxx ? measure_loan(peer, run, size) : measure_pair(peer, run, kCapacity, size);
            },
        .x = static_cast<double>(size),
    });
  }
  return list;
}

}  // namespace bench
