// Plain values that every part of mqxx speaks: no I/O, no state, no errors.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mqxx {

/// Message priority, 0 (lowest) .. kMaxPriority. Higher leaves first; equal ones leave in order of arrival.
using Priority = std::uint32_t;

/// The highest priority: sysconf(_SC_MQ_PRIO_MAX) - 1 on Linux.
inline constexpr Priority kMaxPriority = 32767;

/// Bounds of a queue in shared memory. Capacity times message size is bounded too: see docs/layout.md.
inline constexpr std::size_t kMaxCapacity = std::size_t{1} << 24;     // messages
inline constexpr std::size_t kMaxMessageSize = std::size_t{1} << 30;  // bytes

/// What a description may be used for. @see mq_open(3), O_RDONLY, O_WRONLY, O_RDWR
enum class Access { read_only, write_only, read_write };

/// How to open or create a queue. Written with designated initialisers:
/// `Queue::create("/orders", {.capacity = 64, .message_size = 512, .mode = 0640})`.
struct OpenOptions {
  Access access = Access::read_write;
  std::size_t capacity = 10;        ///< messages, 1 .. kMaxCapacity; used only when a queue is created
  std::size_t message_size = 8192;  ///< most bytes of one message, 1 .. kMaxMessageSize; likewise
  std::uint32_t mode = 0600;        ///< permission bits, less the umask; likewise
  bool exclusive = true;            ///< Queue::create refuses a queue that exists already
  bool nonblocking = false;  ///< no call waits: the plain forms fail with would_block, the others answer as try_ does
};

/// @see mq_getattr(3)
struct Attributes {
  std::size_t capacity = 0;      ///< mq_maxmsg
  std::size_t message_size = 0;  ///< mq_msgsize, bytes
  std::size_t depth = 0;         ///< mq_curmsgs: messages queued now
  bool nonblocking = false;      ///< O_NONBLOCK of this description
};

/// What a receive into the caller's buffer answers.
struct Received {
  std::size_t size = 0;  ///< bytes, 0 .. message_size
  Priority priority = 0;
};

/// What happened to a queue since it was created. Times are zero where nothing has happened yet, and coarse: `created`
/// by a few milliseconds, last_send and last_receive are less than a second before the last.
struct Statistics {
  using Time = std::chrono::system_clock::time_point;
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t messages_received = 0;  ///< on loan ones too; one that is put back is taken off again
  std::uint64_t bytes_received = 0;
  std::size_t high_water = 0;       ///< greatest depth that anybody met who looked; a peak inside a burst may be missed
  std::size_t waiting_senders = 0;  ///< asleep now because the queue is full
  std::size_t waiting_receivers = 0;  ///< asleep now because it is empty
  std::size_t loans = 0;              ///< slots being written or read in place now
  std::uint64_t recoveries = 0;       ///< repairs after the death of a process
  Time created{};
  Time last_send{};
  Time last_receive{};
  std::int32_t creator_pid = 0;
  std::int32_t last_sender_pid = 0;
  std::int32_t last_receiver_pid = 0;
};

/// The bytes to send: a view, made from text, a span or a pointer and a size. Never owns.
class Payload {
 public:
  constexpr Payload() = default;  ///< no bytes
  /// All of a span, the characters of a text without a NUL behind them, or `size` bytes from `data` on.
  constexpr Payload(std::span<const std::byte> bytes) : bytes_(bytes) {}
  constexpr Payload(std::span<std::byte> bytes) : bytes_(bytes) {}
  Payload(std::string_view text) : bytes_(std::as_bytes(std::span(text))) {}
  Payload(const std::string& text) : Payload(std::string_view(text)) {}
  Payload(const char* text) : Payload(std::string_view(text)) {}
  Payload(const void* data, std::size_t size) : bytes_(static_cast<const std::byte*>(data), size) {}

  /// What it was made from, which must live as long as it is used.
  [[nodiscard]] constexpr std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] constexpr std::size_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
};

/// One message of a batch to send.
struct Outgoing {
  Payload payload;
  Priority priority = 0;
};

/// Room for one message of a batch to receive, and afterwards what was put there.
struct Incoming {
  std::span<std::byte> buffer;  ///< at least message_size bytes
  std::size_t size = 0;         ///< out: bytes of the message
  Priority priority = 0;        ///< out
};

}  // namespace mqxx
