// SleepingPeer: a process that waits in a call, and must go on when what it waits for comes, whoever dies meanwhile.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <sys/types.h>

#include "operation.hpp"

namespace mqxx::crash {

class SleepingPeer {
 public:
  /// Forks at once, and opens the queue when it is told to.
  SleepingPeer(Sleeper kind, Face face);
  SleepingPeer(const SleepingPeer&) = delete;
  SleepingPeer& operator=(const SleepingPeer&) = delete;
  ~SleepingPeer();

  /// Returns when it sleeps. @return false: it does not
  bool fall_asleep();
  /// What it brought: the tag that it received, kSleepers when it sent that or was told that it may.
  std::optional<Tag> answer(std::chrono::milliseconds patience);
  [[nodiscard]] bool wants_room() const { return kind_ == Sleeper::sender || kind_ == Sleeper::poll_for_room; }
  [[nodiscard]] bool polls() const { return kind_ != Sleeper::sender && kind_ != Sleeper::receiver; }

 private:
  void live(int go, int tell) const;
  [[nodiscard]] Tag wait_in_call() const;
  [[nodiscard]] Tag wait_in_api() const;
  [[nodiscard]] Tag wait_in_posix() const;
  [[nodiscard]] bool in_call() const;

  Sleeper kind_;
  Face face_;
  pid_t pid_ = -1;
  int go_ = -1;
  int told_ = -1;
};

/// Whether somebody who waits for room, or for a message, could go on. Asked of a copy of the queue's file, so that
/// nobody sees a call on the queue itself, which might repair it.
[[nodiscard]] bool could_go_on(const std::string& directory, bool wants_room);

inline constexpr Tag kTorn = ~Tag{0};

}  // namespace mqxx::crash
