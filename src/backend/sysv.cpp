#include "backend/sysv.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "backend/loan_copy.hpp"
#include "backend/moving.hpp"
#include "backend/on_demand.hpp"
#include "backend/one_by_one.hpp"
#include "backend/sysv_move.hpp"
#include "backend/sysv_order.hpp"
#include "backend/sysv_place.hpp"
#include "backend/sysv_waiting.hpp"
#include "backend/sysv_watch.hpp"
#include "base/address.hpp"
#include "base/sysv_key.hpp"

namespace mqxx::backend {
namespace {

constexpr os::SysvReceiving kNext{.type = kEveryType, .wait = false};

class SysvBackend final : public Backend {
 public:
  SysvBackend(int queue, std::string name, const Attributes& attributes, const OpenOptions& options) noexcept
      : queue_(queue),
        name_(std::move(name)),
        access_(options.access),
        nonblocking_(options.nonblocking),
        message_size_(attributes.message_size) {}

  Result<void> send(std::span<const std::byte> bytes, Priority priority, const Wait& wait) noexcept override;
  Result<void> receive(std::span<std::byte> buffer, const Wait& wait, Received& received) noexcept override;
  Result<Message> receive_message(const Wait& wait) noexcept override;
  Result<std::size_t> send_batch(std::span<const Outgoing> messages, const Wait& wait) noexcept override;
  Result<std::size_t> receive_batch(std::span<Incoming> room, const Wait& wait) noexcept override;

  Result<Loan> loan(std::size_t size, const Wait& wait) noexcept override;
  Result<void> send_loan(std::uint64_t slot, std::size_t size, Priority priority) noexcept override;
  void drop_loan(std::uint64_t slot) noexcept override { LoanCopy::destroy(LoanCopy::at(slot)); }
  Result<Loan> receive_loan(const Wait& wait) noexcept override;
  void release_loan(std::uint64_t slot) noexcept override { LoanCopy::destroy(LoanCopy::at(slot)); }
  void put_back_loan(std::uint64_t slot) noexcept override;

  Moved move_to(Backend& to, const Moving& how) noexcept override;

  Result<std::vector<Message>> peek(Cursor& cursor, const PeekOptions& options) noexcept override;
  Result<Attributes> attributes() noexcept override;
  Result<Statistics> statistics() noexcept override;
  Result<void> set_nonblocking(bool nonblocking) noexcept override {
    nonblocking_.store(nonblocking, std::memory_order_relaxed);
    return {};
  }
  [[nodiscard]] bool is_nonblocking() const noexcept override { return nonblocking_.load(std::memory_order_relaxed); }
  Result<void> unlink() noexcept override;
  Result<int> pollable() noexcept override {
    return descriptor_on_demand(watch_, [this] { return SysvWatch::make(queue_); });
  }

  [[nodiscard]] Identity identity() const noexcept override {
    return {.device = std::numeric_limits<std::uint64_t>::max(), .number = static_cast<std::uint64_t>(queue_)};
  }
  [[nodiscard]] Access access() const noexcept override { return access_; }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] std::size_t message_size() const noexcept override {
    return message_size_.load(std::memory_order_relaxed);
  }

 private:
  /// What this process did to the queue shows at once to those who poll.
  void changed() const noexcept {
    if (SysvWatch* const watch = watch_.get()) watch->look();
  }
  /// And who found nothing to do is told anew of what comes.
  void found_nothing() const noexcept {
    if (SysvWatch* const watch = watch_.get()) watch->look_anew();
  }
  [[nodiscard]] bool may_not_wait(const Wait& wait) const noexcept {
    return wait.until == Wait::Until::now || is_nonblocking();
  }
  Result<void> check_size(std::size_t size) noexcept;
  Result<void> check_outgoing(std::size_t size, Priority priority) noexcept;
  template <class Call>
  Result<void> sending(std::size_t size, const Wait& wait, Call call) noexcept;
  template <class Take>
  Result<void> receiving(const Wait& wait, os::SysvReceived& found, Take take) noexcept;
  Result<bool> await_message(const Wait& wait, os::SysvReceived& found) const noexcept;
  template <class Attempt>
  Result<void> with_room(Attempt attempt) noexcept;

