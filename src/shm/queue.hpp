// Queue: the state machine of one queue in shared memory. send, receive and loan, as values and without exceptions.
//
//            take_slot          commit                 next_slot              finish
//   free  -------------->  (writing)  ----->  queued  ---------->  (reading)  ----->  free
//   (bracketed states only for loans and large messages: small ones are copied under the lock and skip them)
//
// Two locks. The senders' guards taking free slots and listing new messages; the receivers' guards the index and giving
// slots back. The two rings between them are the only places where the sides meet on the fast path. Who needs both
// takes the senders' first. Thread safety: everything but the constructor and destructor, from any thread.
//   Q1  a message is sent at the one store that makes its slot queued, and received at the one that ends that.
//   Q2  wake-ups happen before the unlock, where the next owner of the lock would redo them.
//   Q3  nobody sleeps but registered, under both locks, after looking once more.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <mqxx/types.hpp>
#include <mqxx/wait.hpp>

#include "base/result.hpp"
#include "base/step.hpp"
#include "base/thread_safety.hpp"
#include "os/doorbell.hpp"
#include "shm/index.hpp"
#include "shm/segment.hpp"

namespace mqxx::shm {

/// Messages of at least this many bytes are copied outside the lock. Measured: docs/decisions/0004-copy-outside.md.
inline constexpr std::size_t kCopyOutside = 4096;
/// In a batch, the slots of so many messages on are asked for, so that their lines come while others are copied.
inline constexpr std::uint64_t kAhead = 8;

/// Slots that go round even if fewer would do; only where they are small.
inline constexpr std::uint32_t kCirculating = 16;

enum class Side : std::uint8_t { senders, receivers };
enum class Edges : std::uint8_t { no, yes };  // whether a poller wants to be told of every message, or of changes

/// How a registered process is told: by a signal, by its helper thread, or not at all.
enum class Notice : std::uint32_t { none, signal, thread, silent };
struct Registration {
  Notice kind = Notice::none;
  int signal = 0;
  std::uint64_t value = 0;
};

/// A process that has the queue open.
struct Holder {
  std::int32_t pid = 0;
  bool here = false;  // the number is one of this PID namespace
  auto operator<=>(const Holder&) const = default;
};

/// Who is to be told of the next message.
struct RegisteredProcess {
  Notice kind = Notice::none;
  std::int32_t pid = 0;
  int signal = 0;  // of Notice::signal
};

struct Readiness {
  bool readable = false;
  bool writable = false;
};

/// What has become of a registration.
struct Told {
  enum class State : std::uint8_t { unknown, pending, done, owed };  // unknown: over, and others came since
  State state = State::unknown;
  std::int32_t pid = 0;  // owed: of the sender
  std::uint32_t uid = 0;
};

/// A slot that this process owns.
struct Loan {
  std::uint32_t slot = kNoSlot;
  std::span<std::byte> bytes;  // receive: the message; send: the room asked for
  Priority priority = 0;
};

/// Links of a list that a walk follows under one lock.
inline constexpr std::uint32_t kMostPassed = 1024;

/// Where a walk through the queue stands: before the first message, or behind one. Its numbers are a caller's, and may
/// be any.
struct PeekCursor {
  bool begun = false;
  std::uint32_t slot = kNoSlot;  // a hint
  Priority priority = 0;
  std::uint64_t sequence = 0;
  // While the walk looks for its place: the last older message that it passed, and under how many locks.
  std::uint32_t passed = kNoSlot;
  std::uint64_t passed_sequence = 0;
  std::uint32_t locks = 0;
};

/// Messages of these priorities. REQUIRES: lowest <= highest <= kMaxPriority.
struct PeekRange {
  Priority lowest = 0;
  Priority highest = kMaxPriority;
};

struct Peeked {
  bool found = false;
  bool unfinished = false;  // the place was not found under this lock: call again
  std::size_t size = 0;     // of the message; more than the buffer: nothing was copied and the cursor stayed
  Priority priority = 0;
};

/// What is known of a thread that has had a lock for long.
struct Doubt {
  std::uint32_t owner = 0;
  std::uint32_t asleep = 0;  ///< looks that found it so
};

class MQXX_CAPABILITY("mutex") Capability {};

class Queue {
 public:
  /// Takes a published or attached segment and lists this process as a user of the queue.
  static Result<std::unique_ptr<Queue>> join(Segment segment) noexcept;
  /// The same without becoming a user, for who only looks: it writes nothing. Of the other members only those may be
  /// called that take no lock: depth, statistics, users, registered, pollers, intact.
  static Result<std::unique_ptr<Queue>> observe(Segment segment) noexcept;
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue();

