// Poller: waits for many descriptors at once, until a time, and can be woken.
//
//  - add, change and remove a descriptor, once each; `number` comes back with its events. remove of one that is closed
//    already does nothing. change of one that the system has forgotten (it was closed) fails with not_found.
//  - wait answers what is ready, level-triggered unless Events::edges was asked for; hang_up and error always. It
//    returns before the deadline only when something is ready, after wake(), and now and then for no reason (a signal
//    handler among them), with nothing. What finds no room comes first the next time.
//  - The deadline is on the monotonic clock, kNow or kNever. What is ready is answered when it has passed, too.
//  - Its cost does not depend on how many descriptors are not ready.
//  - wake ends one wait, in progress or to come; from any thread and from signal handlers.
//  - One thread at a time waits. Others may add, change and remove meanwhile. No call is a cancellation point.
//  - A child of fork(2) shares it with its parent: it may destroy it and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <mqxx/events.hpp>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace mqxx::os {

struct Ready {
  std::uint64_t number = 0;
  Events events = Events::none;
};

class Poller {
 public:
  static constexpr std::int64_t kNow = 0;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::uint64_t kMostNumber = std::numeric_limits<std::uint64_t>::max() - 2;

  /// Fails with too_many_files, no_memory; unsupported where the system has none.
  static Result<Poller> make() noexcept;

  /// Fails with closed (no open descriptor), permission_denied (it cannot be polled), already_exists, no_space,
  /// no_memory.
  Result<void> add(int fd, Events events, std::uint64_t number) noexcept;
  Result<void> change(int fd, Events events, std::uint64_t number) noexcept;
  void remove(int fd) noexcept;

  std::size_t wait(std::span<Ready> room, std::int64_t deadline_ns) noexcept;
  void wake() noexcept;

 private:
  Result<void> control(int operation, int fd, Events events, std::uint64_t number) noexcept;
  void set_alarm(std::int64_t deadline_ns) noexcept;

  UniqueFd poller_;
  UniqueFd alarm_;
  UniqueFd waker_;
  std::int64_t alarm_ns_ = kNever;  // when the alarm will go off
};

}  // namespace mqxx::os
