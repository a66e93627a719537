// OnDemand: what a description needs only when it is first asked for, so that whoever does not ask pays nothing. Thread
// safety: all but the destructor.
//
// The child of a fork(2) inherits a T without the threads that worked on it: it gives that one up, which frees no
// memory, and makes its own when it asks. A T that has give_up() lets go there of what only a process can let go of.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "base/result.hpp"
#include "os/process.hpp"

namespace mqxx::backend {

template <class T>
class OnDemand {
 public:
  OnDemand() noexcept = default;
  OnDemand(const OnDemand&) = delete;
  OnDemand& operator=(const OnDemand&) = delete;
  ~OnDemand() {
    Made* const made = made_.load(std::memory_order_acquire);
    is_ours(made) ? delete made : give_up(made);
  }

  /// nullptr: nobody has asked in this process.
  [[nodiscard]] T* get() const noexcept {
    Made* const made = made_.load(std::memory_order_acquire);
    return is_ours(made) ? made->value.get() : nullptr;
  }

  /// `make` answers a Result<std::unique_ptr<T>>. Fails as it does, and with no_memory.
  template <class Make>
  Result<T*> get_or_make(Make make) noexcept {
    Made* known = made_.load(std::memory_order_acquire);
    if (is_ours(known)) return known->value.get();
    // Before it is made: where a signal handler forks in the middle, the child has another number.
    const std::uint32_t generation = os::fork_generation();
    Result<std::unique_ptr<T>> value = make();
    if (!value) return value.failure();
    std::unique_ptr<Made> made(new (std::nothrow) Made{std::move(*value), generation});
    if (made == nullptr) return Errc::no_memory;
    Made* const before = known;
    // Release: meets the acquires, so that whoever finds it finds it made. Refused: another thread was quicker.
    if (!made_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) return known->value.get();
    give_up(before);
    return made.release()->value.get();
  }

 private:
  struct Made {
    std::unique_ptr<T> value;
    std::uint32_t generation;  // of forks
  };

  static bool is_ours(const Made* made) noexcept {
    return made != nullptr && made->generation == os::fork_generation();
  }
  static void give_up([[maybe_unused]] Made* made) noexcept {
    if constexpr (requires { made->value->give_up(); }) {
      if (made != nullptr) made->value->give_up();
    }
  }

  std::atomic<Made*> made_{nullptr};
};

/// For those that have a descriptor.
template <class T, class Make>
Result<int> descriptor_on_demand(OnDemand<T>& on_demand, Make make) noexcept {
  const Result<T*> made = on_demand.get_or_make(make);
  if (!made) return made.failure();
  return (*made)->descriptor();
}

}  // namespace mqxx::backend
