// Loans: a slot of the queue that a process writes or reads in place, without a copy.
//
// A queue of the kernel, POSIX or System V, has no slots to lend: there a loan is a copy in memory of the process. It
// takes no room, so send() may wait for it, or fail with would_block on a nonblocking description and leave the loan as
// it was. A message on a receive loan has left the queue: it is lost if the process dies. put_back() sends it anew,
// behind others of its priority, and waits for room; it is lost where the process has no right to send to the queue.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <mqxx/types.hpp>

namespace mqxx {

namespace backend {
class Backend;
}

/// A free slot, reserved for its holder, who writes the message into it and sends it. It counts against the
/// capacity at once and is seen by nobody until send(). The destructor gives an unsent slot back; if the
/// process dies instead, whoever next needs the room takes it back. Movable between threads, not copyable.
class SendLoan {
 public:
  SendLoan() = default;  ///< empty
  SendLoan(std::shared_ptr<backend::Backend> home, std::span<std::byte> bytes, std::uint64_t slot) noexcept
      : home_(std::move(home)), bytes_(bytes), slot_(slot) {}
  SendLoan(SendLoan&& other) noexcept;
  SendLoan& operator=(SendLoan&& other) noexcept;
  SendLoan(const SendLoan&) = delete;
  SendLoan& operator=(const SendLoan&) = delete;
  ~SendLoan();

  /// Where to write: as many bytes as were asked for, 32-byte aligned, contents unspecified.
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  /// Whether there is a slot: not after send() or drop(), nor when the wait for one ended.
  explicit operator bool() const { return home_ != nullptr; }

  /// Queues the message; the loan is empty afterwards. Never waits for room: the slot is the room.
  /// @param size  of the message, at most bytes().size(); the form without it sends all of them
  /// @throws Error  message_too_big, invalid_priority: the loan stays as it was; queue_damaged; closed (empty loan)
  void send(Priority priority = 0) { send(bytes_.size(), priority); }
  void send(std::size_t size, Priority priority);

  /// Gives the slot back unsent.
  void drop() noexcept;

 private:
  std::shared_ptr<backend::Backend> home_;
  std::span<std::byte> bytes_;
  std::uint64_t slot_ = 0;
};

/// A message taken from the queue and read where it lies. Its slot becomes free at release() or in the
/// destructor. If the process dies before, the message returns to its place in the queue: a receiver that
/// releases only after its work is done loses nothing. Movable between threads, not copyable.
class ReceiveLoan {
 public:
  ReceiveLoan() = default;  ///< empty
  ReceiveLoan(std::shared_ptr<backend::Backend> home, std::span<const std::byte> bytes, Priority priority,
              std::uint64_t slot) noexcept
      : home_(std::move(home)), bytes_(bytes), slot_(slot), priority_(priority) {}
  ReceiveLoan(ReceiveLoan&& other) noexcept;
  ReceiveLoan& operator=(ReceiveLoan&& other) noexcept;
  ReceiveLoan(const ReceiveLoan&) = delete;
  ReceiveLoan& operator=(const ReceiveLoan&) = delete;
  ~ReceiveLoan();

  /// The message where it lies, until release(), put_back() or the destructor.
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] Priority priority() const { return priority_; }
  /// Whether there is a message: not after release() or put_back(), nor when the wait for one ended.
  explicit operator bool() const { return home_ != nullptr; }

  /// Whether what was read so far is what was sent. false when the queue's file was cut short by force: bytes that it
  /// lost read as zeros. Who acts on a message in place asks before it acts.
  [[nodiscard]] bool intact() const noexcept;

  /// Done: the message is gone and its slot is free.
  void release() noexcept;
  /// Not done: the message goes back to its place, before all younger ones of its priority.
  void put_back() noexcept;

 private:
  std::shared_ptr<backend::Backend> home_;
  std::span<const std::byte> bytes_;
  std::uint64_t slot_ = 0;
  Priority priority_ = 0;
};

}  // namespace mqxx
