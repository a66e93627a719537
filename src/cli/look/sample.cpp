#include "cli/look/sample.hpp"

#include <algorithm>
#include <utility>

namespace mqxx::cli {
namespace {

/// A queue that was removed and created anew under its name is another one.
bool is_same_queue(const QueueInfo& before, const QueueInfo& now) {
  return before.statistics.created == now.statistics.created &&
         now.statistics.messages_sent >= before.statistics.messages_sent;
}

std::optional<double> rate(bool counted, std::uint64_t before, std::uint64_t now, double seconds) {
  if (!counted || seconds <= 0) return std::nullopt;
  // A message that is put back is taken off again: that is no reception.
  return now < before ? 0.0 : static_cast<double>(now - before) / seconds;
}

}  // namespace

bool differs(const QueueInfo& before, const QueueInfo& now) {
  const Statistics& a = before.statistics;
  const Statistics& b = now.statistics;
  return before.error != now.error || before.attributes.depth != now.attributes.depth ||
         before.queued_bytes != now.queued_bytes || a.messages_sent != b.messages_sent ||
         a.messages_received != b.messages_received || a.waiting_senders != b.waiting_senders ||
         a.waiting_receivers != b.waiting_receivers || a.recoveries != b.recoveries || a.last_send != b.last_send ||
         a.last_receive != b.last_receive || before.users != now.users ||
         before.registration.how != now.registration.how || before.registration.pid != now.registration.pid;
}

Sampled Sampler::next(QueueInfo info, const Sampled* before, double seconds) const {
  Sampled sampled;
  if (before != nullptr) {
    const Statistics& then = before->info.statistics;
    sampled.depths = before->depths;
    sampled.sent_per_second = rate(info.counted, then.messages_sent, info.statistics.messages_sent, seconds);
    sampled.received_per_second =
        rate(info.counted, then.messages_received, info.statistics.messages_received, seconds);
  }
  sampled.depths.push_back(info.attributes.depth);
  if (sampled.depths.size() > history_) sampled.depths.pop_front();
  sampled.info = std::move(info);
  return sampled;
}

// Both lists are sorted: one walk over the two.
std::vector<Change> Sampler::take(std::vector<QueueInfo> queues, Clock::time_point now) {
  const double seconds = last_ ? std::chrono::duration<double>(now - *last_).count() : 0;
  std::vector<Change> changes;
  std::vector<Sampled> next_queues;
  auto before = queues_.begin();
  const auto gone_until = [&](const std::string* name) {
    for (; before != queues_.end() && (name == nullptr || before->info.name < *name); ++before) {
      changes.push_back({before->info.name, Change::What::removed, before->info, {}});
    }
  };
  std::ranges::sort(queues, {}, &QueueInfo::name);
  for (QueueInfo& info : queues) {
    gone_until(&info.name);
    const bool known = before != queues_.end() && before->info.name == info.name;
    const bool same = known && is_same_queue(before->info, info);
    if (known && !same) changes.push_back({info.name, Change::What::removed, before->info, {}});
    if (!same) changes.push_back({info.name, Change::What::created, {}, info});
    if (same && differs(before->info, info)) {
      changes.push_back({info.name, Change::What::changed, before->info, info});
    }
    next_queues.push_back(next(std::move(info), same ? &*before : nullptr, seconds));
    if (known) ++before;
  }
  gone_until(nullptr);
  queues_ = std::move(next_queues);
  if (!std::exchange(last_, now)) changes.clear();
  return changes;
}

}  // namespace mqxx::cli