  // What may wait is not noexcept: with Wait::cancellation_point a cancelled thread leaves it by unwinding. Nothing
  // throws.
  Result<void> send(std::span<const std::byte> bytes, Priority priority, const Wait& wait);
  /// `received` is written only on success.
  Result<void> receive(std::span<std::byte> buffer, const Wait& wait, Received& received);
  /// How many were sent before the wait ended or something failed; the failure only when it was none.
  Result<std::size_t> send_batch(std::span<const Outgoing> messages, const Wait& wait);
  Result<std::size_t> receive_batch(std::span<Incoming> room, const Wait& wait);

  Result<Loan> loan(std::size_t size, const Wait& wait);
  Result<void> send_loan(std::uint32_t slot, std::size_t size, Priority priority) noexcept;
  Result<void> drop_loan(std::uint32_t slot) noexcept;
  Result<Loan> receive_loan(const Wait& wait);
  Result<void> release_loan(std::uint32_t slot) noexcept;
  Result<void> put_back_loan(std::uint32_t slot) noexcept;

  // peek.cpp
  /// The message behind the cursor, which then stands behind that.
  Result<Peeked> peek(PeekCursor& cursor, const PeekRange& range, std::span<std::byte> buffer) noexcept;
  [[nodiscard]] std::size_t depth() const noexcept;
  [[nodiscard]] Statistics statistics() const noexcept;

  /// Wakes every sleeping thread of a side, in all processes, to look for itself. For stop tokens.
  void rouse(Side side) noexcept;

  // watch.cpp: who wants to be told
  /// From now on, until end_poll() or the end of this handle, the doorbell says at every moment what the queue is.
  Result<void> begin_poll(Edges edges) noexcept;
  void end_poll(Edges edges) noexcept;
  /// In the child of a fork, before anything else there.
  void begin_in_child() noexcept;
  /// Looks for what dead processes left, as those who sleep do by themselves. From a damaged queue it rings the
  /// doorbell, for all who poll.
  void look() noexcept;
  /// The same for who has other queues to look after: where one thread has a lock for long (some 200 ms; it may be
  /// stopped) nothing is done. `doubt` is what the last look found, and goes into the next.
  void try_look(Doubt& doubt) noexcept;
  /// Without a lock. in_doubt: a process died inside one, and what readiness() sees may be half done. has_loans: slots
  /// have owners, who may be dead, and then there is more than readiness() sees.
  [[nodiscard]] bool in_doubt() const noexcept;
  [[nodiscard]] bool has_loans() const noexcept { return out_.writing.get() + in_.reading.get() != 0; }
  /// Without a lock: what is true was true a moment ago; what is not may be on its way.
  [[nodiscard]] Readiness readiness() const noexcept;
  /// Registers this process for the next message that comes when the queue is empty and nobody waits for one.
  /// @return the number of the registration. Fails with already_exists while somebody is registered.
  Result<std::uint32_t> register_notice(const Registration& registration) noexcept;
  /// @return whether this process was registered
  bool cancel_notice() noexcept;
  [[nodiscard]] bool notice_is_ours() const noexcept;
  /// Whether senders raise the signal of a registration of this process by themselves: nobody else may open the queue,
  /// and everybody who may is allowed to. Elsewhere somebody in the process has to.
  [[nodiscard]] bool senders_may_raise() const noexcept;
  Told notice(std::uint32_t number) noexcept;
  /// For a helper thread: returns when the registration is not pending any more.
  Told await_notice(std::uint32_t number) noexcept;
  /// A descriptor of its own of the doorbell. Opened at the first call, closed with the queue.
  Result<int> open_own_bell() noexcept;
  /// Likewise; -1 when there is none.
  int bell() noexcept;
  /// That one instead of opening it. REQUIRES: bell() was not called yet.
  void take_bell(UniqueFd bell) noexcept { bell_.store(bell.release(), std::memory_order_release); }

  /// Whether everything that was read and written so far was there. If not, every call fails with queue_damaged from
  /// then on, and what was read in place may be zeros.
  [[nodiscard]] bool intact() const noexcept { return segment_.intact(); }
  [[nodiscard]] const Segment& segment() const noexcept { return segment_; }
  [[nodiscard]] const Geometry& geometry() const noexcept { return segment_.geometry(); }

