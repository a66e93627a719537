// SignalSource: a descriptor that is readable while a signal of a set is pending, instead of a handler that runs.
//
//  - add blocks the signal in the calling thread; from then on it is taken here and by no handler of that thread.
//  - take answers the next pending one, of the process or of the calling thread; it does not wait.
//  - remove, in the thread that added it, discards what is pending and unblocks the signal, if add had blocked it; in
//    another thread it only takes the signal out of the set. What is not in the set is left alone.
//  - Destroying it changes no mask.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <mqxx/events.hpp>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace mqxx::os {

class SignalSource {
 public:
  /// Fails with too_many_files, no_memory; unsupported where the system has none.
  static Result<SignalSource> make() noexcept;

  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  /// Fails with invalid_argument: it is no signal, or one that is never pending. REQUIRES: it is not in the set.
  Result<void> add(int signal) noexcept;
  void remove(int signal) noexcept;
  std::optional<SignalInfo> take() noexcept;

 private:
  static constexpr std::size_t kSignals = 128;  // more than any system has

  Result<void> set_mask() noexcept;

  UniqueFd fd_;
  std::array<bool, kSignals> added_{};
  std::array<std::uint32_t, kSignals> blocker_{};  // the thread that has blocked it for us, or 0
};

}  // namespace mqxx::os
