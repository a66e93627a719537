// Errors of mqxx: one enumeration, its error category, and the exception that carries the whole sentence.
#pragma once

#include <string>
#include <system_error>

namespace mqxx {

/// Everything that can go wrong, by name. Each compares equal to its errno as a std::errc:
/// `error.code() == std::errc::message_size` holds for message_too_big. src/base/error.cpp is the table.
enum class Errc {
  would_block = 1,       ///< EAGAIN: full or empty, and the description is nonblocking
  timed_out,             ///< ETIMEDOUT: the deadline came first
  stopped,               ///< ECANCELED: the stop token was triggered
  interrupted,           ///< EINTR: a signal handler ran (never from mqxx::Queue, which goes on waiting)
  invalid_name,          ///< EINVAL: empty, "/", a second slash, "." or "..", NUL inside
  name_too_long,         ///< ENAMETOOLONG: more than 255 bytes after the slash
  not_found,             ///< ENOENT
  already_exists,        ///< EEXIST
  permission_denied,     ///< EACCES
  invalid_capacity,      ///< EINVAL: not in 1 .. kMaxCapacity
  invalid_message_size,  ///< EINVAL: not in 1 .. kMaxMessageSize
  queue_too_large,       ///< EOVERFLOW: capacity times message size does not fit the address space, or kernel.msgmnb
  invalid_priority,      ///< EINVAL: above kMaxPriority
  message_too_big,       ///< EMSGSIZE: more than message_size bytes; nothing was sent
  buffer_too_small,      ///< EMSGSIZE: less than message_size bytes; the message stays queued
  not_readable,          ///< EBADF: opened write_only
  not_writable,          ///< EBADF: opened read_only
  closed,                ///< EBADF: closed, or moved from
  not_a_queue,           ///< EBADMSG: the file is something else
  layout_mismatch,       ///< EPROTO: made by another format, word size or C library
  queue_damaged,         ///< EBADMSG: bytes in the queue that no mqxx wrote; run `mq check`
  queue_removed,         ///< EIDRM: a System V queue that somebody removed, perhaps while the call waited
  no_space,              ///< ENOSPC: the memory file system is full; nothing was sent
  no_memory,             ///< ENOMEM
  too_many_files,        ///< EMFILE
  too_many_users,        ///< EUSERS: more processes have the queue open than it has room for
  too_many_bytes,        ///< EMFILE: the kernel's queues of this user would take more than RLIMIT_MSGQUEUE
  too_many_queues,       ///< ENOSPC: the kernel has as many as fs.mqueue.queues_max, or kernel.msgmni, allows
  already_registered,    ///< EBUSY: a process is registered to be told of messages, perhaps this one
  would_deadlock,        ///< EDEADLK: called from a signal handler inside another mqxx call of the thread
  type_mismatch,         ///< EINVAL: TypedQueue<T> on a queue whose message size is not sizeof(T)
  unsupported,           ///< ENOTSUP: not possible in the home that the address names
  invalid_argument,      ///< EINVAL
  system_error,          ///< any other errno, which then is the std::error_code itself
};

/// The category of Errc: name "mqxx", one sentence a value.
[[nodiscard]] const std::error_category& error_category() noexcept;
[[nodiscard]] std::error_code make_error_code(Errc code) noexcept;

/// What every failing call throws: operation, queue, the fact with its numbers, the symbol, and the way
/// out where there is one, as in
/// `send '/orders': message is 9000 bytes, the queue takes at most 8192 (EMSGSIZE)`.
class Error : public std::system_error {
 public:
  /// @param sentence  what what() gives
  /// @param queue     its address, where the failure is one queue's
  Error(std::error_code code, std::string sentence, std::string queue = {});

  /// The whole sentence, and nothing else.
  [[nodiscard]] const char* what() const noexcept override { return sentence_.c_str(); }

  /// The queue that it is about, as the call named it; "" when it is about none.
  [[nodiscard]] const std::string& queue() const noexcept { return queue_; }

 private:
  std::string sentence_;
  std::string queue_;
};

}  // namespace mqxx

template <>
struct std::is_error_code_enum<mqxx::Errc> : std::true_type {};