  /// Holds everybody off while `look` runs; for the checker. Fails with would_deadlock from inside a signal handler,
  /// and with queue_damaged.
  template <class Look>
  Result<void> hold(Look look) noexcept {
    if (!lock_both()) return not_entered();
    look();
    unlock_both();
    if (!intact()) return Errc::queue_damaged;
    return {};
  }
  /// The processes that have the queue open, by number. Without a lock: who comes or goes meanwhile may be missed.
  [[nodiscard]] std::vector<Holder> users() const;
  /// Who is registered, if he lives, and how many polls are under way. Without a lock, likewise.
  [[nodiscard]] RegisteredProcess registered() const noexcept;
  [[nodiscard]] std::uint32_t pollers() const noexcept { return segment_.header().watch.pollers.get(); }

  /// What recovery does after a death, without one; and before it takes the messages away that cannot be received for
  /// their length or priority. @return how many those were. Fails as hold().
  Result<std::size_t> repair() noexcept;

 private:
  explicit Queue(Segment segment) noexcept;

  // locks.cpp. false: not_entered() says why. A dead owner's leavings are repaired on the way.
  /// Why a slot that was on loan is not: it went with the child of a fork, or with the file.
  [[nodiscard]] Errc not_on_loan() const noexcept { return intact() ? Errc::closed : Errc::queue_damaged; }
  [[nodiscard]] Errc not_entered() const noexcept { return intact() ? Errc::would_deadlock : Errc::queue_damaged; }
  bool lock_senders() noexcept MQXX_TRY_ACQUIRE(true, senders_lock_);
  void unlock_senders() noexcept MQXX_RELEASE(senders_lock_);
  bool lock_receivers() noexcept MQXX_TRY_ACQUIRE(true, receivers_lock_);
  void unlock_receivers() noexcept MQXX_RELEASE(receivers_lock_);
  void add_receivers() noexcept MQXX_REQUIRES(senders_lock_) MQXX_ACQUIRE(receivers_lock_);
  void drop_receivers() noexcept MQXX_REQUIRES(senders_lock_) MQXX_RELEASE(receivers_lock_);
  bool lock_both() noexcept MQXX_TRY_ACQUIRE(true, senders_lock_, receivers_lock_);
  void unlock_both() noexcept MQXX_RELEASE(senders_lock_, receivers_lock_);
  // The side's lock; and the other as well while somebody watches the queue, for whom it must be known as a whole.
  bool enter_senders(bool& both) noexcept MQXX_TRY_ACQUIRE(true, senders_lock_);
  void leave_senders(bool both) noexcept MQXX_RELEASE(senders_lock_);
  bool enter_receivers(bool& both) noexcept MQXX_TRY_ACQUIRE(true, receivers_lock_);
  void leave_receivers(bool both) noexcept MQXX_RELEASE(receivers_lock_);
  /// false also where a thread has had one of the locks for long.
  bool try_lock_both(Doubt& doubt) noexcept MQXX_TRY_ACQUIRE(true, senders_lock_, receivers_lock_);
  bool repair_both(os::Locked first, os::Locked second) noexcept MQXX_TRY_ACQUIRE(true, senders_lock_, receivers_lock_);
  bool lock_first(os::LockWord& lock, os::Locked& locked) noexcept;
  os::Locked lock_second() noexcept;
  os::Locked try_first(os::LockWord& lock, Doubt& doubt) const noexcept;
  os::Locked try_second(Doubt& doubt) const noexcept;
  void doubt_owner(os::LockWord& lock, Doubt& doubt) const noexcept;
  static void leave_as_found(os::LockWord& lock, os::Locked locked) noexcept;

  // watch.cpp
  struct Owed {
    int signal = 0;
    std::uint64_t value = 0;
  };
  [[nodiscard]] bool watched() const noexcept { return segment_.header().common.watched.get() != 0; }
  void settle() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  [[nodiscard]] os::Bell bell_now() const noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  void count_watchers() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  void recount_watchers() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  void note_before() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  void notify() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  void forget_notice() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  [[nodiscard]] bool registered_lives() const noexcept;
  [[nodiscard]] bool may_raise(std::uint32_t user, std::int32_t pid) const noexcept;
  static void raise(const Owed& owed) noexcept;
  void leave_watch() noexcept;
  void ring_if_damaged() noexcept;

