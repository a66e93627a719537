#include "backend/shm.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "backend/moving.hpp"
#include "backend/on_demand.hpp"
#include "backend/shm_notice.hpp"
#include "backend/shm_watch.hpp"
#include "os/process.hpp"
#include "shm/queue.hpp"

namespace mqxx::backend {
namespace {

constexpr bool may_read(Access access) noexcept { return access != Access::write_only; }
constexpr bool may_write(Access access) noexcept { return access != Access::read_only; }

class ShmBackend final : public Backend {
 public:
  ShmBackend(std::unique_ptr<shm::Queue> queue, std::string name, const OpenOptions& options) noexcept
      : queue_(std::move(queue)), name_(std::move(name)), access_(options.access), nonblocking_(options.nonblocking) {}

  Result<void> send(std::span<const std::byte> bytes, Priority priority, const Wait& wait) noexcept override {
    if (!may_write(access_)) [[unlikely]]
      return refuse_to_send(priority);
    return queue_->send(bytes, priority, patient(wait));
  }

  Result<void> receive(std::span<std::byte> buffer, const Wait& wait, Received& received) noexcept override {
    if (!may_read(access_)) [[unlikely]]
      return Errc::not_readable;
    return queue_->receive(buffer, patient(wait), received);
  }

  Result<Message> receive_message(const Wait& wait) noexcept override;

  Result<std::size_t> send_batch(std::span<const Outgoing> messages, const Wait& wait) noexcept override {
    if (!may_write(access_)) return Errc::not_writable;
    return queue_->send_batch(messages, patient(wait));
  }
  Result<std::size_t> receive_batch(std::span<Incoming> room, const Wait& wait) noexcept override {
    if (!may_read(access_)) return Errc::not_readable;
    return queue_->receive_batch(room, patient(wait));
  }

  Result<Loan> loan(std::size_t size, const Wait& wait) noexcept override {
    if (!may_write(access_)) return Errc::not_writable;
    return to_loan(queue_->loan(size, patient(wait)));
  }
  Result<void> send_loan(std::uint64_t slot, std::size_t size, Priority priority) noexcept override {
    return queue_->send_loan(static_cast<std::uint32_t>(slot), size, priority);
  }
  // What can fail in giving a slot back: it is not ours any more (the child of a fork), or we are inside a lock (a
  // signal handler). In both cases whoever owns it goes on owning it, and at its death it comes back by itself.
  void drop_loan(std::uint64_t slot) noexcept override { (void)queue_->drop_loan(static_cast<std::uint32_t>(slot)); }
  Result<Loan> receive_loan(const Wait& wait) noexcept override {
    if (!may_read(access_)) return Errc::not_readable;
    return to_loan(queue_->receive_loan(patient(wait)));
  }
  void release_loan(std::uint64_t slot) noexcept override {
    (void)queue_->release_loan(static_cast<std::uint32_t>(slot));
  }
  void put_back_loan(std::uint64_t slot) noexcept override {
    (void)queue_->put_back_loan(static_cast<std::uint32_t>(slot));
  }

  Moved move_to(Backend& to, const Moving& how) noexcept override;

  Result<std::vector<Message>> peek(Cursor& cursor, const PeekOptions& options) noexcept override;

  Result<Attributes> attributes() noexcept override {
    const Attributes attributes{.capacity = queue_->geometry().capacity,
                                .message_size = queue_->geometry().message_size,
                                .depth = queue_->depth(),
                                .nonblocking = is_nonblocking()};
    if (!queue_->intact()) return Errc::queue_damaged;
    return attributes;
  }
  Result<Statistics> statistics() noexcept override {
    const Statistics statistics = queue_->statistics();
    if (!queue_->intact()) return Errc::queue_damaged;
    return statistics;
  }
  Result<void> set_nonblocking(bool nonblocking) noexcept override {
    nonblocking_.store(nonblocking, std::memory_order_relaxed);  // a lone flag: it orders nothing else
    return {};
  }
  [[nodiscard]] bool is_nonblocking() const noexcept override { return nonblocking_.load(std::memory_order_relaxed); }
  Result<void> unlink() noexcept override;
  Result<int> pollable() noexcept override {
    return descriptor_on_demand(watch_, [this] { return ShmWatch::make(*queue_); });
  }
  Result<void> begin_edges() noexcept override { return queue_->begin_poll(shm::Edges::yes); }
  void end_edges() noexcept override { queue_->end_poll(shm::Edges::yes); }
  [[nodiscard]] std::uint64_t changes() noexcept override {
    const Statistics statistics = queue_->statistics();
    return statistics.messages_sent + statistics.messages_received;
  }
  Result<void> register_notice(Notice&& notice) noexcept override;
  Result<void> cancel_notice() noexcept override;

