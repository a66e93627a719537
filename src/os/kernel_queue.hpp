// The kernel's own POSIX message queues: the contract for whoever ports it. By the system's own calls and never through
// the C library's mq_*: libmqxx-posix.so may stand in front of those, and they would then mean the engine's queues.
//
//  - A name has no slash. open_kernel_queue answers a descriptor that is closed on exec.
//  - send_message and receive_message are one system call when there is room, or a message. Where they would have to
//    wait they obey `wait`; a nonblocking description answers would_block at once, whatever `wait` says.
//  - timed_out comes only after the deadline of `wait`, by its own clock, also when that clock is stepped.
//  - await does the same until the queue can be received from, or sent to, and takes and sends nothing.
//  - No call is a cancellation point.
//  - A Failure carries the errno.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <mqxx/types.hpp>
#include <mqxx/wait.hpp>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "os/memory.hpp"

namespace mqxx::os {

// ---- Queues

struct KernelOpening {
  const char* name = nullptr;
  OpenOptions options;
  bool create = false;     ///< where it is missing
  bool exclusive = false;  ///< with create: already_exists where it is not
};

/// Fails also with invalid_argument (EINVAL), too_many_files (EMFILE, ENFILE), no_space (ENOSPC), whose causes
/// backend/kernel_limits finds, and with system_error (ENOSYS) where the system has no such queues.
Result<UniqueFd> open_kernel_queue(const KernelOpening& wanted) noexcept;
Result<void> unlink_kernel_queue(const char* name) noexcept;

/// Fails with invalid_priority, not_writable, message_too_big and how the wait ended.
Result<void> send_message(int queue, std::span<const std::byte> bytes, Priority priority, const Wait& wait) noexcept;
/// Fails with not_readable, buffer_too_small and how the wait ended; `received` is written only on success.
Result<void> receive_message(int queue, std::span<std::byte> buffer, const Wait& wait, Received& received) noexcept;

enum class Awaited : std::uint8_t { message, room };
Result<void> await(int queue, Awaited what, const Wait& wait) noexcept;

/// Fails with not_a_queue for any other descriptor, closed for none.
Result<Attributes> kernel_attributes(int queue) noexcept;
Result<void> set_nonblocking(int queue, bool nonblocking) noexcept;
Access access_of(int queue) noexcept;
/// Its name without the slash, also when it is gone already; "" when the system does not say.
std::string kernel_queue_name(int queue) noexcept;
/// A new description of the same queue, which waits. permission_denied for who may not; fails without /proc.
Result<UniqueFd> reopen(int queue, Access access) noexcept;
/// What the system says of a queue beside its attributes. All zero when it does not say.
struct KernelStatus {
  enum class Notice : std::uint8_t { none, signal, thread, silent };
  std::uint64_t queued_bytes = 0;  ///< payload of all queued messages
  Notice notice = Notice::none;    ///< how the registered process wants to be told
  std::int32_t registered_pid = 0;
  int signal = 0;
};
/// REQUIRES: the queue is readable.
KernelStatus kernel_status(int queue) noexcept;

// ---- Notices, as mq_notify(3): of this process, once, for the next message that comes to the empty queue while nobody
// waits for it. They fail with already_registered, and with invalid_argument for no signal.

Result<void> notify_by_signal(int queue, int signal, std::uint64_t value) noexcept;
Result<void> notify_silently(int queue) noexcept;
/// Through one of make_notice(), which serves one registration. await_notice sleeps until that is over.
/// @return whether by a message: otherwise it was cancelled, or this process has closed the queue
Result<UniqueFd> make_notice() noexcept;
Result<void> notify_through(int queue, int notice) noexcept;
bool await_notice(int notice) noexcept;
/// Does nothing where this process is not registered.
Result<void> cancel_notify(int queue) noexcept;

// ---- Descriptors

Result<bool> close_on_exec(int fd) noexcept;
Result<void> set_close_on_exec(int fd, bool closed) noexcept;
/// The same description under another number, closed on exec as `fd` is.
Result<UniqueFd> duplicate(int fd) noexcept;

// ---- All queues, and how many there may be

struct KernelEntry {
  std::string name;
  FileFacts facts;
};

/// Every queue of this IPC namespace. Needs the right to look into the system's list of them or a place where an
/// administrator has put it: permission_denied where there is neither.
Result<std::vector<KernelEntry>> list_kernel_queues() noexcept;

/// A process that has a queue open, as far as this user may look.
struct KernelUser {
  std::uint64_t device = 0;  ///< of the queue, as FileFacts has it
  std::uint64_t inode = 0;
  std::int32_t pid = 0;
  std::uint32_t descriptors = 0;
};
/// Of all queues on `device`, each process once for each queue. Looks at every process of the system.
std::vector<KernelUser> kernel_users(std::uint64_t device);

struct KernelLimits {
  std::uint64_t capacity = 0;      ///< of a queue; more is for the privileged
  std::uint64_t message_size = 0;  ///< likewise
  std::uint64_t queues = 0;        ///< in this IPC namespace; likewise
  std::uint64_t user_bytes = 0;    ///< of all queues of this user; nobody may have more
};
/// nullopt where the system does not say.
std::optional<KernelLimits> kernel_limits() noexcept;
/// Whether this process can open one more file.
bool has_free_descriptor() noexcept;

}  // namespace mqxx::os
