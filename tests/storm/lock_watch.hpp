// LockWatch: who is inside a lock of the storm's queues, seen from outside. So that a process can be stopped or killed
// just there, and not where it is most of the time.
#pragma once

#include <array>

#include <sys/types.h>

#include "shm/layout.hpp"
#include "storm/places.hpp"

namespace mqxx::test {

/// Maps the headers of kPlaces, which must exist, and looks at nothing but who owns the locks.
class LockWatch {
 public:
  LockWatch();
  LockWatch(const LockWatch&) = delete;
  LockWatch& operator=(const LockWatch&) = delete;
  ~LockWatch();

  /// Whether the main thread of the process owns a lock. REQUIRES: it stands still, or the answer is history.
  [[nodiscard]] bool is_inside(pid_t process) const;

 private:
  std::array<const shm::Header*, kPlaces.size()> headers_{};
};

}  // namespace mqxx::test
