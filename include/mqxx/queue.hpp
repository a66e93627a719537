// Queue: open or create a message queue, send to it, receive from it.
//
// Every call exists in up to four forms: plain (waits), try_ (does not), _for and _until (wait so long), and one
// with a std::stop_token. Full, empty, late and stopped are return values; failures throw Error. Each form
// has a twin that takes a std::error_code& last and does not throw: there the code is clear on success and on full,
// empty, late or stopped.
//
// Longer than other headers here, since every call has its contract beside it.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <mqxx/cursor.hpp>
#include <mqxx/error.hpp>
#include <mqxx/loan.hpp>
#include <mqxx/message.hpp>
#include <mqxx/types.hpp>
#include <mqxx/wait.hpp>

namespace mqxx {

class MessageRange;
namespace detail {
class Notifying;
class Transfer;
}  // namespace detail

/// A description of one queue: RAII, movable, safe to use from any number of threads at once.
/// A queue whose file is cut short by force is queue_damaged from every call that notices. For that the first opening
/// installs a handler for SIGBUS that passes on what is not a queue's; who installs one later passes on to it.
/// It may be used after fork(2) by both processes. Calls other than close() and moves are thread-safe.
class Queue {
 public:
  // ---- Opening -----------------------------------------------------------------------------------------------------

  /// Opens a queue that exists; capacity, message_size, mode and exclusive of the options are ignored.
  /// @param name  "/orders" or "orders": 1 .. 255 bytes after the slash, no other slash, no NUL. "kernel:/orders" is a
  ///              queue of the kernel, "sysv:0x4d2" one of System V; docs/homes.md tells the homes apart
  /// @throws Error  invalid_name, name_too_long, not_found, permission_denied, not_a_queue, layout_mismatch,
  ///                queue_damaged, too_many_files, too_many_users, no_memory
  /// @see mq_open(3)
  [[nodiscard]] static Queue open(std::string_view name, const OpenOptions& options = {});
  [[nodiscard]] static Queue open(std::string_view name, const OpenOptions& options, std::error_code& ec);

  /// Creates a queue. With options.exclusive (the default) an existing one is already_exists; without, it is opened.
  /// @throws Error  as open, and already_exists, invalid_capacity, invalid_message_size, queue_too_large, no_space;
  ///                in the kernel too_many_bytes, too_many_queues; of System V too_many_queues
  /// @see mq_open(3), O_CREAT and O_EXCL
  [[nodiscard]] static Queue create(std::string_view name, const OpenOptions& options = {});
  [[nodiscard]] static Queue create(std::string_view name, const OpenOptions& options, std::error_code& ec);

  /// Opens the queue, or creates it where it is missing. An existing queue keeps its capacity and message size.
  [[nodiscard]] static Queue open_or_create(std::string_view name, const OpenOptions& options = {});
  [[nodiscard]] static Queue open_or_create(std::string_view name, const OpenOptions& options, std::error_code& ec);

  /// Removes the name at once; the queue itself lives until its last user closes it, except in System V, where every
  /// call on it is queue_removed from then on, also for those who wait. @see mq_unlink(3)
  /// @throws Error  invalid_name, name_too_long, not_found, permission_denied
  static void unlink(std::string_view name);
  static void unlink(std::string_view name, std::error_code& ec) noexcept;

  /// A queue of the kernel by its descriptor, however that came here: inherited, passed, of another library. The Queue
  /// owns it from then on; after a failure it is still the caller's. Its name is "kernel:/" if the system does not
  /// tell.
  /// @throws Error  not_a_queue, closed (no open descriptor), no_memory
  [[nodiscard]] static Queue from_fd(int descriptor);
  [[nodiscard]] static Queue from_fd(int descriptor, std::error_code& ec);

  Queue() noexcept = default;  ///< closed
  explicit Queue(std::shared_ptr<backend::Backend> home) noexcept : home_(std::move(home)) {}

  /// Another handle to the same description; the two share nonblocking. @see dup(2)
  [[nodiscard]] Queue duplicate() const;
  /// Gives this handle up; loans keep the queue mapped until they end.
  void close() noexcept { home_.reset(); }
  /// Whether this handle is of use: not after close(), release() or a move from it.
  [[nodiscard]] bool is_open() const noexcept { return home_ != nullptr; }
  /// Removes the name of this queue, if it still means this queue.
  /// @throws Error  not_found when it was removed or replaced already, permission_denied
  void unlink();

  // ---- Sending -----------------------------------------------------------------------------------------------------

