// Cursor, PeekOptions: a walk through a queue that takes nothing, in steps. Queue::peek is the step.
#pragma once

#include <cstddef>
#include <cstdint>

#include <mqxx/types.hpp>

namespace mqxx {

/// Where a walk through a queue stands: as it is made before the first message, then behind the last that was seen. A
/// plain value, of use with its queue only; a copy is another walk from there. The numbers are the home's business.
struct Cursor {
  bool begun = false;         ///< it stands behind a message
  std::uint32_t hint = 0;     ///< where the home may find that quickly
  std::uint64_t list = 0;     ///< which of the queue's lists it was on
  std::uint64_t message = 0;  ///< which of that list
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// What one step of a walk shows. Written with designated initialisers:
/// `queue.peek(cursor, {.most = 100, .lowest = 5})`.
struct PeekOptions {
  std::size_t most = 256;                    ///< messages
  std::size_t bytes = std::size_t{1} << 20;  ///< the message that makes so many bytes of it is the last
  Priority lowest = 0;                       ///< of the messages that are wanted; others are passed over unseen
  Priority highest = kMaxPriority;           ///< likewise
};

}  // namespace mqxx
