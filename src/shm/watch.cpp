// Who wants to be told without waiting here: pollers, through the doorbell, and one registered process.
//
// While there is anybody, `watched` is not zero and every call takes both locks, so that the queue is known as a whole
// when the doorbell is set and the notice is given: before the unlock, where the next owner would do it again (Q2).
//   W1  watched == pollers + (a registration ? 1 : 0), and pollers is the sum over the users.
//   W2  while there are pollers, the doorbell says what the queue is whenever nobody holds both locks.
// A notice is due when a message comes to an empty queue and no receiver was woken for it. The sender raises the signal
// where he may, and where the queue's bytes are no stranger's; elsewhere the helper of the registered process does,
// which needs no permission and knows the signal by itself.
#include <algorithm>

#include "os/process.hpp"
#include "os/wait.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {
namespace {

constexpr std::uint32_t kRecount = 256;  // calls until somebody looks whether the pollers live
constexpr std::int64_t kLookUpNs = 800'000'000;

}  // namespace

Result<int> Queue::open_own_bell() noexcept {
  int bell = bell_.load(std::memory_order_acquire);
  if (bell >= 0) return bell;
  const os::Uncancelled uncancelled;
  Result<UniqueFd> opened = open_bell(segment_);
  if (!opened) return opened.failure();
  // Two threads may have come here: the first one's descriptor stays.
  if (bell_.compare_exchange_strong(bell, opened->get(), std::memory_order_acq_rel)) return opened->release();
  return bell;
}

int Queue::bell() noexcept {
  const Result<int> bell = open_own_bell();
  return bell ? *bell : -1;
}

Readiness Queue::readiness() const noexcept {
  const bool writable =
      seems_ready(Side::senders) || out_.fresh.get() < geometry().capacity || in_.free_head.get() != kNoSlot;
  return {seems_ready(Side::receivers), writable};
}

os::Bell Queue::bell_now() const noexcept {
  // When nothing waits and nothing fits, all slots are on loan: the queue is empty.
  if (!ready(Side::receivers)) return os::Bell::empty;
  return ready(Side::senders) ? os::Bell::some : os::Bell::full;
}

[[gnu::noinline, gnu::cold]] void Queue::settle() noexcept {
  Watch& watch = segment_.header().watch;
  if (watch.pollers.get() == 0) return;
  const int bell = this->bell();
  if (bell < 0) return;
  const auto before = static_cast<os::Bell>(watch.bell.get());
  const os::Bell now = bell_now();
  const bool edges = watch.edges.get() != 0;
  watch.calls.add(1);
  if (now == before && !edges && watch.calls.get() % kRecount != 0) return;
  const os::Uncancelled uncancelled;
  os::set_bell(bell, before, now);
  watch.bell.set(static_cast<std::uint32_t>(now));
  if (edges) os::strike_bell(bell);
  step(Step::bell_set);
  if (watch.calls.get() % kRecount == 0) recount_watchers();
}

void Queue::count_watchers() noexcept {
  const Watch& watch = segment_.header().watch;
  const bool registered = watch.kind.get() != static_cast<std::uint32_t>(Notice::none);
  segment_.header().common.watched.set(watch.pollers.get() + (registered ? 1 : 0));
}

// From the users, so that the dead do not count.
void Queue::recount_watchers() noexcept {
  const os::Uncancelled uncancelled;
  Watch& watch = segment_.header().watch;
  std::uint32_t pollers = 0;
  std::uint32_t edges = 0;
  const std::uint32_t count = std::min(out_.user_count.get(), kMaxUsers);
  for (std::uint32_t number = 0; number < count; ++number) {
    User& user = segment_.user(number);
    if (user.polls.get() == 0) continue;
    if (user_is_dead(number)) {
      user.polls.set(0);
      user.edges.set(0);
    }
    pollers += user.polls.get();
    edges += user.edges.get();
  }
  watch.pollers.set(pollers);
  watch.edges.set(edges);
  if (watch.kind.get() != static_cast<std::uint32_t>(Notice::none) && !registered_lives()) forget_notice();
  count_watchers();
  const int bell = pollers == 0 ? -1 : this->bell();
  if (bell >= 0) watch.bell.set(static_cast<std::uint32_t>(os::bell_state(bell)));
}