  const int queue_;
  const std::string name_;
  const Access access_;
  std::atomic<bool> nonblocking_;
  std::atomic<std::size_t> message_size_;  // as it was when last asked for
  std::atomic<std::size_t> room_{1024};    // what was enough for the last message
  OnDemand<SysvWatch> watch_;
};

// ---- Waiting

// The system lets a message wait for ever that is larger than the queue will ever have room for.
Result<void> SysvBackend::check_size(std::size_t size) noexcept {
  if (size <= message_size()) return {};
  const Result<Attributes> now = attributes();
  if (now.is(Errc::queue_removed)) return now.failure();
  if (!now || size > now->message_size) return Failure{Errc::message_too_big, EMSGSIZE};
  return {};
}

Result<void> SysvBackend::check_outgoing(std::size_t size, Priority priority) noexcept {
  if (priority > kMaxPriority) return Errc::invalid_priority;
  if (access_ == Access::read_only) return Errc::not_writable;
  return check_size(size);
}

/// `call` takes whether it shall wait.
template <class Call>
Result<void> SysvBackend::sending(std::size_t size, const Wait& wait, Call call) noexcept {
  Result<void> done = call(false);
  if (done.is(Errc::would_block)) {
    const Result<Attributes> now = attributes();  // somebody may have made the queue smaller
    if (now && size > now->message_size) return Failure{Errc::message_too_big, EMSGSIZE};
    if (may_not_wait(wait)) return found_nothing(), done;
    done = sleep_in(wait, [&] { return call(true); });
  }
  done ? changed() : found_nothing();
  return done;
}

/// @return whether `found` was taken, since it has no bytes
Result<bool> SysvBackend::await_message(const Wait& wait, os::SysvReceived& found) const noexcept {
  bool taken = false;
  const Result<void> woken = sleep_in(wait, [&]() -> Result<void> {
    const Result<bool> there = os::await_sysv(queue_, kEveryType, found);
    if (!there) return there.failure();
    taken = *there;
    return {};
  });
  if (!woken) return woken.failure();
  return taken;
}

/// `take` does not wait. Who waits is not handed a message but told of it, and then takes it: to one that sleeps in a
/// receive the system gives the message at once, and it would be lost if that one were killed before it runs.
template <class Take>
Result<void> SysvBackend::receiving(const Wait& wait, os::SysvReceived& found, Take take) noexcept {
  if (access_ == Access::write_only) return Errc::not_readable;
  Result<void> done = take();
  while (done.is(Errc::would_block) && !may_not_wait(wait)) {
    const Result<bool> taken = await_message(wait, found);
    if (!taken) return found_nothing(), taken.failure();
    done = *taken ? Result<void>() : take();
  }
  done ? changed() : found_nothing();
  return done;
}

/// `attempt` takes how much room to receive into. What does not fit stays queued, and is tried again with more: no
/// message is larger than all that are queued.
template <class Attempt>
Result<void> SysvBackend::with_room(Attempt attempt) noexcept {
  std::size_t room = room_.load(std::memory_order_relaxed);
  for (;;) {
    const Result<void> done = attempt(room);
    if (!done.is(Errc::buffer_too_small)) return done;
    const Result<os::SysvFacts> facts = facts_of_sysv(queue_);
    if (!facts) return facts.failure();
    room = std::max({room * 2, message_size(), static_cast<std::size_t>(facts->queued_bytes)});
  }
}

// ---- Sending

Result<void> SysvBackend::send(std::span<const std::byte> bytes, Priority priority, const Wait& wait) noexcept {
  const Result<void> checked = check_outgoing(bytes.size(), priority);
  if (!checked) return checked;
  return sending(bytes.size(), wait,
                 [&](bool waits) { return os::send_sysv(queue_, bytes, type_of(priority), waits); });
}

Result<std::size_t> SysvBackend::send_batch(std::span<const Outgoing> messages, const Wait& wait) noexcept {
  if (access_ == Access::read_only) return Errc::not_writable;
  for (const Outgoing& message : messages) {
    const Result<void> checked = check_outgoing(message.payload.size(), message.priority);
    if (!checked) return checked.failure();
  }
  return send_one_by_one(
      messages, [&](const Outgoing& message) { return send(message.payload.bytes(), message.priority, wait); });
}

// ---- Receiving

Result<void> SysvBackend::receive(std::span<std::byte> buffer, const Wait& wait, Received& received) noexcept {
  os::SysvReceived found;
  const Result<void> done = receiving(wait, found, [&] { return os::receive_sysv(queue_, buffer, kNext, found); });
  if (done) received = {.size = found.size, .priority = priority_of(found.type)};
  return done;
}

// The memory is there before the message is taken, with room for the type in front. What is large is then copied into
// as much as it needs; if that fails the message keeps the large memory, and is not lost.
Result<Message> SysvBackend::receive_message(const Wait& wait) noexcept {
  constexpr std::size_t kSmall = 1024;
  std::unique_ptr<std::byte[]> memory;
  os::SysvReceived found;
  const Result<void> done = with_room([&](std::size_t room) -> Result<void> {
    memory.reset(new (std::nothrow) std::byte[os::kSysvTypeBytes + room]);
    if (memory == nullptr) return Errc::no_memory;
    const std::span<std::byte> place(memory.get() + os::kSysvTypeBytes, room);
    return receiving(wait, found, [&] { return os::receive_sysv_in_place(queue_, place, kNext, found); });
  });
  if (!done) return done.failure();
  room_.store(std::bit_ceil(std::max(found.size, kSmall)), std::memory_order_relaxed);
  const std::byte* const bytes = memory.get() + os::kSysvTypeBytes;
  if (found.size > kSmall) {
    try {
      return Message(std::span<const std::byte>(bytes, found.size), priority_of(found.type));
    } catch (const std::bad_alloc&) {
      // Falls through to the large one.
    }
  }
  std::memmove(memory.get(), bytes, found.size);
  return Message(std::move(memory), found.size, priority_of(found.type));
}

Result<std::size_t> SysvBackend::receive_batch(std::span<Incoming> room, const Wait& wait) noexcept {
  if (access_ == Access::write_only) return Errc::not_readable;
  return receive_one_by_one(room, wait, [&](std::span<std::byte> buffer, const Wait& patience, Received& received) {
    return receive(buffer, patience, received);
  });
}

// ---- Loans

// There are no slots to reserve, and nothing to wait for room with but a message: it looks until there is room, and
// send_loan waits again if that has gone. Who may not ask gets the loan at once.
Result<Loan> SysvBackend::loan(std::size_t size, const Wait& wait) noexcept {
  const Result<void> checked = check_outgoing(size, 0);
  if (!checked) return checked.failure();
  const auto has_room = [&]() -> Result<bool> {
    const Result<os::SysvFacts> facts = facts_of_sysv(queue_);
    if (facts.is(Errc::queue_removed)) return facts.failure();
    return !facts || (facts->messages < facts->most_bytes && facts->queued_bytes + size <= facts->most_bytes);
  };
  const Result<void> ready = look_until(is_nonblocking() ? Wait::none() : wait, has_room);
  if (!ready) return found_nothing(), ready.failure();
  LoanCopy* const copy = LoanCopy::make(size);
  if (copy == nullptr) return Errc::no_memory;
  copy->received.size = size;
  return Loan{copy->slot(), copy->bytes(), 0};
}

Result<void> SysvBackend::send_loan(std::uint64_t slot, std::size_t size, Priority priority) noexcept {
  const Result<void> checked = check_outgoing(size, priority);
  if (!checked) return checked;
  LoanCopy* const copy = LoanCopy::at(slot);
  const Result<void> sent = sending(size, Wait::forever(), [&](bool waits) {
    return os::send_sysv_in_place(queue_, copy->bytes().first(size), type_of(priority), waits);
  });
  if (sent) LoanCopy::destroy(copy);
  return sent;
}

Result<Loan> SysvBackend::receive_loan(const Wait& wait) noexcept {
  Loan loan;
  const Result<void> done = with_room([&](std::size_t room) -> Result<void> {
    LoanCopy* const copy = LoanCopy::make(room);
    if (copy == nullptr) return Errc::no_memory;
    os::SysvReceived found;
    const Result<void> taken = receiving(wait, found, [&] {
      return os::receive_sysv_in_place(queue_, {copy->data(), room}, kNext, found);
    });
    if (!taken) {
      LoanCopy::destroy(copy);
      return taken;
    }
    copy->received = {.size = found.size, .priority = priority_of(found.type)};
    copy->type = found.type;
    loan = {copy->slot(), copy->bytes(), copy->received.priority};
    return {};
  });
  if (!done) return done.failure();
  return loan;
}

// It keeps its type, also one of those that have no priority of their own. A description that does not wait, or is for
// receiving only, is no hindrance; the queue's mode may be, and then the message is gone; include/mqxx/loan.hpp says
// so.
void SysvBackend::put_back_loan(std::uint64_t slot) noexcept {
  LoanCopy* const copy = LoanCopy::at(slot);
  const Result<void> sent =
      sleep_in(Wait::forever(), [&] { return os::send_sysv_in_place(queue_, copy->bytes(), copy->type, true); });
  if (sent) changed();
  LoanCopy::destroy(copy);
}

// ---- Looking

Moved SysvBackend::move_to(Backend& to, const Moving& how) noexcept {
  if (access_ == Access::write_only) return not_moved(Moved::Ended::at_source, Errc::not_readable);
  const Moving patience{.most = how.most, .more = is_nonblocking() ? Wait::none() : how.more, .room = how.room};
  const Moved moved = move_from_sysv(queue_, to, patience);
  if (moved.messages != 0) changed();
  return moved;
}

Result<std::vector<Message>> SysvBackend::peek(Cursor& cursor, const PeekOptions& options) noexcept {
  if (!is_range(options)) return Errc::invalid_priority;
  if (access_ == Access::write_only) return Errc::not_readable;
  return peek_in_order(queue_, cursor, options);
}

Result<Attributes> SysvBackend::attributes() noexcept {
  const Result<os::SysvFacts> facts = facts_of_sysv(queue_);
  if (!facts) return facts.failure();
  const Result<os::SysvLimits> limits = os::sysv_limits();
  if (!limits) return limits.failure();
  Attributes found = attributes_of(*facts, *limits);
  message_size_.store(found.message_size, std::memory_order_relaxed);
  found.nonblocking = is_nonblocking();
  return found;
}

Result<Statistics> SysvBackend::statistics() noexcept {
  const Result<os::SysvFacts> facts = facts_of_sysv(queue_);
  if (!facts) return facts.failure();
  return statistics_of(*facts);
}

Result<void> SysvBackend::unlink() noexcept {
  const Result<void> done = os::remove_sysv_queue(queue_);
  if (done.is(Errc::queue_removed)) return Failure{Errc::not_found, ENOENT};
  return done;
}

}  // namespace

Result<std::shared_ptr<Backend>> open_sysv(const std::string& key, Creation creation,
                                           const OpenOptions& options) noexcept {
  const Result<int> queue = find_or_make_sysv(key, creation, options);
  if (!queue) return queue.failure();
  const Result<os::SysvFacts> facts = facts_of_sysv(*queue);
  const Result<os::SysvLimits> limits = os::sysv_limits();
  if (facts.is(Errc::queue_removed)) return Failure{Errc::not_found, ENOENT};
  if (!facts) return facts.failure();
  if (!limits) return limits.failure();
  return or_no_memory([&]() -> Result<std::shared_ptr<Backend>> {
    return std::shared_ptr<Backend>(
        std::make_shared<SysvBackend>(*queue, name_of_sysv(key, *queue), attributes_of(*facts, *limits), options));
  });
}

Result<void> unlink_sysv(const std::string& key) noexcept {
  const Result<int> queue = find_sysv(key, std::nullopt);
  if (!queue) return queue.failure();
  const Result<void> done = os::remove_sysv_queue(*queue);
  if (done.is(Errc::queue_removed)) return Failure{Errc::not_found, ENOENT};
  return done;
}

}  // namespace mqxx::backend
