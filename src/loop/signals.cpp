#include "loop/signals.hpp"

#include <algorithm>

#include "loop/core.hpp"

namespace mqxx::loop {

void SignalEntry::end() noexcept { core().signals().remove(*this); }

bool SignalPump::ready(Events /*events*/) {
  core().signals().deliver();
  return true;
}

Result<void> Signals::open() {
  if (source_) return {};
  Result<os::SignalSource> made = os::SignalSource::make();
  if (!made) return made.failure();
  const Result<void> added = pump_.core().sources().add(pump_, made->descriptor(), nullptr);
  if (!added) return added;
  source_ = std::move(*made);
  return {};
}

Result<void> Signals::add(SignalEntry& entry) {
  const Result<void> opened = open();
  if (!opened) return opened;
  entries_.push_back(&entry);
  for (const int signal : entry.signals_) {
    const bool known = std::ranges::any_of(entries_, [&](const SignalEntry* other) {
      return other != &entry && std::ranges::find(other->signals_, signal) != other->signals_.end();
    });
    const Result<void> added = known ? Result<void>() : source_->add(signal);
    if (added) continue;
    remove(entry);
    return added;
  }
  return {};
}

void Signals::remove(SignalEntry& entry) noexcept {
  if (std::erase(entries_, &entry) == 0 || !source_) return;
  for (const int signal : entry.signals_) {
    const bool wanted = std::ranges::any_of(entries_, [&](const SignalEntry* other) {
      return std::ranges::find(other->signals_, signal) != other->signals_.end();
    });
    if (!wanted) source_->remove(signal);
  }
}

void Signals::deliver() {
  for (int taken = 0; taken < kMostPerTurn || !rest_.empty();) {
    if (rest_.empty()) {
      const std::optional<SignalInfo> info = source_ ? source_->take() : std::nullopt;
      if (!info) return;
      ++taken;
      for (SignalEntry* entry : entries_) {
        if (std::ranges::find(entry->signals_, info->signal) == entry->signals_.end()) continue;
        rest_.emplace_back(entry->core().handle_of(*entry), *info);
      }
      continue;
    }
    const auto [who, info] = std::move(rest_.front());
    rest_.pop_front();
    const std::shared_ptr<Entry> entry = who.lock();
    if (entry != nullptr && entry->is_active()) static_cast<SignalEntry&>(*entry).callback_(info);
  }
}

}  // namespace mqxx::loop
