// What every home's move_to is made of.
#pragma once

#include <span>

#include "backend/backend.hpp"

namespace mqxx::backend {

/// REQUIRES: `why` is a failure.
inline Moved not_moved(Moved::Ended where, const Result<void>& why) noexcept {
  return {.ended = where, .failure = why.failure()};
}

/// Of a queue that is a file. Of one that cannot be asked for, that of no other.
Identity file_identity(int file) noexcept;

/// Sends as many as the destination takes, from the first on, and says why it were not all. One that is too big leaves
/// those before it sent.
Moved send_in_order(Backend& to, std::span<const Outgoing> messages, const Wait& wait) noexcept;

}  // namespace mqxx::backend
