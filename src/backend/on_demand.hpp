// OnDemand: what a description needs only when it is first asked for, so that whoever does not ask pays nothing. Thread
// safety: all but the destructor.
//
// A T has inherited(), and a static give_up(T*). The child of a fork(2) inherits it without the threads that worked on
// it: it gives it up, which frees no memory, and makes its own when it asks.
#pragma once

#include <atomic>
#include <memory>

#include "base/result.hpp"

namespace mqxx::backend {

template <class T>
class OnDemand {
 public:
  OnDemand() noexcept = default;
  OnDemand(const OnDemand&) = delete;
  OnDemand& operator=(const OnDemand&) = delete;
  ~OnDemand() {
    T* const made = made_.load(std::memory_order_acquire);
    if (made == nullptr) return;
    made->inherited() ? T::give_up(made) : delete made;
  }

  /// nullptr: nobody has asked in this process.
  [[nodiscard]] T* get() const noexcept {
    T* const made = made_.load(std::memory_order_acquire);
    return made != nullptr && !made->inherited() ? made : nullptr;
  }

  /// `make` answers a Result<std::unique_ptr<T>>.
  template <class Make>
  Result<T*> get_or_make(Make make) noexcept {
    T* known = made_.load(std::memory_order_acquire);
    if (known != nullptr && !known->inherited()) return known;
    Result<std::unique_ptr<T>> made = make();
    if (!made) return made.failure();
    T* const before = known;
    // Release: meets the acquires, so that whoever finds it finds it made. Refused: another thread was quicker.
    if (!made_.compare_exchange_strong(known, made->get(), std::memory_order_acq_rel)) return known;
    if (before != nullptr) T::give_up(before);
    return made->release();
  }

 private:
  std::atomic<T*> made_{nullptr};
};

/// For those that have a descriptor.
template <class T, class Make>
Result<int> descriptor_on_demand(OnDemand<T>& on_demand, Make make) noexcept {
  const Result<T*> made = on_demand.get_or_make(make);
  if (!made) return made.failure();
  return (*made)->descriptor();
}

}  // namespace mqxx::backend
