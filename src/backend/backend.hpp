// Backend: one home of queues, as the contract that every home keeps and tests/contract proves.
//
//  - Thread-safe, all of it. Nothing throws; what fails has changed nothing, unless the call says otherwise.
//  - `wait` is obeyed by every call that has one: would_block at once for Until::now, timed_out, stopped, interrupted.
//  - A nonblocking description does not wait, whatever `wait` says.
//  - Sizes, priorities and access are checked here, in Linux's order: priority, access, size, and waiting last.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <mqxx/cursor.hpp>
#include <mqxx/message.hpp>
#include <mqxx/types.hpp>
#include <mqxx/wait.hpp>

#include "base/address.hpp"
#include "base/result.hpp"

namespace mqxx::backend {

/// A slot on loan; `slot` means something to the backend that gave it.
struct Loan {
  std::uint64_t slot = 0;
  std::span<std::byte> bytes;
  Priority priority = 0;
};

/// How many messages to move, and how long to wait for them and for room.
struct Moving {
  std::size_t most = 1;
  Wait more = Wait::none();
  Wait room = Wait::forever();
};

/// What became of that: a failure, if one ended it, and of which queue it was.
struct Moved {
  enum class Ended : std::uint8_t { well, at_source, at_destination };
  std::size_t messages = 0;
  Ended ended = Ended::well;
  Failure failure{};
  std::size_t size = 0;  ///< of the message that was too big
};

/// Whether they are a range of priorities.
constexpr bool is_range(const PeekOptions& options) noexcept {
  return options.lowest <= options.highest && options.highest <= kMaxPriority;
}

/// Equal for two descriptions of one queue, different for different ones, names being what they are.
struct Identity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// How a registered process is told: by a signal; in a thread of its own, by a call; or not at all, where it only takes
/// the place.
struct Notice {
  enum class Kind : std::uint8_t { signal, call, nothing };
  Kind kind = Kind::nothing;
  int signal = 0;
  std::uint64_t value = 0;
  std::function<void()> call{};
};

class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  virtual Result<void> send(std::span<const std::byte> bytes, Priority priority, const Wait& wait) noexcept = 0;
  /// `received` is written only on success. (Not a Result<Received>: one that travels through memory in parts costs
  /// nanoseconds.)
  virtual Result<void> receive(std::span<std::byte> buffer, const Wait& wait, Received& received) noexcept = 0;
  /// A message that owns its bytes, and no more of them than it has.
  virtual Result<Message> receive_message(const Wait& wait) noexcept = 0;
  virtual Result<std::size_t> send_batch(std::span<const Outgoing> messages, const Wait& wait) noexcept = 0;
  virtual Result<std::size_t> receive_batch(std::span<Incoming> room, const Wait& wait) noexcept = 0;

  virtual Result<Loan> loan(std::size_t size, const Wait& wait) noexcept = 0;
  virtual Result<void> send_loan(std::uint64_t slot, std::size_t size, Priority priority) noexcept = 0;
  virtual void drop_loan(std::uint64_t slot) noexcept = 0;
  virtual Result<Loan> receive_loan(const Wait& wait) noexcept = 0;
  virtual void release_loan(std::uint64_t slot) noexcept = 0;
  virtual void put_back_loan(std::uint64_t slot) noexcept = 0;

  /// Moves the next messages to another queue, 1 .. how.most of them, priorities kept and in order within each. What
  /// the destination did not take stays here. What a death costs in the middle: docs/transfer.md. REQUIRES: `to` is
  /// another queue.
  virtual Moved move_to(Backend& to, const Moving& how) noexcept = 0;

  /// Copies of what comes behind the cursor, which moves on only when that succeeds. Fails with invalid_priority where
  /// the options are no range of priorities.
  virtual Result<std::vector<Message>> peek(Cursor& cursor, const PeekOptions& options) noexcept = 0;
  virtual Result<Attributes> attributes() noexcept = 0;
  virtual Result<Statistics> statistics() noexcept = 0;
  virtual Result<void> set_nonblocking(bool nonblocking) noexcept = 0;
  [[nodiscard]] virtual bool is_nonblocking() const noexcept = 0;
  /// Removes the name if it still means this queue; not_found otherwise.
  virtual Result<void> unlink() noexcept = 0;

  /// Whether everything was there that was touched: what was read in place is what was sent.
  [[nodiscard]] virtual bool intact() const noexcept { return true; }
  /// The descriptor of the description itself, for homes whose queues are descriptors.
  virtual Result<int> descriptor() noexcept { return Errc::unsupported; }
  /// One to poll, which need not be the queue itself: readable while there is a message, writable while there is room.
  /// It is the backend's. Until it is asked for nothing is done for it; in the child of a fork(2) it is asked for
  /// again.
  virtual Result<int> pollable() noexcept { return descriptor(); }
  /// Between the two, as often as it was begun, every message that comes or goes while others are there is an edge of
  /// pollable(). Nothing to do where it always is.
  virtual Result<void> begin_edges() noexcept { return {}; }
  virtual void end_edges() noexcept {}
  /// A number that every message changes which comes or goes, for who has begun late; 0 where there is nothing to
  /// begin.
  [[nodiscard]] virtual std::uint64_t changes() noexcept { return 0; }

  /// Registers this process to be told once, when a message comes to the empty queue and nobody waits for it; see
  /// mq_notify(3). Fails with already_registered while somebody is, and with unsupported.
  virtual Result<void> register_notice(Notice&& /*notice*/) noexcept { return Errc::unsupported; }
  /// This process is not registered any more, if it was; a call that has not begun is not made.
  virtual Result<void> cancel_notice() noexcept { return Errc::unsupported; }

  /// Gives the descriptor away. REQUIRES: nobody else uses the backend; it is of no use afterwards.
  virtual Result<int> release() noexcept { return Errc::unsupported; }

  [[nodiscard]] virtual Identity identity() const noexcept = 0;
  [[nodiscard]] virtual Access access() const noexcept = 0;
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  /// Known without asking: for the sentences of errors. Changes nowhere but in System V queues, and is then what it was
  /// when last asked for.
  [[nodiscard]] virtual std::size_t message_size() const noexcept = 0;
};

enum class Creation : std::uint8_t { open, create, open_or_create };

/// Chooses the home by the address.
Result<std::shared_ptr<Backend>> open(const Address& address, Creation creation, const OpenOptions& options) noexcept;
Result<void> unlink(const Address& address) noexcept;
/// Takes the descriptor over, once it is sure that it will succeed.
Result<std::shared_ptr<Backend>> adopt(int descriptor) noexcept;

}  // namespace mqxx::backend
