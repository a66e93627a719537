#include "loop/sources.hpp"

#include <algorithm>

#include "loop/core.hpp"
#include "loop/room.hpp"

namespace mqxx::loop {
namespace {

constexpr Events kAlways = Events::hang_up | Events::error;

/// Of what all of them want together, edges only if all do.
Events together(const std::vector<SourceEntry*>& watchers) noexcept {
  Events wanted = Events::none;
  bool edges = true;
  for (const SourceEntry* watcher : watchers) {
    if (watcher == nullptr) continue;
    wanted = wanted | watcher->wanted();
    edges = edges && has(watcher->wanted(), Events::edges);
  }
  if (edges || !has(wanted, Events::edges)) return wanted;
  return static_cast<Events>(static_cast<std::uint32_t>(wanted) ^ static_cast<std::uint32_t>(Events::edges));
}

}  // namespace

void SourceEntry::end() noexcept { core().sources().remove(*this); }

Sources::Source* Sources::find(std::uint64_t number) noexcept {
  Source& source = sources_[static_cast<std::uint32_t>(number)];
  return source.generation == number >> 32 ? &source : nullptr;
}

std::uint32_t Sources::place_for(int descriptor) {
  const auto found = by_descriptor_.find(descriptor);
  if (found != by_descriptor_.end()) return found->second;
  if (free_.empty()) {
    make_room(free_, sources_.size() + 1);  // so that giving places back cannot fail
    make_room(to_update_, sources_.size() + 1);
    sources_.emplace_back();
    free_.push_back(static_cast<std::uint32_t>(sources_.size() - 1));
  }
  const std::uint32_t index = free_.back();
  make_room(sources_[index].watchers, 1);
  by_descriptor_.emplace(descriptor, index);
  free_.pop_back();
  sources_[index].descriptor = descriptor;
  return index;
}

// A descriptor that was closed while it was watched is another one now, of which the poller knows nothing.
Result<void> Sources::poll(std::uint32_t index, Events wanted) noexcept {
  Source& source = sources_[index];
  const std::uint64_t number = number_of(index, source);
  Result<void> done;
  if (source.polled != Events::none) done = poller_.change(source.descriptor, wanted, number);
  if (source.polled == Events::none || done.is(Errc::not_found)) {
    done = poller_.add(source.descriptor, wanted, number);
  }
  if (done) source.polled = wanted;
  return done;
}

Result<void> Sources::add(SourceEntry& entry, int descriptor, const Queue* queue) {
  const std::uint32_t index = place_for(descriptor);
  sources_[index].watchers.push_back(&entry);
  entry.source_ = index;
  const Events wanted = together(sources_[index].watchers);
  // Edges that are to be told to somebody else as well begin anew: he has seen none.
  const bool known = wanted == sources_[index].polled && !has(wanted, Events::edges);
  const Result<void> polled = known ? Result<void>() : poll(index, wanted);
  if (!polled) {
    sources_[index].watchers.pop_back();
    update(index);
    return polled;
  }
  if (queue != nullptr && !sources_[index].queue.is_open()) sources_[index].queue = queue->duplicate();
  return {};
}

void Sources::remove(SourceEntry& entry) noexcept {
  set_read(entry);
  const std::uint32_t index = entry.source_;
  Source& source = sources_[index];
  const auto place = std::find(source.watchers.begin(), source.watchers.end(), &entry);
  if (place == source.watchers.end()) return;  // it was never added
  const bool being_told = next_ready_ < ready_count_ && ready_[next_ready_].number == number_of(index, source);
  if (being_told) {
    *place = nullptr;
  } else {
    source.watchers.erase(place);
  }
  if (!source.queue.is_open()) return update(index);
  if (source.to_update) return;
  source.to_update = true;
  to_update_.push_back(index);
}

void Sources::update(std::uint32_t index) noexcept {
  Source& source = sources_[index];
  source.to_update = false;
  const bool watched =
      std::any_of(source.watchers.begin(), source.watchers.end(), [](auto* watcher) { return watcher != nullptr; });
  if (watched) {
    // Less than before, of a descriptor that is there, cannot fail; one that is gone has no events either.
    const Events wanted = together(source.watchers);
    if (!abandoned_ && wanted != source.polled) (void)poll(index, wanted);
    return;
  }
  if (source.polled != Events::none && !abandoned_) poller_.remove(source.descriptor);
  by_descriptor_.erase(source.descriptor);
  source.polled = Events::none;
  source.watchers.clear();
  source.queue.close();
  ++source.generation;
  free_.push_back(index);
}

void Sources::settle() noexcept {
  for (const std::uint32_t index : to_update_) {
    if (sources_[index].to_update) update(index);  // else its place has been given back meanwhile
  }
  to_update_.clear();
}

void Sources::wait(std::int64_t deadline_ns) {
  if (next_ready_ < ready_count_) return;
  settle();
  ready_count_ = poller_.wait(ready_, deadline_ns);
  next_ready_ = 0;
  next_watcher_ = 0;
}

void Sources::dispatch() {
  while (next_ready_ < ready_count_) {
    const os::Ready ready = ready_[next_ready_];
    tell(ready);
    Source* source = find(ready.number);
    if (source != nullptr) close_gaps(*source);
    next_watcher_ = 0;
    ++next_ready_;
  }
}

// Anything may change in a callback: the source is looked up anew for each.
void Sources::tell(const os::Ready& ready) {
  const Source* source = find(ready.number);
  if (source == nullptr) return;
  if (next_watcher_ == 0) {
    last_watcher_ = source->watchers.size();
    nothing_for_ = Events::none;
  }
  while (source != nullptr && next_watcher_ < last_watcher_) {
    SourceEntry* watcher = source->watchers[next_watcher_++];
    if (watcher != nullptr) {
      const Events events = ready.events & (watcher->wanted() | kAlways);
      const bool in_vain = watcher->stands_in_line() && has(watcher->wanted(), nothing_for_);
      if (events != Events::none && !in_vain && !watcher->ready(events)) {
        nothing_for_ = nothing_for_ | watcher->wanted();
      }
    }
    source = find(ready.number);
  }
}

void Sources::close_gaps(Source& source) noexcept { std::erase(source.watchers, nullptr); }

void Sources::set_unread(SourceEntry& entry) noexcept {
  if (std::exchange(entry.unread_, true)) return;
  entry.before_ = std::exchange(last_unread_, &entry);
  entry.after_ = nullptr;
  (entry.before_ == nullptr ? first_unread_ : entry.before_->after_) = &entry;
}

void Sources::set_read(SourceEntry& entry) noexcept {
  if (!std::exchange(entry.unread_, false)) return;
  if (next_unread_ == &entry) next_unread_ = entry.after_;
  (entry.before_ == nullptr ? first_unread_ : entry.before_->after_) = entry.after_;
  (entry.after_ == nullptr ? last_unread_ : entry.after_->before_) = entry.before_;
}

// Callbacks may end any of them.
void Sources::go_on() {
  if (next_unread_ == nullptr) next_unread_ = first_unread_;
  while (next_unread_ != nullptr) {
    SourceEntry& entry = *next_unread_;
    next_unread_ = entry.after_;
    if (!entry.go_on()) set_read(entry);
  }
}

}  // namespace mqxx::loop