  // send.cpp. What answers a slot answers kNoSlot otherwise, and says why: would_block when the queue is full. (Plain
  // numbers on the fast path: a Result that travels through memory in parts costs more than the work.)
  std::uint32_t take_slot(std::size_t size, Priority priority, Failure& why) noexcept MQXX_REQUIRES(senders_lock_);
  std::uint32_t take_returned(Failure& why) noexcept MQXX_REQUIRES(senders_lock_);
  std::uint32_t take_fresh(std::size_t size, Failure& why) noexcept MQXX_REQUIRES(senders_lock_);
  std::uint32_t take_overflow(Failure& why) noexcept MQXX_REQUIRES(senders_lock_);
  Result<void> reserve_slot(std::uint32_t slot, std::size_t size) noexcept MQXX_REQUIRES(senders_lock_);
  Result<void> reserve_index_page(Priority priority) noexcept MQXX_REQUIRES(senders_lock_);
  void give_back(std::uint32_t slot) noexcept MQXX_REQUIRES(senders_lock_);
  void commit(std::uint32_t slot, std::size_t size, Priority priority) noexcept MQXX_REQUIRES(senders_lock_);
  void note_sent() noexcept MQXX_REQUIRES(senders_lock_);
  void prefetch_returned(std::uint64_t ahead) const noexcept MQXX_REQUIRES(senders_lock_);
  static void note_time(Shared<std::int64_t>& last_ns) noexcept;
  static void note_processor(Shared<std::int32_t>& where) noexcept;
  Result<void> send_small(std::span<const std::byte> bytes, Priority priority) noexcept;
  Result<void> send_patiently(std::span<const std::byte> bytes, Priority priority, const Wait& wait);
  Result<void> send_large(std::span<const std::byte> bytes, Priority priority, const Wait& wait);
  Result<std::size_t> send_some(std::span<const Outgoing> messages) noexcept;
  Result<void> check_outgoing(std::size_t size, Priority priority) const noexcept;

  // receive.cpp
  /// What leaves next, taken off the ring or the index; kNoSlot when the queue is empty; kDamaged.
  std::uint32_t next_slot() noexcept MQXX_REQUIRES(receivers_lock_);
  std::uint32_t next_of_run() noexcept MQXX_REQUIRES(receivers_lock_);
  /// Without a lock.
  void prefetch_arrived(std::uint64_t position) const noexcept;
  bool extend_run(std::uint64_t head, std::uint64_t& end) noexcept MQXX_REQUIRES(receivers_lock_);
  bool sort_arrivals() noexcept MQXX_REQUIRES(receivers_lock_);
  /// Whether the slot holds a message, of possible length and priority. Each is read once: what was checked is used.
  bool queued(std::uint32_t slot, Received& message) const noexcept MQXX_REQUIRES(receivers_lock_);
  void free_slot(std::uint32_t slot) noexcept MQXX_REQUIRES(receivers_lock_);
  void note_depth(std::uint64_t depth) noexcept MQXX_REQUIRES(receivers_lock_);
  void note_received(std::uint64_t messages, std::uint64_t bytes) noexcept MQXX_REQUIRES(receivers_lock_);
  Result<void> receive_now(std::span<std::byte> buffer, Received& received) noexcept;
  Result<void> receive_patiently(std::span<std::byte> buffer, const Wait& wait, Received& received);
  Result<void> receive_large(const Loan& loan, std::span<std::byte> buffer) noexcept;
  Result<std::size_t> receive_some(std::span<Incoming> room) noexcept;
  Loan mark_reading(std::uint32_t slot, const Received& message) noexcept MQXX_REQUIRES(receivers_lock_);
  Result<Loan> receive_loan_now() noexcept;

  // peek.cpp
  std::uint32_t peek_slot(PeekCursor& cursor, const PeekRange& range) noexcept MQXX_REQUIRES(receivers_lock_);
  std::uint32_t first_behind(PeekCursor& cursor) noexcept MQXX_REQUIRES(receivers_lock_);
  [[nodiscard]] bool stands(std::uint32_t slot, Priority priority, std::uint64_t sequence) const noexcept
      MQXX_REQUIRES(receivers_lock_);

