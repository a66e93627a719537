// Joining and leaving a queue, and looking at it.
#include "shm/queue.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "os/process.hpp"
#include "os/wait.hpp"

namespace mqxx::shm {
namespace {

// MQXX_SPIN=0 makes waiters sleep at once: for measuring what polling is worth.
bool spinning_wanted() noexcept {
  const char* chosen = os::trusted_environment("MQXX_SPIN");
  return chosen == nullptr || std::strcmp(chosen, "0") != 0;
}

Statistics::Time time_from(std::int64_t ns) noexcept {
  return Statistics::Time(std::chrono::duration_cast<Statistics::Time::duration>(std::chrono::nanoseconds(ns)));
}

}  // namespace

Queue::Queue(Segment segment) noexcept
    : segment_(std::move(segment)),
      out_(segment_.sender()),
      in_(segment_.receiver()),
      index_(segment_),
      circulating_(geometry().sparse ? 0 : std::min(kCirculating, geometry().capacity)),
      spinning_(spinning_wanted()) {}

Result<std::unique_ptr<Queue>> Queue::join(Segment segment) noexcept {
  std::unique_ptr<Queue> queue(new (std::nothrow) Queue(std::move(segment)));
  if (queue == nullptr) return Errc::no_memory;
  if (!queue->lock_senders()) return queue->not_entered();
  const Result<void> enlisted = queue->enlist();
  queue->unlock_senders();
  if (!enlisted) return enlisted.failure();
  if (!queue->intact()) return Errc::queue_damaged;
  return queue;
}

// Not enlisted, it is what the child of a fork is: the entry of nobody here, which it leaves alone.
Result<std::unique_ptr<Queue>> Queue::observe(Segment segment) noexcept {
  std::unique_ptr<Queue> queue(new (std::nothrow) Queue(std::move(segment)));
  if (queue == nullptr) return Errc::no_memory;
  if (!queue->intact()) return Errc::queue_damaged;
  return queue;
}

Queue::~Queue() {
  // The child of a fork leaves its parent's entry alone.
  if (!inherited()) {
    leave_watch();
    leave_users();
  }
  const int bell = bell_.load(std::memory_order_relaxed);
  if (bell < 0) return;
  const bool abandoned = os::abandoned(bell);
  UniqueFd(bell).reset();
  if (abandoned) (void)remove_unused(segment_.place());
}

void Queue::leave_users() noexcept {
  if (!lock_senders()) return;
  User& user = segment_.user(user_.load(std::memory_order_relaxed));
  if (user.writing.get() + user.reading.get() == 0) user.pid.set(0);
  step(Step::user_left);
  unlock_senders();
}

std::size_t Queue::depth() const noexcept {
  // Without a lock: when nothing was received between two looks, the difference held at the moment between them.
  // Acquire: this look comes before the one at `sent`, also where loads overtake each other (arm64).
  std::uint64_t received = in_.received.atomic().load(std::memory_order_acquire);
  for (int tries = 0;; ++tries) {
    const std::uint64_t sent = out_.sent.atomic().load(std::memory_order_acquire);
    const std::uint64_t again = in_.received.atomic().load(std::memory_order_acquire);
    if (again == received || tries == 100) {
      // A receiver counts what it takes a moment after the sender counted it, never before; a damaged queue is bounded
      // all the same.
      return sent < received ? 0
                             : static_cast<std::size_t>(std::min<std::uint64_t>(sent - received, geometry().capacity));
    }
    received = again;
  }
}

Statistics Queue::statistics() const noexcept {
  const Identity& identity = segment_.header().identity;
  Statistics s;
  // Received before sent: without a lock the later of the two may be ahead, and nothing is received before it is sent.
  s.messages_received = in_.received.atomic().load(std::memory_order_acquire);
  s.bytes_received = in_.received_bytes.atomic().load(std::memory_order_acquire);
  s.messages_sent = out_.sent.get();
  s.bytes_sent = out_.sent_bytes.get();
  s.high_water = std::max<std::size_t>(in_.high_water.get(), depth());
  s.waiting_senders = in_.senders.waiting.get();
  s.waiting_receivers = out_.receivers.waiting.get();
  s.loans = out_.writing.get() + in_.reading.get();
  s.recoveries = out_.recoveries.get();
  s.created = time_from(identity.created_ns.get());
  s.last_send = time_from(out_.last_ns.get());
  s.last_receive = time_from(in_.last_ns.get());
  s.creator_pid = identity.creator_pid.get();
  s.last_sender_pid = out_.last_pid.get();
  s.last_receiver_pid = in_.last_pid.get();
  return s;
}

}  // namespace mqxx::shm
