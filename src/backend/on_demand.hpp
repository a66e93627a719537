// WatchOnDemand: what keeps the pollable descriptor of a description right, made when somebody first asks for it; so
// whoever does not poll pays nothing. Thread safety: all but the destructor.
//
// A Watch has descriptor(), inherited() and a static give_up(Watch*). The child of a fork(2) inherits it without the
// threads that worked on it: it gives it up, which frees no memory, and makes its own when it asks.
#pragma once

#include <atomic>
#include <memory>

#include "base/result.hpp"

namespace mqxx::backend {

template <class Watch>
class WatchOnDemand {
 public:
  WatchOnDemand() noexcept = default;
  WatchOnDemand(const WatchOnDemand&) = delete;
  WatchOnDemand& operator=(const WatchOnDemand&) = delete;
  ~WatchOnDemand() {
    Watch* const watch = watch_.load(std::memory_order_acquire);
    if (watch == nullptr) return;
    watch->inherited() ? Watch::give_up(watch) : delete watch;
  }

  /// nullptr: nobody has asked in this process.
  [[nodiscard]] Watch* get() const noexcept {
    Watch* const watch = watch_.load(std::memory_order_acquire);
    return watch != nullptr && !watch->inherited() ? watch : nullptr;
  }

  /// `make` answers a Result<std::unique_ptr<Watch>>.
  template <class Make>
  Result<int> descriptor(Make make) noexcept {
    Watch* known = watch_.load(std::memory_order_acquire);
    if (known != nullptr && !known->inherited()) return known->descriptor();
    Result<std::unique_ptr<Watch>> made = make();
    if (!made) return made.failure();
    Watch* const before = known;
    // Release: meets the acquires, so that whoever finds it finds it made. Refused: another thread was quicker.
    if (!watch_.compare_exchange_strong(known, made->get(), std::memory_order_acq_rel)) return known->descriptor();
    if (before != nullptr) Watch::give_up(before);
    return made->release()->descriptor();
  }

 private:
  std::atomic<Watch*> watch_{nullptr};
};

}  // namespace mqxx::backend
