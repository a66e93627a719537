// The two locks of a queue, and what an owner who finds that the last one died does first.
#include <utility>

#include "os/lock.hpp"
#include "os/process.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

constexpr std::uint32_t kLooks = 10;  // at a thread that cannot be asked; one comes after some 200 ms

}  // namespace

// One thread has held the lock for long. When it does not even map this file, and no user lives where its name could
// mean another thread, then its name got there in some other way than by locking: the file came with foreign bytes. The
// same when the name is our own, for we wait.
// Where the system does not say what it maps, because it is another user's, its conduct must tell: none of the
// users, and asleep whenever we look. Nobody sleeps for long in the middle of a change; one who is stopped there is
// waited for.
void Queue::doubt_owner(os::LockWord& lock, Doubt& doubt) const noexcept {
  const os::Uncancelled uncancelled;
  const std::uint32_t owner = os::owner_of(lock);
  if (owner != doubt.owner) doubt = {owner, 0};
  if (owner == 0 || os::maps(os::thread_id(), segment_.fd()) != os::Maps::yes) return;  // then a no says nothing
  const os::Maps maps = owner == os::thread_id() ? os::Maps::no : os::maps(owner, segment_.fd());
  if (maps == os::Maps::yes || !all_users_are_here()) return;
  if (maps == os::Maps::unknown) {
    const os::Doing doing = os::doing(owner);
    if (doing == os::Doing::stopped) doubt.asleep = 0;
    if (doing == os::Doing::sleeping) ++doubt.asleep;
    if (doubt.asleep < kLooks || may_be_of_a_user(owner)) return;
  }
  os::disown(lock, owner);
}

// owner_slow also for an owner who was said to have died, and lives: it has let go of the lock.
[[gnu::always_inline]] inline os::Locked Queue::try_first(os::LockWord& lock, Doubt& doubt) const noexcept {
  const os::Locked locked = os::lock_first(lock);
  if (locked < os::Locked::owner_died) [[likely]]
    return locked;
  if (locked == os::Locked::owner_died && (!some_were_elsewhere() || os::confirm_first(lock))) return locked;
  if (locked == os::Locked::owner_slow) doubt_owner(lock, doubt);
  return os::Locked::owner_slow;
}

[[gnu::always_inline]] inline os::Locked Queue::try_second(Doubt& doubt) const noexcept {
  const os::Locked locked = os::lock_second(out_.lock, in_.lock);
  if (locked < os::Locked::owner_died) [[likely]]
    return locked;
  if (locked == os::Locked::owner_died && (!some_were_elsewhere() || os::confirm_second(out_.lock, in_.lock))) {
    return locked;
  }
  if (locked == os::Locked::owner_slow) doubt_owner(in_.lock, doubt);
  return os::Locked::owner_slow;
}

// @return false when this thread is inside one already
bool Queue::lock_first(os::LockWord& lock, os::Locked& locked) noexcept {
  Doubt doubt;
  do {
    locked = try_first(lock, doubt);
  } while (locked == os::Locked::owner_slow);
  return locked != os::Locked::would_deadlock;
}

os::Locked Queue::lock_second() noexcept {
  Doubt doubt;
  os::Locked locked{};
  do {
    locked = try_second(doubt);
  } while (locked == os::Locked::owner_slow);
  return locked;
}

bool Queue::lock_senders() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  os::Locked locked{};
  if (!lock_first(out_.lock, locked)) [[unlikely]]
    return false;
  if (locked == os::Locked::clean && intact()) [[likely]]
    return true;
  if (locked == os::Locked::owner_died && intact()) {
    lock_second();
    recover();
    os::unlock_second(out_.lock, in_.lock);
    if (intact()) return true;
  }
  leave_as_found(out_.lock, locked);
  return false;
}

// A queue that has lost pages is not worked on. Nor is it repaired: the mark of a dead owner stays, so that the others
// find out as well.
void Queue::leave_as_found(os::LockWord& lock, os::Locked locked) noexcept {
  if (locked == os::Locked::owner_died) {
    os::abandon_first(lock);
  } else {
    os::unlock_first(lock);
  }
}

void Queue::unlock_senders() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  const Owed owed = std::exchange(owed_, {});  // a recovery on the way may owe something
  os::unlock_first(out_.lock);
  raise(owed);
}

bool Queue::lock_receivers() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  for (;;) {
    os::Locked locked{};
    if (!lock_first(in_.lock, locked)) [[unlikely]]
      return false;
    if (locked == os::Locked::clean && intact()) [[likely]]
      return true;
    if (!intact()) {
      leave_as_found(in_.lock, locked);
      return false;
    }
    // Recovery needs both, the senders' first: leave the mark for whoever comes before we are back.
    os::abandon_first(in_.lock);
    if (!lock_both()) return false;
    unlock_both();
  }
}

void Queue::unlock_receivers() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS { os::unlock_first(in_.lock); }

void Queue::add_receivers() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  if (!both_ && lock_second() == os::Locked::owner_died) recover();
}

void Queue::drop_receivers() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  if (!both_) os::unlock_second(out_.lock, in_.lock);
}

bool Queue::lock_both() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  os::Locked first{};
  if (!lock_first(out_.lock, first)) return false;
  return repair_both(first, lock_second());
}

bool Queue::try_lock_both(Doubt& doubt) noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  const os::Locked first = try_first(out_.lock, doubt);
  if (first == os::Locked::would_deadlock || first == os::Locked::owner_slow) return false;
  const os::Locked second = try_second(doubt);
  if (second != os::Locked::owner_slow) return repair_both(first, second);
  leave_as_found(out_.lock, first);
  return false;
}

// Behind the taking of both. @return false: it lost pages, and the locks are given back
bool Queue::repair_both(os::Locked first, os::Locked second) noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  const bool died = first == os::Locked::owner_died || second == os::Locked::owner_died;
  if (died && intact()) recover();
  if (intact()) [[likely]]
    return true;
  os::unlock_second(out_.lock, in_.lock);
  leave_as_found(out_.lock, died ? os::Locked::owner_died : os::Locked::clean);
  return false;
}

// To this very process, and only when it has no lock: the handler may call us.
void Queue::raise(const Owed& owed) noexcept {
  if (owed.signal != 0) [[unlikely]]
    (void)os::raise_for_message(os::process_id(), owed.signal, owed.value);
}

void Queue::unlock_both() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  if (watched()) [[unlikely]]
    settle();
  const Owed owed = std::exchange(owed_, {});
  os::unlock_second(out_.lock, in_.lock);
  os::unlock_first(out_.lock);
  raise(owed);
}

// Whether somebody watches is read under the side's own lock, and changes under both, so the answer holds until the
// lock is given back.
bool Queue::enter_senders(bool& both) noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  if (!lock_senders()) [[unlikely]]
    return false;
  both_ = false;  // also where a fork in the middle of a call has copied something else
  both = watched() || owed_.signal != 0;
  if (both) [[unlikely]] {
    add_receivers();
    both_ = true;
    note_before();
  }
  return true;
}

void Queue::leave_senders(bool both) noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  if (!both) [[likely]]
    return os::unlock_first(out_.lock);
  notify();
  both_ = false;
  unlock_both();
}

bool Queue::enter_receivers(bool& both) noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  both = false;
  if (!watched()) [[likely]] {
    if (!lock_receivers()) [[unlikely]]
      return false;
    if (!watched()) [[likely]]
      return true;
    unlock_receivers();
  }
  both = true;
  return lock_both();
}

void Queue::leave_receivers(bool both) noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  if (both) [[unlikely]]
    return unlock_both();
  unlock_receivers();
}

}  // namespace mqxx::shm
