// PerProcess: what each process has one of, made when it is first asked for and never destroyed.
//
// The child of a fork(2) makes its own. That of its parent stays as it was in the moment of the fork: a thread may have
// been at work on it that is not here. Thread safety: all of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#include "os/process.hpp"

namespace mqxx::backend {

template <class T>
class PerProcess {
 public:
  /// @return nullptr when there is no memory for it
  T* get() noexcept {
    const std::uint32_t generation = os::fork_generation();
    // Acquire: meets the release below, so that what is found is made.
    Made* made = made_.load(std::memory_order_acquire);
    while (made == nullptr || made->generation != generation) {
      auto* const ours = new (std::nothrow) Made{{}, generation, made};
      if (ours == nullptr) return nullptr;
      if (made_.compare_exchange_strong(made, ours, std::memory_order_acq_rel)) return &ours->value;
      delete ours;  // another thread was quicker
    }
    return &made->value;
  }

 private:
  struct Made {
    T value;
    std::uint32_t generation;
    Made* parents;  // so that whoever looks for lost memory finds it
  };
  std::atomic<Made*> made_{nullptr};
};

}  // namespace mqxx::backend
