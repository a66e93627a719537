// System V message queues as they are: types instead of priorities, keys instead of names. docs/sysv.md is the guide.
//
// Forms of calls are those of mqxx::Queue: plain (waits), try_ (does not), _for and _until, with a std::stop_token, and
// with a Wait, which also lets a signal handler end the call: `{.return_on_signal = true}`. Full, empty, late and
// stopped are return values; failures throw Error. Each form has a twin that takes a std::error_code& last and does not
// throw.
//
// Longer than other headers here, since every call has its contract beside it.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

#include <mqxx/error.hpp>
#include <mqxx/sysv_types.hpp>
#include <mqxx/types.hpp>
#include <mqxx/wait.hpp>

namespace mqxx::sysv {

/// The key of a file and a project, of which the low 8 bits count: those who can see the file agree on a queue.
/// @throws Error  not_found, permission_denied: as the system finds the file
/// @see ftok(3), which warns that two files may have one key
[[nodiscard]] Key key_of(const std::string& path, int project);
[[nodiscard]] Key key_of(const std::string& path, int project, std::error_code& ec);

/// A queue of the kernel: a number that stays valid, in every process, until somebody removes the queue. Nothing is
/// open, so nothing is closed: it is a plain value, to be copied, kept over fork(2) and used from any number of threads
/// at once. Once the queue is removed every call is queue_removed, also for who waits in one.
class Queue {
 public:
  // ---- Finding and making ------------------------------------------------------------------------------------------

  /// The queue of a key. What this process may not do with it, the calls will say.
  /// @throws Error  not_found; there is none of kPrivate either @see msgget(2)
  [[nodiscard]] static Queue open(Key key);
  [[nodiscard]] static Queue open(Key key, std::error_code& ec);

  /// A new queue; kPrivate gives one without a key. Room that was asked for it has a moment after it can be found.
  /// @throws Error  already_exists, unless options.exclusive is off; too_many_queues; permission_denied: most_bytes
  ///                above the kernel's limit; no_memory. Nothing was made then.
  /// @see msgget(2), IPC_CREAT and IPC_EXCL
  [[nodiscard]] static Queue create(Key key, const CreateOptions& options = {});
  [[nodiscard]] static Queue create(Key key, const CreateOptions& options, std::error_code& ec);

  /// The queue of the key as it is, or a new one. @throws Error  as open and create
  [[nodiscard]] static Queue open_or_create(Key key, const CreateOptions& options = {});
  [[nodiscard]] static Queue open_or_create(Key key, const CreateOptions& options, std::error_code& ec);

  /// The queue of a number, as list() and ipcs(1) tell it. Does not ask the kernel whether it exists.
  /// @param key  only for name() and key()
  [[nodiscard]] static Queue from_id(int id, Key key = kPrivate) noexcept { return {id, key}; }

  Queue() noexcept = default;  ///< no queue: every call is `closed`

  /// Whether it has a number, be it that of a queue that was removed since.
  [[nodiscard]] bool is_open() const noexcept { return id_ >= 0; }
  [[nodiscard]] int id() const noexcept { return id_; }
  /// What it was opened by.
  [[nodiscard]] Key key() const noexcept { return key_; }
  /// "sysv:0xdeadc0de", or "sysv:id=5" where there is no key.
  [[nodiscard]] std::string name() const;

  // ---- Sending -----------------------------------------------------------------------------------------------------

  /// Queues a copy of the text behind all messages, waiting while there is no room for it.
  /// @throws Error  message_too_big: above kernel.msgmax, or above the room of the whole queue (who may not read its
  ///                status waits then); invalid_argument: a type of 0 or less; permission_denied, queue_removed,
  ///                no_memory, closed. Nothing was sent then.
  /// @see msgsnd(2)
  void send(Payload text, Type type = 1);
  void send(Payload text, Type type, std::error_code& ec) noexcept;
  /// @return false when the wait ended first
  /// @throws Error  as send, and interrupted: a signal handler ran, and `wait` has return_on_signal
  bool send(Payload text, Type type, const Wait& wait);
  bool send(Payload text, Type type, const Wait& wait, std::error_code& ec) noexcept;
  bool send(Payload text, const std::stop_token& stop, Type type = 1) { return send(text, type, Wait::forever(stop)); }
  bool send(Payload text, const std::stop_token& stop, Type type, std::error_code& ec) noexcept {
    return send(text, type, Wait::forever(stop), ec);
  }
  bool try_send(Payload text, Type type = 1) { return send(text, type, Wait::none()); }
  bool try_send(Payload text, Type type, std::error_code& ec) noexcept { return send(text, type, Wait::none(), ec); }
  template <class Rep, class Period>
  bool send_for(Payload text, std::chrono::duration<Rep, Period> timeout, Type type = 1) {
    return send(text, type, Wait::for_duration(timeout));
  }
  template <class Rep, class Period>
  bool send_for(Payload text, std::chrono::duration<Rep, Period> timeout, Type type, std::error_code& ec) noexcept {
    return send(text, type, Wait::for_duration(timeout), ec);
  }
  template <class Clock, class Duration>
  bool send_until(Payload text, std::chrono::time_point<Clock, Duration> deadline, Type type = 1) {
    return send(text, type, Wait::until_time(deadline));
  }
  template <class Clock, class Duration>
  bool send_until(Payload text, std::chrono::time_point<Clock, Duration> deadline, Type type,
                  std::error_code& ec) noexcept {
    return send(text, type, Wait::until_time(deadline), ec);
  }

