// System V message queues: the contract for whoever ports it.
//
//  - A queue is a number, the same in every process of the namespace. Nobody opens or closes it: it lives until
//  somebody
//    removes it, and then every call on it is queue_removed, also for those who sleep in one.
//  - A message is a type above 0 and a text of 0 or more bytes.
//  - Each call of this header is one system call, unless it fails. It waits only where it is told to; any handler of a
//    signal that runs meanwhile, whatever its flags, ends it with `interrupted`, and then it has done nothing.
//  - The system hands a message to a receiver that sleeps. One that is killed after that takes it to the grave; who
//    sleeps in await_sysv is handed nothing but a message without bytes.
//  - Sending and receiving allocate nothing for texts of up to kSysvSmallText bytes; the forms in place never do. They
//    are safe in a signal handler under the same bounds.
//  - No call is a cancellation point. errno is not for the caller.
//  - A Failure carries the errno.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"

namespace mqxx::os {

// ---- Queues

/// The key of a queue that nobody finds by a key.
inline constexpr std::int32_t kSysvPrivate = 0;

struct SysvOpening {
  std::int32_t key = kSysvPrivate;
  bool create = false;     ///< where it is missing; a private one always is
  bool exclusive = false;  ///< with create: already_exists where it is not
  /// Permission bits of a new queue, no umask; of one that is there those that this process needs, 0 for none.
  std::uint32_t mode = 0600;
};
/// Fails also with not_found, permission_denied, too_many_queues, no_memory, and with system_error (ENOSYS) where the
/// system has no such queues.
Result<int> open_sysv_queue(const SysvOpening& wanted) noexcept;
/// Fails with permission_denied for all but owner, creator and the privileged.
Result<void> remove_sysv_queue(int queue) noexcept;
/// The key that a file and a project, of which 8 bits count, stand for: as ftok(3). Not every file has one of its own.
Result<std::int32_t> sysv_key_of(const char* path, int project) noexcept;

// ---- Messages

struct SysvReceiving {
  long type = 0;        ///< 0: the first message; > 0: the first of the type; < 0: the first of the lowest up to -type
  bool except = false;  ///< with a type > 0: the first of any other
  bool truncate = false;  ///< a text that is too long for the buffer loses its end instead of staying queued
  bool wait = true;       ///< else would_block where no message fits
};
struct SysvReceived {
  long type = 0;
  std::size_t size = 0;
};

/// Fails with invalid_argument (a type of 0 or less), message_too_big (above SysvLimits::message_size),
/// permission_denied, no_memory, would_block. A text that is longer than SysvFacts::most_bytes is longer than the queue
/// will ever have room for, and waits for all that.
Result<void> send_sysv(int queue, std::span<const std::byte> text, long type, bool wait) noexcept;
/// Fails with buffer_too_small: the message stays queued; permission_denied, no_memory, would_block. `received` is
/// written only on success.
Result<void> receive_sysv(int queue, std::span<std::byte> buffer, const SysvReceiving& how,
                          SysvReceived& received) noexcept;
/// Sleeps until a message of `type`, as in SysvReceiving, is there, and leaves it. One without bytes cannot be left: it
/// is taken. @return whether it was; `received` is written only then. Fails as receive_sysv
Result<bool> await_sysv(int queue, long type, SysvReceived& received) noexcept;
/// The message at `index`, counted from 0 in order of arrival, which stays where it is. Never waits: would_block where
/// the queue has no more than `index`, buffer_too_small, permission_denied; unsupported where the system cannot.
Result<void> peek_sysv(int queue, std::span<std::byte> buffer, std::size_t index, SysvReceived& received) noexcept;

inline constexpr std::size_t kSysvSmallText = 8192;

/// The system wants the type right in front of the text. Who keeps that much room there is spared a copy.
/// REQUIRES: the kSysvTypeBytes in front of the text are aligned as a long, and free to be overwritten.
inline constexpr std::size_t kSysvTypeBytes = sizeof(long);
Result<void> send_sysv_in_place(int queue, std::span<std::byte> text, long type, bool wait) noexcept;
Result<void> receive_sysv_in_place(int queue, std::span<std::byte> buffer, const SysvReceiving& how,
                                   SysvReceived& received) noexcept;

// ---- What is known of a queue, and what may be changed

/// Process numbers and times are 0 where nothing has happened yet; times are whole seconds since 1970.
struct SysvFacts {
  int queue = -1;
  std::int32_t key = kSysvPrivate;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t creator_uid = 0;
  std::uint32_t creator_gid = 0;
  std::uint32_t mode = 0;          ///< permission bits
  std::uint64_t messages = 0;      ///< queued now
  std::uint64_t queued_bytes = 0;  ///< of their texts
  std::uint64_t most_bytes = 0;    ///< for which there is room; as many messages at most, too
  std::int32_t last_sender_pid = 0;
  std::int32_t last_receiver_pid = 0;
  std::int64_t last_send_s = 0;
  std::int64_t last_receive_s = 0;
  std::int64_t changed_s = 0;  ///< created, or changed by change_sysv_queue
};
/// Fails with permission_denied for who may not receive.
Result<SysvFacts> sysv_facts(int queue) noexcept;

struct SysvSettings {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;
  std::uint64_t most_bytes = 0;  ///< more than SysvLimits::queue_bytes is for the privileged
};
/// All of them at once; wakes senders that now have room. Fails with permission_denied (EPERM: not the owner, or too
/// many bytes), invalid_argument (no such user or group here).
Result<void> change_sysv_queue(int queue, const SysvSettings& wanted) noexcept;

// ---- All queues of the namespace

/// Every one, whether or not this process may use it.
Result<std::vector<SysvFacts>> list_sysv_queues() noexcept;

struct SysvLimits {
  std::uint64_t queues = 0;        ///< in the namespace
  std::uint64_t message_size = 0;  ///< bytes of one text
  std::uint64_t queue_bytes = 0;   ///< what a new queue has room for
};
Result<SysvLimits> sysv_limits() noexcept;

struct SysvUse {
  std::uint64_t queues = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};
/// All that the queues of the namespace hold now.
Result<SysvUse> sysv_use() noexcept;

}  // namespace mqxx::os