  // waiters.cpp
  class Patience;
  template <class Attempt>
  auto persist(Side side, const Wait& wait, Attempt attempt) -> decltype(attempt());
  template <class Attempt>
  auto wait_and_try(Side side, const Wait& wait, Attempt attempt) -> decltype(attempt());
  Result<void> await(Side side, const Wait& wait, Patience& patience);
  Result<void> sleep(Side side, const Wait& wait);
  class Registered;
  static void leave(Sleepers& sleepers, std::uint32_t registered_at) noexcept;
  Result<void> look_again(Side side) noexcept;
  struct Polling;
  bool spin(Side side) noexcept;
  static void trust_more(Polling& polling) noexcept;
  static void trust_less(Polling& polling, bool lost_processor) noexcept;
  int gathering(Side side, Polling& polling) const noexcept;
  void waited_briefly(Polling& polling) const noexcept;
  [[nodiscard]] bool seems_ready(Side side) const noexcept;
  [[nodiscard]] bool ready(Side side) const noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  Sleepers& sleepers(Side side) const noexcept;
  void wake_receivers(std::uint64_t messages) noexcept MQXX_REQUIRES(senders_lock_);
  void wake_senders(std::uint64_t slots) noexcept MQXX_REQUIRES(receivers_lock_);
  void wake_everybody() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);

  // users.cpp
  Result<void> enlist() noexcept MQXX_REQUIRES(senders_lock_);
  void leave_users() noexcept;
  Result<std::uint32_t> free_user_entry() noexcept MQXX_REQUIRES(senders_lock_);
  Result<void> be_user() noexcept;
  Result<void> become_user() noexcept;
  /// In the child of a fork, before it has enlisted: `user_`, and all loans, are the parent's.
  [[nodiscard]] bool inherited() const noexcept;
  [[nodiscard]] bool user_is_dead(std::uint32_t number) const noexcept;
  /// Whether every living user is of this PID namespace, so that a TID that does not exist here is nobody's.
  [[nodiscard]] bool all_users_are_here() const noexcept;
  /// Whether there has been a user of another PID namespace, of whom this is a hint: without one TIDs are unique.
  [[nodiscard]] bool some_were_elsewhere() const noexcept;
  [[nodiscard]] bool may_be_of_a_user(std::uint32_t thread) const noexcept;
  bool rescue_loans() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  void put_back(std::uint32_t slot) noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);

  // recovery.cpp
  void recover() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  void forget_derived() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  std::size_t drop_impossible() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);
  void tell_everybody() noexcept MQXX_REQUIRES(senders_lock_, receivers_lock_);

  Segment segment_;
  SenderSide& out_;   // "out": towards the queue
  ReceiverSide& in_;  // "in": from the queue
  Index index_;
  std::uint32_t circulating_;
  [[no_unique_address]] Capability senders_lock_;
  [[no_unique_address]] Capability receivers_lock_;
  std::atomic<std::uint32_t> user_{kNoUser};
  std::atomic<std::uint32_t> generation_{0};  // of forks, when user_ was enlisted
  bool spinning_;
  std::atomic<int> bell_{-1};
  // While both locks are held from the start: what was before, and how many receivers were woken since.
  bool both_ MQXX_GUARDED_BY(senders_lock_) = false;
  bool bell_known_ MQXX_GUARDED_BY(senders_lock_) = false;
  bool was_empty_ MQXX_GUARDED_BY(senders_lock_) = false;
  std::uint64_t sent_before_ MQXX_GUARDED_BY(senders_lock_) = 0;
  std::uint64_t woken_ MQXX_GUARDED_BY(senders_lock_) = 0;
  Owed owed_ MQXX_GUARDED_BY(senders_lock_);  // to this process itself, once the locks are given back
  // The last registration through this handle: what the queue's bytes say of it is not believed.
  std::uint32_t registered_ MQXX_GUARDED_BY(senders_lock_) = 0;
  Owed registered_for_ MQXX_GUARDED_BY(senders_lock_);
  // What this handle has learnt about waiting on a side (waiters.cpp). Relaxed: advice.
  struct Polling {
    std::atomic<std::int32_t> trust{3};      // failures left; below 0, waits to go until the next try
    std::atomic<std::int32_t> distrust{16};  // waits to go after the next failure
    std::atomic<std::int32_t> gather{0};
    std::atomic<std::int32_t> no_gather{0};
    std::atomic<std::uint64_t> count{0};
  };
  Polling polling_[2];
};

}  // namespace mqxx::shm