Result<void> Queue::begin_poll(Edges edges) noexcept {
  const os::Uncancelled uncancelled;
  // A child of fork that may not open the queue itself polls in the name of its parent, whose death then ends the
  // count.
  (void)be_user();
  const Result<int> bell = open_own_bell();
  if (!bell) return bell.failure();
  if (!lock_both()) return not_entered();
  // Who says empty or full asks first whether an owner of slots has died.
  rescue_loans();
  User& entry = segment_.user(user_.load(std::memory_order_relaxed));
  Watch& watch = segment_.header().watch;
  entry.polls.add(1);
  watch.pollers.add(1);
  if (edges == Edges::yes) {
    entry.edges.add(1);
    watch.edges.add(1);
  }
  count_watchers();
  step(Step::poll_begun);
  // What it says is forgotten when nobody has it open, and a poller may have died between setting it and noting that:
  // so whoever has not had it open before looks, and the first of them.
  if (watch.pollers.get() == 1 || !bell_known_) {
    watch.bell.set(static_cast<std::uint32_t>(os::bell_state(*bell)));
    bell_known_ = true;
  }
  unlock_both();
  return {};
}

void Queue::end_poll(Edges edges) noexcept {
  if (!lock_both()) return;  // in a handler inside a call: its count ends with the process
  User& entry = segment_.user(user_.load(std::memory_order_relaxed));
  Watch& watch = segment_.header().watch;
  constexpr auto kLess = static_cast<std::uint32_t>(-1);
  if (edges == Edges::yes && entry.edges.get() != 0 && watch.edges.get() != 0) {
    entry.edges.add(kLess);
    watch.edges.add(kLess);
  }
  if (entry.polls.get() != 0 && watch.pollers.get() != 0) {
    watch.pollers.add(kLess);
    entry.polls.add(kLess);
  }
  count_watchers();
  step(Step::poll_ended);
  unlock_both();
}

[[gnu::noinline, gnu::cold]] void Queue::note_before() noexcept {
  was_empty_ = !ready(Side::receivers);
  sent_before_ = out_.sent.get();
  woken_ = 0;
}

void Queue::forget_notice() noexcept {
  Watch& watch = segment_.header().watch;
  watch.kind.set(static_cast<std::uint32_t>(Notice::none));
  count_watchers();
  watch.changed.fetch_add(1, std::memory_order_relaxed);  // the futex call orders it
  os::wake(watch.changed, os::kWakeAll);
  step(Step::notice_gone);
}

[[gnu::noinline, gnu::cold]] void Queue::notify() noexcept {
  Watch& watch = segment_.header().watch;
  const auto kind = static_cast<Notice>(watch.kind.get());
  const std::uint64_t sent = out_.sent.get() - sent_before_;
  if (kind == Notice::none || !was_empty_ || sent <= woken_ || !ready(Side::receivers)) return;
  const std::uint32_t user = watch.user.get();
  const std::uint32_t number = watch.number.get();
  const std::int32_t pid = watch.pid.get();
  Owed signal{watch.signal.get(), watch.value.get()};
  const bool alive = registered_lives();
  const bool ours = alive && user == user_.load(std::memory_order_relaxed) && number == registered_ && !inherited();
  if (ours) signal = registered_for_;
  bool told = !alive || kind == Notice::silent;
  if (!told && kind == Notice::signal && (ours || may_raise(user, pid))) {
    told = true;
    if (ours || pid == os::process_id()) {
      owed_ = signal;
    } else {
      const Result<void> raised = os::raise_for_message(pid, signal.signal, signal.value);
      told = raised || raised.is(Errc::not_found);
    }
  }
  Firing& firing = watch.firings[number % kFirings];
  firing.pid.set(told ? 0 : os::process_id());
  firing.uid.set(os::user_id());
  firing.number.set(number);
  forget_notice();
}

// Who may write to the file may write there any process and any signal, and it would be raised with our rights. So
// nobody but the file's owner may be able to, and the process be his; the helper of a registered process does the rest.
bool Queue::may_raise(std::uint32_t user, std::int32_t pid) const noexcept {
  const Result<os::FileFacts> facts = os::facts(segment_.fd());
  if (!facts || (facts->mode & 077U) != 0 || pid <= 0) return false;
  if (segment_.user(user).pid_namespace.get() != os::pid_namespace()) return false;
  return os::acts_as(facts->uid) || os::belongs_to(pid, facts->uid);
}

bool Queue::senders_may_raise() const noexcept {
  const Result<os::FileFacts> facts = os::facts(segment_.fd());
  return facts && (facts->mode & 077U) == 0 && os::acts_as(facts->uid);
}

// The number alone does not tell: when its user has died, or has become another program by exec, somebody else has it.
bool Queue::registered_lives() const noexcept {
  const Watch& watch = segment_.header().watch;
  const std::uint32_t user = watch.user.get();
  return user < std::min(out_.user_count.get(), kMaxUsers) && segment_.user(user).joined.get() == watch.joined.get() &&
         !user_is_dead(user);
}

