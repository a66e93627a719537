// Who has the queue open, who of them has died, and what the dead had on loan.
//
// A user is an entry in the table and a claim on its number (os/process.hpp). The claim ends with the process, whatever
// ends it, and is seen across PID namespaces; the entry stays until somebody takes it for himself.
#include <algorithm>
#include <utility>

#include "os/process.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

constexpr std::uint32_t kProbes =
    4;  // entries of the dead looked for at each opening, so that the table does not grow for ever

constexpr std::uint32_t kTries = 1024;  // entries that say nobody and are claimed; the next to open goes on behind them

}  // namespace

bool Queue::user_is_dead(std::uint32_t number) const noexcept {
  if (number >= kMaxUsers) return true;
  if (number == user_.load(std::memory_order_relaxed)) return false;
  const std::int32_t pid = segment_.user(number).pid.get();
  if (pid == 0 || !os::claimed_elsewhere(segment_.fd(), number)) return true;
  // A child that inherited the file keeps its dead parent's claim.
  const std::uint32_t pid_namespace = os::pid_namespace();
  return pid > 0 && pid_namespace != 0 && segment_.user(number).pid_namespace.get() == pid_namespace &&
         !os::process_exists(pid);
}

Result<std::uint32_t> Queue::free_user_entry() noexcept {
  const std::uint32_t count = std::min(out_.user_count.get(), kMaxUsers);
  for (std::uint32_t number = 0; number < count; ++number) {
    if (segment_.user(number).pid.get() == 0) return number;
  }
  const std::uint32_t start = count == 0 ? 0 : static_cast<std::uint32_t>(os::random_number() % count);
  for (std::uint32_t i = 0; i < std::min(count, kProbes); ++i) {
    const std::uint32_t number = (start + i) % count;
    const User& user = segment_.user(number);
    if (user.writing.get() + user.reading.get() + user.polls.get() == 0 && user_is_dead(number)) return number;
  }
  if (count == kMaxUsers) return Errc::too_many_users;
  const std::uint64_t end = geometry().users + (count + std::uint64_t{1}) * sizeof(User);
  if (end > out_.users_reserved.get()) {
    const std::uint64_t upto = round_up(end, kPage);
    const Result<void> reserved = os::reserve(segment_.fd(), geometry().users, upto - geometry().users);
    if (!reserved) return reserved.failure();
    out_.users_reserved.set(upto);
  }
  out_.user_count.set(count + 1);
  return count;
}

Result<void> Queue::enlist() noexcept {
  for (std::uint32_t tries = 0; tries < kTries; ++tries) {
    const Result<std::uint32_t> number = free_user_entry();
    if (!number) return number.failure();
    const Result<void> claimed = os::claim(segment_.fd(), *number);
    User& user = segment_.user(*number);
    if (claimed.is(Errc::would_block)) {
      // Somebody lives there whose entry says nobody: a child that kept its parent's file. It is not ours to take.
      user.pid.set(-1);
      continue;
    }
    if (!claimed) return claimed;
    step(Step::user_claimed);
    user.writing.set(0);
    user.reading.set(0);
    user.polls.set(0);
    user.edges.set(0);
    out_.joined.add(1);
    user.joined.set(out_.joined.get());
    user.pid_namespace.set(os::pid_namespace());
    user.pid.set(os::process_id());
    user_.store(*number, std::memory_order_relaxed);
    generation_.store(os::fork_generation(), std::memory_order_release);  // meets the acquire in inherited()
    step(Step::user_listed);
    return {};
  }
  return Errc::too_many_users;
}

bool Queue::inherited() const noexcept {
  // Acquire: meets the release in enlist(), so that the number that belongs to the generation is seen with it.
  return generation_.load(std::memory_order_acquire) != os::fork_generation();
}

Result<void> Queue::be_user() noexcept {
  if (!inherited()) [[likely]]
    return {};
  return become_user();
}

