// Plain values of the System V interface, mqxx/sysv.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <mqxx/message.hpp>

namespace mqxx::sysv {

/// Of a message: 1 or more. It may stand for a priority, an addressee or a kind of message.
using Type = long;

/// What processes agree on to find a queue: a number, or a file and a project.
class Key {
 public:
  /// `Queue::open(0xdeadc0de)`
  constexpr Key(std::uint32_t number) noexcept : number_(number) {}
  [[nodiscard]] constexpr std::uint32_t number() const noexcept { return number_; }
  friend constexpr bool operator==(Key, Key) = default;

 private:
  std::uint32_t number_;
};

/// The key of queues that nobody finds by a key. @see msgget(2), IPC_PRIVATE
inline constexpr Key kPrivate{0};

/// `Queue::create(key, {.mode = 0660})`
struct CreateOptions {
  std::uint32_t mode = 0600;     ///< permission bits; the umask takes nothing away
  std::uint64_t most_bytes = 0;  ///< room for texts, msg_qbytes; 0: what the kernel gives, kernel.msgmnb
  bool exclusive = true;         ///< Queue::create refuses a key that has a queue already: IPC_EXCL
};

/// Which message to take: `queue.receive({.type = 5})`. @see msgrcv(2)
struct Selection {
  Type type = 0;          ///< 0: the oldest; 5: the oldest of type 5; -5: the oldest of the lowest type up to 5
  bool except = false;    ///< with a type above 0: the oldest of any other type: MSG_EXCEPT
  bool truncate = false;  ///< into a buffer that is too small goes what fits, and the rest is lost: MSG_NOERROR
};

/// What a receive into the caller's buffer answers.
struct Received {
  std::size_t size = 0;  ///< bytes
  Type type = 0;
};

/// Owns the text of one message. Move-only.
class Message {
 public:
  Message() = default;  ///< no text
  /// Takes the text over.
  Message(mqxx::Message text, Type type) noexcept : text_(std::move(text)), type_(type) {}

  /// What was sent. No NUL stands behind a text.
  [[nodiscard]] std::span<const std::byte> bytes() const { return text_.bytes(); }
  [[nodiscard]] std::string_view text() const { return text_.text(); }
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] Type type() const { return type_; }

 private:
  mqxx::Message text_;
  Type type_ = 0;
};

/// What the kernel knows of a queue. Numbers of processes and times are zero where nothing has happened yet; times are
/// whole seconds. @see msgctl(2), IPC_STAT
struct Status {
  using Time = std::chrono::system_clock::time_point;
  int id = -1;
  Key key = kPrivate;
  std::uint32_t uid = 0;  ///< owner
  std::uint32_t gid = 0;
  std::uint32_t creator_uid = 0;
  std::uint32_t creator_gid = 0;
  std::uint32_t mode = 0;          ///< permission bits
  std::uint64_t messages = 0;      ///< queued now: msg_qnum
  std::uint64_t queued_bytes = 0;  ///< of their texts: msg_cbytes
  std::uint64_t most_bytes = 0;    ///< room for texts, and for as many messages: msg_qbytes
  std::int32_t last_sender_pid = 0;
  std::int32_t last_receiver_pid = 0;
  Time last_send{};
  Time last_receive{};
  Time changed{};  ///< created, or changed by Queue::change
};

/// What to change: `queue.change({.mode = 0660})`; the rest stays. @see msgctl(2), IPC_SET
struct Changes {
  std::optional<std::uint32_t> uid = {};
  std::optional<std::uint32_t> gid = {};
  std::optional<std::uint32_t> mode = {};
  std::optional<std::uint64_t> most_bytes = {};  ///< above kernel.msgmnb with CAP_SYS_RESOURCE only
};

/// What the kernel allows in this IPC namespace. @see msgctl(2), IPC_INFO; proc(5)
struct Limits {
  std::uint64_t queues = 0;        ///< kernel.msgmni
  std::uint64_t message_size = 0;  ///< bytes of one text: kernel.msgmax
  std::uint64_t queue_bytes = 0;   ///< room of a new queue: kernel.msgmnb
};

/// What all queues of this IPC namespace hold now. @see msgctl(2), MSG_INFO
struct Use {
  std::uint64_t queues = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

}  // namespace mqxx::sysv
