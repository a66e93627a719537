// An IPC namespace of its own for this process: kernel queues that nobody else sees, and limits of our choice.
#pragma once

#include <cstdint>

namespace mqxx::test {

/// What the kernel allows this process now. See proc(5), /proc/sys/fs/mqueue, and getrlimit(2).
struct QueueLimits {
  std::uint64_t capacity = 0;
  std::uint64_t message_size = 0;
  std::uint64_t queues = 0;
  std::uint64_t user_bytes = 0;
};
QueueLimits queue_limits();
/// Writes one of the files "msg_max", "msgsize_max", "queues_max". Needs a private namespace.
bool set_queue_limit(const char* name, std::uint64_t value);

/// The same for System V queues. See proc(5), /proc/sys/kernel/msgmax and its like.
struct SysvLimits {
  std::uint64_t message_size = 0;
  std::uint64_t queue_bytes = 0;          ///< that this process may give a queue
  std::uint64_t most_bytes = 0x7fffffff;  ///< that anybody may
  bool shows_messages = false;            ///< MSG_COPY
};
SysvLimits sysv_limits();
/// Writes one of the files "msgmax", "msgmnb", "msgmni". Needs a private namespace.
bool set_sysv_limit(const char* name, std::uint64_t value);

/// Leaves the machine's IPC namespace for a fresh one and raises its limits as far as they go. The bytes of kernel
/// queues are counted by real user over all namespaces, so a process that may also becomes a real user whom nobody else
/// is: then tests that run at the same time do not take each other's room. REQUIRES: the process has one thread.
/// @return false where this user may not, and nothing has changed then
bool enter_private_ipc();

/// In a child: become an ordinary user whom nobody else is, for good. Does nothing for an ordinary user.
void become_user_without_queues();

}  // namespace mqxx::test