// The child of a fork: the entry, its claim and its loans are the parent's. On the inherited file description the
// parent's claims would look like its own, and the parent dead; without another it stays what it was, and owns nothing.
// Never inline: the flattened receive() would have all of it in itself, half a megabyte.
[[gnu::noinline, gnu::cold]] Result<void> Queue::become_user() noexcept {
  const os::Uncancelled uncancelled;
  if (!lock_senders()) return not_entered();
  Result<void> done;
  if (inherited()) {
    done = segment_.renew();
    // Nobody while it looks for a place, since the parent's is not its own; again the parent's when there is none.
    const std::uint32_t parents = user_.load(std::memory_order_relaxed);
    if (done) {
      user_.store(kNoUser, std::memory_order_relaxed);
      done = enlist();
      if (!done) user_.store(parents, std::memory_order_relaxed);
    }
  }
  unlock_senders();
  return done;
}

std::vector<Holder> Queue::users() const {
  std::vector<Holder> holders;
  const std::uint32_t pid_namespace = os::pid_namespace();
  const std::uint32_t count = std::min(out_.user_count.get(), kMaxUsers);
  for (std::uint32_t number = 0; number < count; ++number) {
    const User& user = segment_.user(number);
    const std::int32_t pid = user.pid.get();
    if (pid <= 0 || number == user_.load(std::memory_order_relaxed) || user_is_dead(number)) continue;
    holders.push_back({pid, pid_namespace != 0 && user.pid_namespace.get() == pid_namespace});
  }
  std::sort(holders.begin(), holders.end());
  holders.erase(std::unique(holders.begin(), holders.end()), holders.end());  // a process may have several handles
  return holders;
}

bool Queue::all_users_are_here() const noexcept {
  const std::uint32_t pid_namespace = os::pid_namespace();
  const std::uint32_t count = std::min(out_.user_count.get(), kMaxUsers);
  for (std::uint32_t number = 0; number < count; ++number) {
    const User& user = segment_.user(number);
    const bool elsewhere = user.pid_namespace.get() != pid_namespace;
    if (user.pid.get() != 0 && elsewhere && os::claimed_elsewhere(segment_.fd(), number)) return false;
  }
  return pid_namespace != 0;
}

// Entries outlast their users for a while, and that is enough: who died at the wrong moment died just now
// (docs/decisions/0010-equal-tids.md).
bool Queue::some_were_elsewhere() const noexcept {
  const std::uint32_t pid_namespace = os::pid_namespace();
  const std::uint32_t count = std::min(out_.user_count.get(), kMaxUsers);
  for (std::uint32_t number = 0; number < count; ++number) {
    const User& user = segment_.user(number);
    if (user.joined.get() != 0 && user.pid_namespace.get() != pid_namespace) return true;
  }
  return pid_namespace == 0;
}

// A child of fork that has no entry has the claim of a parent, perhaps a dead one: then nobody can tell.
bool Queue::may_be_of_a_user(std::uint32_t thread) const noexcept {
  const std::uint32_t count = std::min(out_.user_count.get(), kMaxUsers);
  for (std::uint32_t number = 0; number < count; ++number) {
    const std::int32_t pid = segment_.user(number).pid.get();
    if (pid == 0 || !os::claimed_elsewhere(segment_.fd(), number)) continue;
    if (pid < 0 || !os::process_exists(pid) || os::is_thread_of(thread, pid)) return true;
  }
  return false;
}

// A message that was being read comes back to its place in the queue.
void Queue::put_back(std::uint32_t slot) noexcept {
  SlotHeader& header = segment_.slot(slot);
  const Priority priority = header.priority.get() & kMaxPriority;
  const std::uint32_t length = header.length.get();
  header.mark.atomic().store(make_mark(SlotState::queued), std::memory_order_release);
  (void)sort_arrivals();  // damage is told by the next receive
  (void)index_.insert(priority, slot);
  in_.received.add(static_cast<std::uint64_t>(-1));
  in_.received_bytes.add(-std::uint64_t{length});
}

// However many have died, and whatever they are said to have had: one walk over the slots, which recovery makes anyway.
bool Queue::rescue_loans() noexcept {
  if (out_.writing.get() + in_.reading.get() == 0) [[likely]]
    return false;
  bool found = false;
  const std::uint32_t count = std::min(out_.user_count.get(), kMaxUsers);
  for (std::uint32_t number = 0; number < count; ++number) {
    User& user = segment_.user(number);
    if (user.writing.get() + user.reading.get() == 0 || !user_is_dead(number)) continue;
    user.pid.set(0);  // who dies here leaves the rest to recovery as well
    found = true;
  }
  if (found) recover();
  return found;
}

}  // namespace mqxx::shm
