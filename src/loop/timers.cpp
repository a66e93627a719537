#include "loop/timers.hpp"

#include <algorithm>

#include "loop/core.hpp"
#include "os/poller.hpp"

namespace mqxx::loop {

void TimerEntry::end() noexcept { core().timers().remove(*this); }

void Timers::add(TimerEntry& entry, std::int64_t when_ns, std::int64_t now_ns) {
  entry.due_ = {std::max(when_ns, now_ns), next_number_};
  due_.emplace(entry.due_, &entry);
  ++next_number_;
}

std::int64_t Timers::next() const noexcept { return due_.empty() ? os::Poller::kNever : due_.begin()->first.ns; }

void Timers::run(std::int64_t now_ns) {
  const std::uint64_t limit = next_number_;
  while (!due_.empty() && due_.begin()->first.ns <= now_ns && due_.begin()->first.number < limit) {
    TimerEntry& entry = *due_.begin()->second;
    std::uint64_t periods = 1;
    if (entry.period_ns_ == 0) {
      entry.core().cancel(entry);
    } else {
      periods += static_cast<std::uint64_t>((now_ns - entry.due_.ns) / entry.period_ns_);
      auto node = due_.extract(due_.begin());
      entry.due_ = {entry.due_.ns + static_cast<std::int64_t>(periods) * entry.period_ns_, next_number_++};
      node.key() = entry.due_;
      due_.insert(std::move(node));
    }
    entry.callback_(periods);
  }
}

}  // namespace mqxx::loop