  /// Queues a copy of the payload behind all messages of its priority, waiting while the queue is full.
  /// @throws Error  message_too_big, invalid_priority, not_writable, would_block (nonblocking and full),
  ///                no_space, queue_damaged, closed. Nothing was sent then.
  /// @see POSIX.1-2017 mq_send; mq_send(3)
  void send(Payload payload, Priority priority = 0);
  void send(Payload payload, Priority priority, std::error_code& ec) noexcept;
  /// @return false when the token was triggered first
  bool send(Payload payload, const std::stop_token& stop, Priority priority = 0);
  bool send(Payload payload, const std::stop_token& stop, Priority priority, std::error_code& ec) noexcept;

  /// @return false when the queue is full
  bool try_send(Payload payload, Priority priority = 0);
  bool try_send(Payload payload, Priority priority, std::error_code& ec) noexcept;

  /// Waits at most `timeout`, measured by the monotonic clock. @return false when it passed first
  template <class Rep, class Period>
  bool send_for(Payload payload, std::chrono::duration<Rep, Period> timeout, Priority priority = 0) {
    return send_or_throw(payload, priority, Wait::for_duration(timeout));
  }
  template <class Rep, class Period>
  bool send_for(Payload payload, std::chrono::duration<Rep, Period> timeout, Priority priority,
                std::error_code& ec) noexcept {
    return send_or_code(payload, priority, Wait::for_duration(timeout), ec);
  }

  /// @param deadline  of steady_clock, or of system_clock, which follows clock steps
  /// @return false when it came first; if there is room the message is sent even when the deadline has passed
  template <class Clock, class Duration>
  bool send_until(Payload payload, std::chrono::time_point<Clock, Duration> deadline, Priority priority = 0) {
    return send_or_throw(payload, priority, Wait::until_time(deadline));
  }
  template <class Clock, class Duration>
  bool send_until(Payload payload, std::chrono::time_point<Clock, Duration> deadline, Priority priority,
                  std::error_code& ec) noexcept {
    return send_or_code(payload, priority, Wait::until_time(deadline), ec);
  }

  // ---- Receiving ---------------------------------------------------------------------------------------------------

  /// Takes the oldest message of the highest priority, waiting while the queue is empty.
  /// A process that dies in the middle may leave a message of 4 KiB or more to the other receivers.
  /// @param buffer  at least attributes().message_size bytes, however small the message is; in System V what the
  ///                message has
  /// @throws Error  buffer_too_small: the message stays queued; not_readable, would_block (nonblocking and
  ///                empty), queue_damaged, closed
  /// @see POSIX.1-2017 mq_receive; mq_receive(3)
  Received receive(std::span<std::byte> buffer);
  Received receive(std::span<std::byte> buffer, std::error_code& ec) noexcept;
  std::optional<Received> receive(std::span<std::byte> buffer, const std::stop_token& stop);
  std::optional<Received> receive(std::span<std::byte> buffer, const std::stop_token& stop,
                                  std::error_code& ec) noexcept;
  std::optional<Received> try_receive(std::span<std::byte> buffer);
  std::optional<Received> try_receive(std::span<std::byte> buffer, std::error_code& ec) noexcept;
  template <class Rep, class Period>
  std::optional<Received> receive_for(std::span<std::byte> buffer, std::chrono::duration<Rep, Period> timeout) {
    return receive_or_throw(buffer, Wait::for_duration(timeout));
  }
  template <class Rep, class Period>
  std::optional<Received> receive_for(std::span<std::byte> buffer, std::chrono::duration<Rep, Period> timeout,
                                      std::error_code& ec) noexcept {
    return receive_or_code(buffer, Wait::for_duration(timeout), ec);
  }
  /// A message that is ready is taken even when the deadline has passed.
  template <class Clock, class Duration>
  std::optional<Received> receive_until(std::span<std::byte> buffer,
                                        std::chrono::time_point<Clock, Duration> deadline) {
    return receive_or_throw(buffer, Wait::until_time(deadline));
  }
  template <class Clock, class Duration>
  std::optional<Received> receive_until(std::span<std::byte> buffer, std::chrono::time_point<Clock, Duration> deadline,
                                        std::error_code& ec) noexcept {
    return receive_or_code(buffer, Wait::until_time(deadline), ec);
  }

