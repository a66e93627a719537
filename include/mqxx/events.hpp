// Events, Trigger and SignalInfo: what an event loop waits for, and what it is told. Plain values.
#pragma once

#include <cstdint>

namespace mqxx {

/// What a descriptor is ready for, as a set: `Events::readable | Events::writable`. @see poll(2), epoll_ctl(2)
enum class Events : std::uint32_t {
  none = 0,
  readable = 1,
  writable = 2,
  urgent = 4,   ///< POLLPRI
  hang_up = 8,  ///< the other side has closed; told whether it was asked for or not
  error = 16,   ///< likewise
  edges = 32,   ///< to ask for: tell of changes only. Who is told then reads, or writes, until there is no more
};

/// What is in one of the sets, and what is in both.
[[nodiscard]] constexpr Events operator|(Events a, Events b) noexcept {
  return static_cast<Events>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr Events operator&(Events a, Events b) noexcept {
  return static_cast<Events>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}
/// Whether the set has any of them.
[[nodiscard]] constexpr bool has(Events set, Events any) noexcept { return (set & any) != Events::none; }

/// How a loop learns from the system that a queue is ready. @see epoll(7)
enum class Trigger : std::uint8_t {
  levels,  ///< each time it asks, while the queue is ready
  edges,   ///< once, when the queue becomes ready
};

/// One signal that came. @see sigaction(2), siginfo_t
struct SignalInfo {
  int signal = 0;         ///< SIGTERM and its like
  int code = 0;           ///< si_code: SI_USER, SI_QUEUE, SI_MESGQ, CLD_EXITED ...
  std::int32_t pid = 0;   ///< of the sender, or of the child that SIGCHLD tells of
  std::uint32_t uid = 0;  ///< of the sender
  int value = 0;          ///< sival_int of sigqueue(3)
  int status = 0;         ///< of the child
};

}  // namespace mqxx
