// Polled: the queues of one call that polls, kept open and told to whoever sends or receives, for as long as it lasts;
// also when the call is left by cancellation.
#pragma once

#include <array>
#include <vector>

#include "posix/descriptors.hpp"

namespace mqxx::posix {

class Polled {
 public:
  Polled() = default;
  Polled(const Polled&) = delete;
  Polled& operator=(const Polled&) = delete;
  ~Polled();

  /// Any descriptor. @return false, and errno: it is a queue that cannot be polled
  bool add(int fd) noexcept {
    const std::uintptr_t entry = entry_of(fd);
    return entry == 0 || is_private(entry) || add_queue(fd);
  }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// What a dead process left undone, the doorbell among it, is done by whoever looks; and a poller is the last who
  /// can.
  void look() noexcept;

 private:
  bool add_queue(int fd) noexcept;

  static constexpr std::size_t kFew = 16;
  std::array<OpenQueue*, kFew> few_;  // used up to count_, so that polling a few allocates nothing
  std::size_t count_ = 0;
  std::vector<OpenQueue*> more_;
};

}  // namespace mqxx::posix