  /// The same as an owning Message, which takes as many bytes as the message has and not message_size.
  Message receive();
  Message receive(std::error_code& ec);
  std::optional<Message> receive(const std::stop_token& stop);
  std::optional<Message> receive(const std::stop_token& stop, std::error_code& ec);
  std::optional<Message> try_receive();
  std::optional<Message> try_receive(std::error_code& ec);
  template <class Rep, class Period>
  std::optional<Message> receive_for(std::chrono::duration<Rep, Period> timeout) {
    return receive_message_or_throw(Wait::for_duration(timeout));
  }
  template <class Rep, class Period>
  std::optional<Message> receive_for(std::chrono::duration<Rep, Period> timeout, std::error_code& ec) {
    return receive_message(Wait::for_duration(timeout), ec);
  }
  template <class Clock, class Duration>
  std::optional<Message> receive_until(std::chrono::time_point<Clock, Duration> deadline) {
    return receive_message_or_throw(Wait::until_time(deadline));
  }
  template <class Clock, class Duration>
  std::optional<Message> receive_until(std::chrono::time_point<Clock, Duration> deadline, std::error_code& ec) {
    return receive_message(Wait::until_time(deadline), ec);
  }

  /// All messages, as an input range: `for (auto& message : queue.messages())`. messages() waits for each and never
  /// ends by itself (give it a stop token); drain() ends when the queue is empty.
  [[nodiscard]] MessageRange messages();
  [[nodiscard]] MessageRange messages(std::stop_token stop);
  [[nodiscard]] MessageRange drain();

  // ---- Batches: many messages under one lock -----------------------------------------------------------------------

  /// Sends the messages in order; waits for room as long as `wait` allows.
  /// @return how many were sent: all of them unless the wait ended or the memory file system filled up
  /// @throws Error  as send, and then nothing was sent: sizes and priorities are checked before the first
  std::size_t send_batch(std::span<const Outgoing> messages, const Wait& wait = Wait::forever());
  std::size_t send_batch(std::span<const Outgoing> messages, const Wait& wait, std::error_code& ec) noexcept;
  /// Sends what there is room for now.
  std::size_t try_send_batch(std::span<const Outgoing> messages) { return send_batch(messages, Wait::none()); }

  /// Takes the first messages in order: waits for one as long as `wait` allows, then takes what is there.
  /// @param room  each buffer at least message_size bytes; filled from the front
  /// @return how many were received; 0 only when the wait ended. May be more than the capacity, when senders keep up.
  std::size_t receive_batch(std::span<Incoming> room, const Wait& wait = Wait::forever());
  std::size_t receive_batch(std::span<Incoming> room, const Wait& wait, std::error_code& ec) noexcept;
  std::size_t try_receive_batch(std::span<Incoming> room) { return receive_batch(room, Wait::none()); }

  // ---- Loans: no copy at all ---------------------------------------------------------------------------------------

  /// Reserves a slot for a message of at most `size` bytes, waiting while the queue is full.
  /// @return an empty loan when the wait ended
  /// @throws Error  as send
  [[nodiscard]] SendLoan loan(std::size_t size, const Wait& wait = Wait::forever());
  [[nodiscard]] SendLoan loan(std::size_t size, const Wait& wait, std::error_code& ec) noexcept;
  [[nodiscard]] SendLoan try_loan(std::size_t size) { return loan(size, Wait::none()); }

  /// Takes the next message in place, waiting while the queue is empty. @return an empty loan when the wait ended
  [[nodiscard]] ReceiveLoan receive_loan(const Wait& wait = Wait::forever());
  [[nodiscard]] ReceiveLoan receive_loan(const Wait& wait, std::error_code& ec) noexcept;
  [[nodiscard]] ReceiveLoan try_receive_loan() { return receive_loan(Wait::none()); }

  // ---- Looking -----------------------------------------------------------------------------------------------------

  /// @see mq_getattr(3)
  [[nodiscard]] Attributes attributes() const;
  [[nodiscard]] Attributes attributes(std::error_code& ec) const noexcept;
  [[nodiscard]] Statistics statistics() const;
  [[nodiscard]] Statistics statistics(std::error_code& ec) const noexcept;
  /// Copies of the first `most` messages in the order in which they would be received; none is taken.
  /// @throws Error  not_readable, no_memory, unsupported, queue_damaged, closed
  [[nodiscard]] std::vector<Message> peek(std::size_t most = 1) const;
  [[nodiscard]] std::vector<Message> peek(std::size_t most, std::error_code& ec) const;
  /// The next step of a walk through the queue, of whatever depth: copies of the messages behind the cursor, which then
  /// stands behind the last of them. None is taken, and the cursor may be kept for as long as one likes.
  ///
  /// A walk sees what stays where it is from the first step to the last, in the order in which it would be received,
  /// and nothing twice. What leaves before the walk is there is not seen, and neither is what comes to a place that the
  /// walk has passed: with a higher priority, or put back. What comes behind the cursor is: where senders keep up with
  /// it a walk ends when its caller has seen enough, attributes().depth say.
  ///
  /// A step takes the receivers' lock anew for each message and holds it for the copy of one. It finds its place at
  /// once, but for this: if the message at the cursor was received, older ones of its priority that were put back since
  /// are passed one by one, at most 1024 under one lock. In System V a step looks at all messages, and the cursor
  /// counts those of a priority: each that leaves hides another from the walk.
  /// @return none at the end, and before it at least one; fewer than options.most when they have enough bytes
  /// @throws Error  as peek, and invalid_priority: lowest is above highest, or that above kMaxPriority. The cursor has
  ///                not moved then
  [[nodiscard]] std::vector<Message> peek(Cursor& cursor, const PeekOptions& options = {}) const;
  [[nodiscard]] std::vector<Message> peek(Cursor& cursor, const PeekOptions& options, std::error_code& ec) const;
  /// O_NONBLOCK of the description, shared with its duplicates. @see mq_setattr(3)
  void set_nonblocking(bool nonblocking);
  void set_nonblocking(bool nonblocking, std::error_code& ec) noexcept;
  [[nodiscard]] bool is_nonblocking() const noexcept;
  [[nodiscard]] Access access() const noexcept;
  /// The name with its slash; "" when closed.
  [[nodiscard]] const std::string& name() const noexcept;

