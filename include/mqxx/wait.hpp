// Wait: how long a call may wait, as one value that the public calls hand to the engine.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <stop_token>

namespace mqxx {

/// Users rarely name this type: the _for, _until and stop_token forms of each call make one.
struct Wait {
  /// What the wait ends by, besides a message, room, a signal and the token.
  enum class Until : std::uint8_t {
    now,      ///< do not wait
    forever,  ///< wait without end
    steady,   ///< until deadline_ns on the monotonic clock, whatever happens to the wall clock
    system,   ///< until deadline_ns on the system clock, which an administrator may step
  };

  Until until = Until::forever;
  bool return_on_signal = false;       ///< answer `interrupted` after a signal handler without SA_RESTART, else wait on
  bool enables_cancellation = false;   ///< at that point only, where it is disabled otherwise
  bool cancellation_point = false;     ///< a sleep may end in pthread_cancel(3)
  bool (*may_sleep)(void*) = nullptr;  ///< asked before a sleep, with `asker`; `would_block` when it says no
  void* asker = nullptr;
  std::int64_t deadline_ns = 0;           ///< since the clock's epoch
  const std::stop_token* stop = nullptr;  ///< ends the wait with `stopped`; must outlive the call

  /// Not at all.
  [[nodiscard]] static constexpr Wait none() { return {.until = Until::now}; }
  /// Without end, or until the token is triggered, which must outlive the call.
  [[nodiscard]] static constexpr Wait forever() { return {}; }
  [[nodiscard]] static Wait forever(const std::stop_token& stop) { return {.stop = &stop}; }

  /// Until a point in time of one clock or the other; one that has passed does not wait.
  template <class Duration>
  [[nodiscard]] static Wait until_time(std::chrono::time_point<std::chrono::steady_clock, Duration> when) {
    return {.until = Until::steady, .deadline_ns = saturated(when.time_since_epoch())};
  }
  template <class Duration>
  [[nodiscard]] static Wait until_time(std::chrono::time_point<std::chrono::system_clock, Duration> when) {
    return {.until = Until::system, .deadline_ns = saturated(when.time_since_epoch())};
  }
  /// A zero or negative timeout does not wait; one too long for the clock waits for ever.
  template <class Rep, class Period>
  [[nodiscard]] static Wait for_duration(std::chrono::duration<Rep, Period> timeout) {
    if (timeout <= timeout.zero()) return none();
    const std::int64_t now = saturated(std::chrono::steady_clock::now().time_since_epoch());
    const std::int64_t wanted = saturated(timeout);
    if (wanted > std::numeric_limits<std::int64_t>::max() - now) return forever();
    return {.until = Until::steady, .deadline_ns = now + wanted};
  }

 private:
  template <class Rep, class Period>
  static std::int64_t saturated(std::chrono::duration<Rep, Period> value) {
    using Wide = std::chrono::duration<long double, std::nano>;
    using Limits = std::numeric_limits<std::int64_t>;
    const long double wide = Wide(value).count();
    if (wide >= static_cast<long double>(Limits::max())) return Limits::max();
    if (wide <= static_cast<long double>(Limits::min())) return Limits::min();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(value).count();
  }
};

}  // namespace mqxx
