// Batches of the homes that have no call for them: one message after the other.
#pragma once

#include <cstddef>
#include <span>

#include <mqxx/message.hpp>
#include <mqxx/wait.hpp>

#include "base/result.hpp"

namespace mqxx::backend {

/// `send` takes an Outgoing, which was checked before. @return how many were sent; the failure only when it was none
template <class Send>
Result<std::size_t> send_one_by_one(std::span<const Outgoing> messages, Send send) noexcept {
  std::size_t sent = 0;
  for (const Outgoing& message : messages) {
    const Result<void> done = send(message);
    if (!done && sent == 0) return done.failure();
    if (!done) break;  // whoever sends the rest is told
    ++sent;
  }
  return sent;
}

/// `receive` takes a buffer, a wait, and the Received to fill in. Only the first waits. @return as send_one_by_one
template <class Receive>
Result<std::size_t> receive_one_by_one(std::span<Incoming> room, const Wait& wait, Receive receive) noexcept {
  std::size_t count = 0;
  for (Incoming& place : room) {
    Received received;
    const Result<void> done = receive(place.buffer, count == 0 ? wait : Wait::none(), received);
    if (!done && count == 0) return done.failure();
    if (!done) break;
    place.size = received.size;
    place.priority = received.priority;
    ++count;
  }
  return count;
}

}  // namespace mqxx::backend