  [[nodiscard]] bool intact() const noexcept override { return queue_->intact(); }
  [[nodiscard]] Identity identity() const noexcept override { return file_identity(queue_->segment().fd()); }
  [[nodiscard]] Access access() const noexcept override { return access_; }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] std::size_t message_size() const noexcept override { return queue_->geometry().message_size; }

 private:
  static Result<void> refuse_to_send(Priority priority) noexcept {
    return priority > kMaxPriority ? Errc::invalid_priority : Errc::not_writable;
  }
  static Result<Loan> to_loan(const Result<shm::Loan>& loan) noexcept {
    if (!loan) return loan.failure();
    return Loan{loan->slot, loan->bytes, loan->priority};
  }

  [[nodiscard]] const Wait& patient(const Wait& wait) const noexcept {
    static constexpr Wait kNone = Wait::none();
    return is_nonblocking() ? kNone : wait;
  }

  std::unique_ptr<shm::Queue> queue_;
  std::string name_;
  Access access_;
  std::atomic<bool> nonblocking_;
  OnDemand<ShmWatch> watch_;  // these are destroyed before the queue
  OnDemand<ShmNotice> notice_;
};

Result<Message> ShmBackend::receive_message(const Wait& wait) noexcept {
  if (!may_read(access_)) return Errc::not_readable;
  // On loan until its size is known and its bytes are copied: no buffer of message_size is needed, and when there is no
  // memory for the copy the message goes back.
  const Result<shm::Loan> loan = queue_->receive_loan(patient(wait));
  if (!loan) return loan.failure();
  try {
    Message message(loan->bytes, loan->priority);
    const Result<void> released = queue_->release_loan(loan->slot);
    if (!released) return released.failure();
    return message;
  } catch (const std::bad_alloc&) {
    (void)queue_->put_back_loan(loan->slot);
    return Errc::no_memory;
  }
}

// On loan until the destination has them: if this process dies they come back, and those that were sent are there
// twice.
// The queue believes none of the numbers of a cursor: who has it may have written anything there.
shm::PeekCursor position_of(const Cursor& cursor) noexcept {
  if (!cursor.begun) return {};
  const auto priority = static_cast<Priority>(std::min<std::uint64_t>(cursor.list, kMaxPriority));
  return {.begun = true, .slot = cursor.hint, .priority = priority, .sequence = cursor.message};
}
Cursor cursor_at(const shm::PeekCursor& at) noexcept {
  if (!at.begun) return {};
  return {.begun = true, .hint = at.slot, .list = at.priority, .message = at.sequence};
}

Moved ShmBackend::move_to(Backend& to, const Moving& how) noexcept {
  constexpr std::size_t kMost = 64;
  std::array<shm::Loan, kMost> loans;
  std::array<Outgoing, kMost> messages;
  const Wait none = Wait::none();
  const std::size_t most = std::min(how.most, kMost);
  std::size_t count = 0;
  if (!may_read(access_)) return not_moved(Moved::Ended::at_source, Errc::not_readable);
  if (queue_->has_loans()) queue_->look();  // what a mover that died had in its hand goes before younger ones
  while (count < most) {
    const Result<shm::Loan> loan = queue_->receive_loan(count == 0 ? patient(how.more) : none);
    if (!loan && count == 0) return not_moved(Moved::Ended::at_source, loan.failure());
    if (!loan) break;
    loans[count] = *loan;
    messages[count++] = {.payload = loan->bytes, .priority = loan->priority};
  }
  // Only what is whole goes on.
  Moved moved = queue_->intact() ? send_in_order(to, std::span(messages).first(count), how.room)
                                 : not_moved(Moved::Ended::at_source, Errc::queue_damaged);
  for (std::size_t i = 0; i < moved.messages; ++i) (void)queue_->release_loan(loans[i].slot);
  for (std::size_t i = moved.messages; i < count; ++i) (void)queue_->put_back_loan(loans[i].slot);
  return moved;
}

Result<std::vector<Message>> ShmBackend::peek(Cursor& cursor, const PeekOptions& options) noexcept {
  if (!is_range(options)) return Errc::invalid_priority;
  if (!may_read(access_)) return Errc::not_readable;
  return or_no_memory([&]() -> Result<std::vector<Message>> {
    std::vector<Message> messages;
    std::vector<std::byte> buffer(256);
    const shm::PeekRange range{.lowest = options.lowest, .highest = options.highest};
    shm::PeekCursor at = position_of(cursor);
    // A queue holds no more, however fast somebody puts new ones behind the cursor.
    const std::size_t most = std::min<std::size_t>(options.most, queue_->geometry().capacity);
    for (std::size_t bytes = 0; messages.size() < most && (bytes < options.bytes || messages.empty());) {
      const Result<shm::Peeked> peeked = queue_->peek(at, range, buffer);
      if (!peeked) return peeked.failure();
      if (peeked->unfinished) continue;
      if (!peeked->found) break;
      if (peeked->size > buffer.size()) {
        buffer.resize(peeked->size);
        continue;
      }
      messages.emplace_back(std::span<const std::byte>(buffer).first(peeked->size), peeked->priority);
      bytes += peeked->size;
    }
    cursor = cursor_at(at);
    return messages;
  });
}

// As long as the name still means that queue.
Result<void> remove_name(const std::string& name, std::uint64_t inode) {
  const Result<os::FileFacts> named = os::facts(shm::file_of(name));
  if (!named) return named.failure();
  if (named->inode != inode) return Errc::not_found;
  return shm::remove(name);
}

Result<void> ShmBackend::unlink() noexcept {
  return or_no_memory([this] { return remove_name(name_, queue_->segment().place().inode); });
}

Result<void> ShmBackend::register_notice(Notice&& notice) noexcept {
  const Result<ShmNotice*> ours = notice_.get_or_make([this] { return ShmNotice::make(*queue_); });
  if (!ours) return ours.failure();
  return (*ours)->begin(std::move(notice));
}

Result<void> ShmBackend::cancel_notice() noexcept {
  if (ShmNotice* const ours = notice_.get()) ours->cancel();
  return {};
}

// The mode that the creator asked for: the file itself is wider (src/shm/segment.cpp says why).
Result<void> check_access(const shm::Segment& segment, Access access) noexcept {
  const std::uint32_t mode = segment.header().identity.mode.get();
  if (!segment.intact()) return Errc::queue_damaged;
  const auto [uid, gid] = segment.owner();
  if (!os::may_access(uid, gid, mode, may_read(access), may_write(access))) return Errc::permission_denied;
  return {};
}

Result<shm::Segment> obtain(const std::string& name, Creation creation, const OpenOptions& options,
                            shm::NewNames& names) {
  const shm::NewQueue wanted{name, options.capacity, options.message_size, options.mode};
  if (creation == Creation::create) return shm::publish(wanted, &names);
  // Bounded, in case somebody creates and removes the queue all the time.
  constexpr int kTries = 100;
  for (int tries = 0;; ++tries) {
    Result<shm::Segment> segment = shm::attach(name);
    if (segment) {
      const Result<void> allowed = check_access(*segment, options.access);
      if (!allowed) return allowed.failure();
      return segment;
    }
    if (creation == Creation::open || !segment.is(Errc::not_found)) return segment;
    segment = shm::publish(wanted, &names);
    if (tries == kTries || !segment.is(Errc::already_exists)) return segment;
  }
}

}  // namespace

Result<std::shared_ptr<Backend>> open_shm(const std::string& name, Creation creation,
                                          const OpenOptions& options) noexcept {
  return or_no_memory([&]() -> Result<std::shared_ptr<Backend>> {
    shm::NewNames names;  // a call that fails leaves no queue behind
    Result<shm::Segment> segment = obtain(name, creation, options, names);
    if (!segment) return segment.failure();
    Result<std::unique_ptr<shm::Queue>> queue = shm::Queue::join(std::move(*segment));
    if (!queue) return queue.failure();
    std::shared_ptr<Backend> opened = std::make_shared<ShmBackend>(std::move(*queue), name, options);
    names.keep();
    return opened;
  });
}

Result<void> unlink_shm(const std::string& name) noexcept { return shm::remove(name); }

}  // namespace mqxx::backend
