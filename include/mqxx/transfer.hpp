// Transfer: moves messages from one queue to another, whatever their homes, priorities kept. docs/transfer.md is the
// guide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <system_error>

#include <mqxx/queue.hpp>
#include <mqxx/wait.hpp>

namespace mqxx {

/// `transfer(from, to, {.count = 100})`, `transfer(from, to, {.follow = true, .wait = Wait::forever(stop)})`
struct TransferOptions {
  std::size_t count = std::numeric_limits<std::size_t>::max();  ///< messages at most
  /// Messages on the way at a time, 1 .. 64: more are faster. From shared memory so many are delivered twice at most
  /// when this process is killed; from other homes one message goes at a time, whatever this says.
  std::size_t batch = 64;
  bool follow = false;          ///< when the source is empty, wait for more
  Wait wait = Wait::forever();  ///< ends the transfer while it waits: for room, and with `follow` for messages
};

/// How much was moved, and why no more.
struct Transferred {
  /// Why no more was moved.
  enum class Ended : std::uint8_t {
    count,      ///< as many as were asked for
    empty,      ///< the source is empty, and `follow` is off, or its description does not wait
    full,       ///< the destination is full, and the wait, or its description, does not wait
    timed_out,  ///< the deadline of the wait came first
    stopped,    ///< its token was triggered
    failed,     ///< only where a std::error_code tells why
  };
  std::size_t messages = 0;
  Ended ended = Ended::empty;
};

/// Takes messages out of `from` in the order of its priorities and sends each to `to` with the priority that it has.
/// Equal priorities keep their order, as long as one transfer at a time moves them. What `to` does not take stays in
/// `from`, in its place; from the kernel's queues see docs/transfer.md.
///
/// Killed at any moment, it loses nothing of a queue in shared memory or of System V, where some messages may then be
/// in both queues (see `batch`); of one of the kernel's it loses the one message, if any, that it had in its hand.
///
/// @throws Error  message_too_big: the message stays in `from`; or `from` is the kernel's and may have messages that
/// `to`
///                does not take; invalid_argument: batch is 0, or both are one queue; and what receive and send throw.
///                What was moved before stays moved; only the form with a std::error_code tells how much
Transferred transfer(Queue& from, Queue& to, const TransferOptions& options = {});
Transferred transfer(Queue& from, Queue& to, const TransferOptions& options, std::error_code& ec) noexcept;

}  // namespace mqxx