  // ---- Receiving ---------------------------------------------------------------------------------------------------

  /// Takes the selected message, waiting until there is one. A process that is killed after the kernel has handed it
  /// the message takes that along; one that is killed while it waits takes none.
  /// @throws Error  buffer_too_small: the message stays queued; invalid_argument: except without a type above 0;
  ///                permission_denied, queue_removed, no_memory, closed
  /// @see msgrcv(2)
  Received receive(std::span<std::byte> buffer, const Selection& selection = {});
  Received receive(std::span<std::byte> buffer, const Selection& selection, std::error_code& ec) noexcept;
  /// @return nullopt when the wait ended first @throws Error  as receive, and interrupted: as send
  std::optional<Received> receive(std::span<std::byte> buffer, const Selection& selection, const Wait& wait);
  std::optional<Received> receive(std::span<std::byte> buffer, const Selection& selection, const Wait& wait,
                                  std::error_code& ec) noexcept;
  std::optional<Received> try_receive(std::span<std::byte> buffer, const Selection& selection = {}) {
    return receive(buffer, selection, Wait::none());
  }
  std::optional<Received> try_receive(std::span<std::byte> buffer, const Selection& selection,
                                      std::error_code& ec) noexcept {
    return receive(buffer, selection, Wait::none(), ec);
  }

  /// The same as an owning Message, however long it is. truncate means nothing here.
  Message receive(const Selection& selection = {});
  Message receive(const Selection& selection, std::error_code& ec) noexcept;
  std::optional<Message> receive(const Selection& selection, const Wait& wait);
  std::optional<Message> receive(const Selection& selection, const Wait& wait, std::error_code& ec) noexcept;
  std::optional<Message> receive(const std::stop_token& stop, const Selection& selection = {}) {
    return receive(selection, Wait::forever(stop));
  }
  std::optional<Message> receive(const std::stop_token& stop, const Selection& selection,
                                 std::error_code& ec) noexcept {
    return receive(selection, Wait::forever(stop), ec);
  }
  std::optional<Message> try_receive(const Selection& selection = {}) { return receive(selection, Wait::none()); }
  std::optional<Message> try_receive(const Selection& selection, std::error_code& ec) noexcept {
    return receive(selection, Wait::none(), ec);
  }
  template <class Rep, class Period>
  std::optional<Message> receive_for(std::chrono::duration<Rep, Period> timeout, const Selection& selection = {}) {
    return receive(selection, Wait::for_duration(timeout));
  }
  template <class Rep, class Period>
  std::optional<Message> receive_for(std::chrono::duration<Rep, Period> timeout, const Selection& selection,
                                     std::error_code& ec) noexcept {
    return receive(selection, Wait::for_duration(timeout), ec);
  }
  template <class Clock, class Duration>
  std::optional<Message> receive_until(std::chrono::time_point<Clock, Duration> deadline,
                                       const Selection& selection = {}) {
    return receive(selection, Wait::until_time(deadline));
  }
  template <class Clock, class Duration>
  std::optional<Message> receive_until(std::chrono::time_point<Clock, Duration> deadline, const Selection& selection,
                                       std::error_code& ec) noexcept {
    return receive(selection, Wait::until_time(deadline), ec);
  }

  // ---- Looking and changing ----------------------------------------------------------------------------------------

  /// A copy of the message at `index`, counted from 0 in the order in which they were sent, whatever their types; it
  /// stays queued. Costs time for each message before it. @return nullopt when there are not so many
  /// @throws Error  unsupported: a kernel without CONFIG_CHECKPOINT_RESTORE, or a message above a limit that was
  /// lowered
  ///                since; permission_denied, queue_removed, no_memory, closed
  /// @see msgrcv(2), MSG_COPY
  [[nodiscard]] std::optional<Message> peek(std::size_t index = 0) const;
  [[nodiscard]] std::optional<Message> peek(std::size_t index, std::error_code& ec) const noexcept;

  /// @throws Error  permission_denied for who may not receive: list() shows the queue all the same
  /// @see msgctl(2), IPC_STAT
  [[nodiscard]] Status status() const;
  [[nodiscard]] Status status(std::error_code& ec) const noexcept;

  /// Reads what stays as it is and writes all of it, so of two who change at the same time one may undo the other. More
  /// room wakes senders who wait for it.
  /// @throws Error  permission_denied: neither owner nor creator, or more room than the kernel allows;
  /// invalid_argument:
  ///                no such user or group, or room that the kernel cannot count; queue_removed, closed
  /// @see msgctl(2), IPC_SET
  void change(const Changes& changes);
  void change(const Changes& changes, std::error_code& ec) noexcept;

  /// Removes the queue and all that is in it at once, and wakes all who wait: they get queue_removed.
  /// @throws Error  permission_denied: neither owner nor creator; queue_removed, closed @see msgctl(2), IPC_RMID
  void remove();
  void remove(std::error_code& ec) noexcept;

 private:
  Queue(int id, Key key) noexcept : id_(id), key_(key) {}
  int id_ = -1;
  Key key_ = kPrivate;
};

/// Every queue of this IPC namespace, those included that this process may not use, by number.
/// @throws Error  no_memory; system_error where there are no such queues @see msgctl(2), MSG_STAT_ANY
[[nodiscard]] std::vector<Status> list();
[[nodiscard]] Limits limits();
[[nodiscard]] Use use();

}  // namespace mqxx::sysv
