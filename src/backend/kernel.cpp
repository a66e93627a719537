#include "backend/kernel.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "backend/kernel_limits.hpp"
#include "backend/kernel_notice.hpp"
#include "backend/loan_copy.hpp"
#include "backend/moving.hpp"
#include "backend/on_demand.hpp"
#include "backend/one_by_one.hpp"
#include "os/kernel_queue.hpp"

namespace mqxx::backend {
namespace {

class KernelBackend final : public Backend {
 public:
  /// Owns the descriptor from here on, and not before.
  KernelBackend(int queue, std::string name, const Attributes& attributes) noexcept
      : queue_(queue),
        name_(std::move(name)),
        message_size_(attributes.message_size),
        access_(os::access_of(queue_.get())) {}

  // Checks, their order and the waiting are the kernel's.
  Result<void> send(std::span<const std::byte> bytes, Priority priority, const Wait& wait) noexcept override {
    return os::send_message(queue_.get(), bytes, priority, wait);
  }
  Result<void> receive(std::span<std::byte> buffer, const Wait& wait, Received& received) noexcept override {
    return os::receive_message(queue_.get(), buffer, wait, received);
  }

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

  Result<std::vector<Message>> peek(Cursor& /*cursor*/, const PeekOptions& /*options*/) noexcept override {
    return Errc::unsupported;
  }
  Result<Attributes> attributes() noexcept override { return os::kernel_attributes(queue_.get()); }
  Result<Statistics> statistics() noexcept override { return Errc::unsupported; }
  Result<void> set_nonblocking(bool nonblocking) noexcept override {
    return os::set_nonblocking(queue_.get(), nonblocking);
  }
  [[nodiscard]] bool is_nonblocking() const noexcept override {
    const Result<Attributes> found = os::kernel_attributes(queue_.get());
    return found && found->nonblocking;
  }
  Result<void> unlink() noexcept override;

  Result<void> register_notice(Notice&& notice) noexcept override;
  Result<void> cancel_notice() noexcept override;

  Result<int> descriptor() noexcept override { return queue_.get(); }
  Result<int> release() noexcept override { return queue_.release(); }

  [[nodiscard]] Identity identity() const noexcept override { return file_identity(queue_.get()); }
  [[nodiscard]] Access access() const noexcept override { return access_; }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] std::size_t message_size() const noexcept override { return message_size_; }

 private:
  [[nodiscard]] Result<void> send_back(std::span<const std::byte> bytes, Priority priority) const noexcept;
  Moved move_one(Backend& to, const Wait& more, const Wait& room) noexcept;