RegisteredProcess Queue::registered() const noexcept {
  const Watch& watch = segment_.header().watch;
  const auto kind = static_cast<Notice>(watch.kind.get());
  const bool known = kind == Notice::signal || kind == Notice::thread || kind == Notice::silent;
  if (!known || !registered_lives()) return {};
  return {kind, watch.pid.get(), kind == Notice::signal ? watch.signal.get() : 0};
}

bool Queue::notice_is_ours() const noexcept {
  const Watch& watch = segment_.header().watch;
  return watch.kind.get() != static_cast<std::uint32_t>(Notice::none) && !inherited() &&
         watch.user.get() == user_.load(std::memory_order_relaxed) && registered_lives();
}

Result<std::uint32_t> Queue::register_notice(const Registration& registration) noexcept {
  const Result<void> user = be_user();
  if (!user) return user.failure();
  if (!lock_both()) return not_entered();
  Watch& watch = segment_.header().watch;
  if (watch.kind.get() != static_cast<std::uint32_t>(Notice::none)) recount_watchers();
  if (watch.kind.get() != static_cast<std::uint32_t>(Notice::none)) {
    unlock_both();
    return Errc::already_exists;
  }
  const std::uint32_t number = watch.number.get() + 1;
  watch.number.set(number);
  watch.user.set(user_.load(std::memory_order_relaxed));
  watch.joined.set(segment_.user(user_.load(std::memory_order_relaxed)).joined.get());
  watch.pid.set(os::process_id());
  watch.signal.set(registration.signal);
  watch.value.set(registration.value);
  watch.kind.set(static_cast<std::uint32_t>(registration.kind));
  registered_ = number;
  registered_for_ = {registration.signal, registration.value};
  count_watchers();
  step(Step::notice_registered);
  unlock_both();
  return number;
}

bool Queue::cancel_notice() noexcept {
  if (!notice_is_ours() || !lock_both()) return false;
  const bool ours = notice_is_ours();
  if (ours) forget_notice();
  unlock_both();
  return ours;
}

Told Queue::notice(std::uint32_t number) noexcept {
  if (!lock_both()) return {};
  const Watch& watch = segment_.header().watch;
  const Firing& firing = watch.firings[number % kFirings];
  Told told;
  if (watch.kind.get() != static_cast<std::uint32_t>(Notice::none) && watch.number.get() == number) {
    told.state = Told::State::pending;
  } else if (firing.number.get() == number) {
    told = {firing.pid.get() == 0 ? Told::State::done : Told::State::owed, firing.pid.get(), firing.uid.get()};
  }
  unlock_both();
  return told;
}

Told Queue::await_notice(std::uint32_t number) noexcept {
  Watch& watch = segment_.header().watch;
  for (;;) {
    const std::uint32_t seen = watch.changed.load(std::memory_order_relaxed);
    const Told told = notice(number);
    if (told.state != Told::State::pending) return told;
    (void)os::wait_on(watch.changed, seen, Wait::forever(), kLookUpNs);
  }
}

// The only thread that there is.
void Queue::begin_in_child() noexcept MQXX_NO_THREAD_SAFETY_ANALYSIS {
  both_ = false;
  owed_ = {};
  (void)be_user();  // refused without /proc or rights: then it goes on in its parent's name
}

void Queue::look() noexcept {
  if (!lock_both()) return ring_if_damaged();
  rescue_loans();
  unlock_both();
}

void Queue::try_look(Doubt& doubt) noexcept {
  if (!try_lock_both(doubt)) return ring_if_damaged();
  rescue_loans();
  unlock_both();
}

// Who polls a queue that has lost its file is told that it is ready: the call that follows says why. What the queue's
// bytes say of the bell is no use.
void Queue::ring_if_damaged() noexcept {
  const int bell = intact() ? -1 : this->bell();
  if (bell < 0) return;
  const os::Uncancelled uncancelled;
  os::set_bell(bell, os::bell_state(bell), os::Bell::some);
}

bool Queue::in_doubt() const noexcept { return os::owner_died(out_.lock) || os::owner_died(in_.lock); }

// The end of this handle: what it watched is not watched any more.
void Queue::leave_watch() noexcept {
  (void)cancel_notice();
  const std::uint32_t number = user_.load(std::memory_order_relaxed);
  if (segment_.user(number).polls.get() != 0 && lock_both()) {
    segment_.user(number).polls.set(0);
    segment_.user(number).edges.set(0);
    recount_watchers();
    unlock_both();
  }
}

}  // namespace mqxx::shm
