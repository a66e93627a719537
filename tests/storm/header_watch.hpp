// HeaderWatch: what only the header of a queue's file tells. Who is inside a lock, so that a process can be stopped or
// killed just there, and not where it is most of the time; and how many users were ever remembered at once.
#pragma once

#include <array>
#include <cstdint>

#include <sys/types.h>

#include "shm/layout.hpp"
#include "storm/places.hpp"

namespace mqxx::test {

/// Maps the headers of kPlaces, which must exist, and changes nothing.
class HeaderWatch {
 public:
  HeaderWatch();
  HeaderWatch(const HeaderWatch&) = delete;
  HeaderWatch& operator=(const HeaderWatch&) = delete;
  ~HeaderWatch();

  /// Whether the main thread of the process owns a lock. REQUIRES: it stands still, or the answer is history.
  [[nodiscard]] bool is_inside(pid_t process) const;

  /// Entries of the longest user table. Entries of the dead are used again, so it grows with the living, not with the
  /// deaths.
  [[nodiscard]] std::uint32_t most_users() const;

 private:
  std::array<const shm::Header*, kPlaces.size()> headers_{};
};

}  // namespace mqxx::test