  // ---- Descriptors ------------------------------------------------------------------------------------------------

  /// For poll, epoll and their like: readable while there is a message, writable while there is room, in all processes.
  /// Edge-triggered (EPOLLET), take until there is nothing left. It is one for all handles of a description, which
  /// close it, and is for polling and nothing else; that of a queue of the kernel is the queue itself, for mq_* calls
  /// too. Until it is asked for nobody pays for it. The child of a fork(2) asks again. What each home means by
  /// readiness: docs/homes.md.
  /// @throws Error  closed, too_many_files, no_memory, queue_damaged; permission_denied of a queue in shared memory
  ///                that has no name any more, and is another user's
  [[nodiscard]] int native_handle() const;
  [[nodiscard]] int native_handle(std::error_code& ec) const noexcept;

  // Of the kernel's queues; unsupported elsewhere
  /// Gives the descriptor up and closes this handle: the caller closes it. While duplicates or loans still use it, the
  /// caller gets another of the same description.
  /// @throws Error  unsupported, too_many_files: the handle stays open
  [[nodiscard]] int release();
  [[nodiscard]] int release(std::error_code& ec) noexcept;
  /// Whether exec(3) closes the descriptor: as opened, it does. @see FD_CLOEXEC
  [[nodiscard]] bool close_on_exec() const;
  [[nodiscard]] bool close_on_exec(std::error_code& ec) const noexcept;
  void set_close_on_exec(bool closed);
  void set_close_on_exec(bool closed, std::error_code& ec) noexcept;

 private:
  friend class MessageRange;
  friend class detail::Notifying;
  friend class detail::Transfer;

  bool send_or_throw(Payload payload, Priority priority, const Wait& wait);
  bool send_or_code(Payload payload, Priority priority, const Wait& wait, std::error_code& ec) noexcept;
  std::optional<Received> receive_or_throw(std::span<std::byte> buffer, const Wait& wait);
  std::optional<Received> receive_or_code(std::span<std::byte> buffer, const Wait& wait, std::error_code& ec) noexcept;
  std::optional<Message> receive_message_or_throw(const Wait& wait);
  std::optional<Message> receive_message(const Wait& wait, std::error_code& ec);

  std::shared_ptr<backend::Backend> home_;
};

/// An input range over the messages of a queue. Each message can be moved out of the iterator. Valid while the Queue
/// is.
class MessageRange {
 public:
  /// An input iterator: each step receives a message, and the range ends when the wait does.
  class Iterator {
   public:
    using value_type = Message;
    using difference_type = std::ptrdiff_t;
    /// The message is the range's until the next step, and may be moved out.
    Message& operator*() const { return *range_->current_; }
    Iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { range_->advance(); }
    bool operator==(std::default_sentinel_t) const { return !range_->current_.has_value(); }

   private:
    friend class MessageRange;
    explicit Iterator(MessageRange* range) : range_(range) {}
    MessageRange* range_;
  };

  /// Receives the first message.
  Iterator begin() {
    advance();
    return Iterator(this);
  }
  [[nodiscard]] static std::default_sentinel_t end() { return {}; }

 private:
  friend class Queue;
  MessageRange(Queue& queue, Wait::Until until, std::stop_token stop)
      : queue_(&queue), until_(until), stop_(std::move(stop)) {}
  void advance() { current_ = queue_->receive_message_or_throw({.until = until_, .stop = &stop_}); }

  Queue* queue_;
  Wait::Until until_;
  std::stop_token stop_;
  std::optional<Message> current_;
};

}  // namespace mqxx
