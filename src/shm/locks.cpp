// The two locks of a queue, and what an owner who finds that the last one died does first.
#include "os/lock.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {

bool Queue::lock_senders() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  const os::Locked locked = os::lock_first(out_.lock);
  if (locked == os::Locked::clean) [[likely]] return true;
  if (locked == os::Locked::would_deadlock) return false;
  os::lock_second(out_.lock, in_.lock);
  recover();
  os::unlock_second(out_.lock, in_.lock);
  return true;
}

void Queue::unlock_senders() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS { os::unlock_first(out_.lock); }

bool Queue::lock_receivers() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  for (;;) {
    const os::Locked locked = os::lock_first(in_.lock);
    if (locked == os::Locked::clean) [[likely]] return true;
    if (locked == os::Locked::would_deadlock) return false;
    // Recovery needs both, the senders' first: leave the mark for whoever comes before we are back.
    os::abandon_first(in_.lock);
    if (!lock_both()) return false;
    unlock_both();
  }
}

void Queue::unlock_receivers() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS { os::unlock_first(in_.lock); }

void Queue::add_receivers() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  if (os::lock_second(out_.lock, in_.lock) == os::Locked::owner_died) recover();
}

void Queue::drop_receivers() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS { os::unlock_second(out_.lock, in_.lock); }

bool Queue::lock_both() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  const os::Locked first = os::lock_first(out_.lock);
  if (first == os::Locked::would_deadlock) return false;
  const os::Locked second = os::lock_second(out_.lock, in_.lock);
  if (first == os::Locked::owner_died || second == os::Locked::owner_died) recover();
  return true;
}

void Queue::unlock_both() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  os::unlock_second(out_.lock, in_.lock);
  os::unlock_first(out_.lock);
}

}  // namespace mqxx::shm
