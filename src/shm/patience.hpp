// persist(): attempt, and wait between attempts, until the call succeeds or must end. The one loop of every blocking
// call.
#pragma once

#include "shm/queue.hpp"

namespace mqxx::shm {

/// What one call has been through.
class Queue::Patience {
 public:
  bool spun = false;    ///< polled already: from now on it sleeps
  bool polled = false;  ///< at least once
  bool looked = false;  ///< looked under both locks for what dead processes left
};

/// `attempt` answers would_block when the queue is full or empty, which is the one answer that is waited out.
template <class Attempt>
auto Queue::persist(Side side, const Wait& wait, Attempt attempt) -> decltype(attempt()) {
  auto result = attempt();
  if (!result.is(Errc::would_block)) [[likely]]
    return result;
  return wait_and_try(side, wait, attempt);
}

template <class Attempt>
auto Queue::wait_and_try(Side side, const Wait& wait, Attempt attempt) -> decltype(attempt()) {
  Patience patience;
  for (;;) {
    const Result<void> waited = await(side, wait, patience);
    if (!waited) return waited.failure();
    auto result = attempt();
    if (!result.is(Errc::would_block)) return result;
  }
}

}  // namespace mqxx::shm