  UniqueFd queue_;
  std::string name_;
  std::size_t message_size_;
  Access access_;
  OnDemand<KernelNotice> notice_;  // destroyed before the queue
};

Result<void> KernelBackend::register_notice(Notice&& notice) noexcept {
  const Result<KernelNotice*> ours = notice_.get_or_make([this] { return KernelNotice::make(queue_.get()); });
  if (!ours) return ours.failure();
  return (*ours)->begin(std::move(notice));
}

// Also what was registered past this library, through the descriptor.
Result<void> KernelBackend::cancel_notice() noexcept {
  if (KernelNotice* const ours = notice_.get()) {
    ours->cancel();
    return {};
  }
  return os::cancel_notify(queue_.get());
}

// The size of a message is known when it has left the queue, so there has to be memory for the largest one before. What
// is large is then copied into as much as it needs; if that fails the message keeps the large memory, and is not lost.
Result<Message> KernelBackend::receive_message(const Wait& wait) noexcept {
  constexpr std::size_t kSmall = 1024;
  std::unique_ptr<std::byte[]> room(new (std::nothrow) std::byte[message_size_]);
  if (room == nullptr) return Errc::no_memory;
  Received received;
  const Result<void> done = os::receive_message(queue_.get(), {room.get(), message_size_}, wait, received);
  if (!done) return done.failure();
  if (message_size_ > kSmall && received.size < message_size_) {
    try {
      return Message(std::span<const std::byte>(room.get(), received.size), received.priority);
    } catch (const std::bad_alloc&) {
      // Falls through to the large one.
    }
  }
  return Message(std::move(room), received.size, received.priority);
}

Result<std::size_t> KernelBackend::send_batch(std::span<const Outgoing> messages, const Wait& wait) noexcept {
  if (access_ == Access::read_only) return Errc::not_writable;
  for (const Outgoing& message : messages) {
    if (message.priority > kMaxPriority) return Errc::invalid_priority;
    if (message.payload.size() > message_size_) return Errc::message_too_big;
  }
  return send_one_by_one(messages, [&](const Outgoing& message) {
    return os::send_message(queue_.get(), message.payload.bytes(), message.priority, wait);
  });
}

Result<std::size_t> KernelBackend::receive_batch(std::span<Incoming> room, const Wait& wait) noexcept {
  if (access_ == Access::write_only) return Errc::not_readable;
  for (const Incoming& place : room) {
    if (place.buffer.size() < message_size_) return Errc::buffer_too_small;
  }
  return receive_one_by_one(room, wait, [&](std::span<std::byte> buffer, const Wait& patience, Received& received) {
    return os::receive_message(queue_.get(), buffer, patience, received);
  });
}

// There are no slots to reserve: it waits until there is room, and send_loan waits again if that has gone.
Result<Loan> KernelBackend::loan(std::size_t size, const Wait& wait) noexcept {
  if (access_ == Access::read_only) return Errc::not_writable;
  if (size > message_size_) return Errc::message_too_big;
  const Result<void> ready = os::await(queue_.get(), os::Awaited::room, wait);
  if (!ready) return ready.failure();
  LoanCopy* const copy = LoanCopy::make(size);
  if (copy == nullptr) return Errc::no_memory;
  copy->received.size = size;
  return Loan{copy->slot(), copy->bytes(), 0};
}

Result<void> KernelBackend::send_loan(std::uint64_t slot, std::size_t size, Priority priority) noexcept {
  LoanCopy* const copy = LoanCopy::at(slot);
  const Result<void> sent = os::send_message(queue_.get(), copy->bytes().first(size), priority, Wait::forever());
  if (sent) LoanCopy::destroy(copy);
  return sent;
}

Result<Loan> KernelBackend::receive_loan(const Wait& wait) noexcept {
  LoanCopy* const copy = LoanCopy::make(message_size_);
  if (copy == nullptr) return Errc::no_memory;
  const Result<void> done = os::receive_message(queue_.get(), {copy->data(), message_size_}, wait, copy->received);
  if (!done) {
    LoanCopy::destroy(copy);
    return done.failure();
  }
  return Loan{copy->slot(), copy->bytes(), copy->received.priority};
}

// A description that may not send, or does not wait, is no hindrance: another one is opened for this message.
Result<void> KernelBackend::send_back(std::span<const std::byte> bytes, Priority priority) const noexcept {
  const Result<void> sent = os::send_message(queue_.get(), bytes, priority, Wait::forever());
  if (sent) return sent;
  const Result<UniqueFd> writer = os::reopen(queue_.get(), Access::write_only);
  if (!writer) return writer.failure();
  return os::send_message(writer->get(), bytes, priority, Wait::forever());
}

// Whoever has no right to send to the queue cannot put back, and then the message is gone; include/mqxx/loan.hpp says
// so.
void KernelBackend::put_back_loan(std::uint64_t slot) noexcept {
  LoanCopy* const copy = LoanCopy::at(slot);
  (void)send_back(copy->bytes(), copy->received.priority);
  LoanCopy::destroy(copy);
}

// A message is taken for good and not shown before. So there is room for it first, and between the kernel's taking it
// and the destination's having it is nothing but a few instructions: a death just there costs that one message.
Moved KernelBackend::move_one(Backend& to, const Wait& more, const Wait& room) noexcept {
  for (;;) {
    const Result<void> there = os::await(queue_.get(), os::Awaited::message, more);
    if (!there) return not_moved(Moved::Ended::at_source, there.failure());
    const Result<Loan> loan = to.loan(message_size_, room);
    if (!loan) return {.ended = Moved::Ended::at_destination, .failure = loan.failure(), .size = message_size_};
    Received received;
    const Result<void> taken = os::receive_message(queue_.get(), loan->bytes, Wait::none(), received);
    if (!taken) {
      to.drop_loan(loan->slot);
      if (taken.is(Errc::would_block)) continue;  // another receiver was quicker
      return not_moved(Moved::Ended::at_source, taken.failure());
    }
    const Result<void> sent = to.send_loan(loan->slot, received.size, received.priority);
    if (sent) return {.messages = 1};
    const Result<void> back = send_back(loan->bytes.first(received.size), received.priority);
    to.drop_loan(loan->slot);
    if (!back) return not_moved(Moved::Ended::at_source, back.failure());
    return {.ended = Moved::Ended::at_destination, .failure = sent.failure(), .size = received.size};
  }
}

Moved KernelBackend::move_to(Backend& to, const Moving& how) noexcept {
  if (access_ == Access::write_only) return not_moved(Moved::Ended::at_source, Errc::not_readable);
  Moved moved = move_one(to, how.more, how.room);
  while (moved.ended == Moved::Ended::well && moved.messages < how.most) {
    const Moved next = move_one(to, Wait::none(), how.room);
    if (next.ended == Moved::Ended::at_source && next.failure.code == Errc::would_block) break;
    moved = {
        .messages = moved.messages + next.messages, .ended = next.ended, .failure = next.failure, .size = next.size};
  }
  return moved;
}

// Queues are never renamed, so a queue that has a name has its first one. It need not be of this process's IPC
// namespace, where the name may mean another queue: who may open that one is told.
Result<void> KernelBackend::unlink() noexcept {
  const Result<os::FileFacts> ours = os::facts(queue_.get());
  if (!ours) return ours.failure();
  if (ours->links == 0 || name_.size() <= kKernelPrefix.size() + 1) return Errc::not_found;
  const char* const name = name_.c_str() + kKernelPrefix.size() + 1;
  const Result<UniqueFd> named =
      os::open_kernel_queue({.name = name, .options = {.access = Access::read_only}, .create = false});
  if (named) {
    const Result<os::FileFacts> theirs = os::facts(named->get());
    if (!theirs) return theirs.failure();
    if (theirs->device != ours->device || theirs->inode != ours->inode) return Errc::not_found;
  } else if (named.is(Errc::not_found)) {
    return Errc::not_found;
  }
  return os::unlink_kernel_queue(name);
}

/// Owns the descriptor if it succeeds.
Result<std::shared_ptr<Backend>> take(int queue, std::string name) noexcept {
  const Result<Attributes> attributes = os::kernel_attributes(queue);
  if (!attributes) return attributes.failure();
  try {
    return std::shared_ptr<Backend>(std::make_shared<KernelBackend>(queue, std::move(name), *attributes));
  } catch (const std::bad_alloc&) {
    return Errc::no_memory;
  }
}

}  // namespace

Result<std::shared_ptr<Backend>> open_kernel(const std::string& name, Creation creation,
                                             const OpenOptions& options) noexcept {
  const os::KernelOpening wanted{.name = name.c_str() + 1,
                                 .options = options,
                                 .create = creation != Creation::open,
                                 .exclusive = creation == Creation::create};
  Result<UniqueFd> queue = os::open_kernel_queue(wanted);
  if (!queue) return creation == Creation::open ? queue.failure() : find_limit(queue.failure(), options);
  Result<std::shared_ptr<Backend>> taken = take(queue->get(), text_of(Address{Home::kernel, name}));
  if (taken) (void)queue->release();
  return taken;
}

Result<std::shared_ptr<Backend>> adopt_kernel(int descriptor) noexcept {
  return take(descriptor, text_of(Address{Home::kernel, '/' + os::kernel_queue_name(descriptor)}));
}

Result<void> unlink_kernel(const std::string& name) noexcept { return os::unlink_kernel_queue(name.c_str() + 1); }

}  // namespace mqxx::backend
