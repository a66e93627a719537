#include "backend/sysv_watch.hpp"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "backend/sysv_place.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"

namespace mqxx::backend {
namespace {

/// Full: a message of the greatest size has no room.
os::Bell state_of(const os::SysvFacts& facts, std::size_t message_size) noexcept {
  if (facts.messages == 0) return os::Bell::empty;
  const bool full = facts.messages >= facts.most_bytes || facts.queued_bytes + message_size > facts.most_bytes;
  return full ? os::Bell::full : os::Bell::some;
}

}  // namespace

SysvWatch::SysvWatch(int queue, UniqueFd readiness) noexcept : queue_(queue), readiness_(std::move(readiness)) {}

Result<std::unique_ptr<SysvWatch>> SysvWatch::make(int queue) noexcept {
  const Result<os::SysvFacts> facts = facts_of_sysv(queue);
  if (!facts) return facts.failure();
  Result<UniqueFd> readiness = os::make_readiness();
  if (!readiness) return readiness.failure();
  std::unique_ptr<SysvWatch> watch(new (std::nothrow) SysvWatch(queue, std::move(*readiness)));
  if (watch == nullptr) return Errc::no_memory;
  watch->look();
  const Result<void> started = watch->start();
  if (!started) return started.failure();
  return watch;
}

// The program's signals are for the program's threads.
Result<void> SysvWatch::start() noexcept {
  const os::SignalsHeldBack held;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return Errc::no_memory;
  }
  return {};
}

SysvWatch::~SysvWatch() {
  if (!thread_.joinable()) return;
  ending_.store(1, std::memory_order_release);
  os::wake(ending_, os::kWakeAll);
  thread_.join();
}

void SysvWatch::look() noexcept { (void)show(Edge::where_changed); }
void SysvWatch::look_anew() noexcept { (void)show(Edge::anyway); }

bool SysvWatch::show(Edge edge) noexcept {
  const std::scoped_lock lock(mutex_);
  if (gone_) return false;
  const Result<os::SysvFacts> facts = facts_of_sysv(queue_);
  const Result<os::SysvLimits> limits = os::sysv_limits();
  gone_ = facts.is(Errc::queue_removed);
  if (!gone_ && (!facts || !limits)) return false;
  const os::Bell now = gone_ ? os::Bell::some : state_of(*facts, attributes_of(*facts, *limits).message_size);
  const std::uint64_t messages = gone_ ? 0 : facts->messages;
  const bool changed = now != shown_ || messages != messages_;
  if (!changed && edge == Edge::where_changed) return false;
  shown_ = now;
  messages_ = messages;
  os::set_readiness(readiness_.get(), now);
  return changed;
}

void SysvWatch::run() noexcept {
  constexpr std::int64_t kPatience = 8;
  std::int64_t changed = os::now_ns();
  while (ending_.load(std::memory_order_acquire) == 0 && !gone_) {
    const bool news = show(Edge::where_changed);
    const std::int64_t now = os::now_ns();
    if (news) changed = now;
    const std::int64_t pause = std::clamp((now - changed) / kPatience, kShortest, kLongest);
    (void)os::wait_on(ending_, 0, Wait::forever(), pause);
  }
}

}  // namespace mqxx::backend
