// Look at queues without taking part in them: no message is taken, nobody is woken, nothing is changed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <mqxx/types.hpp>

namespace mqxx {

/// One queue as an observer sees it. Fields after `error` are zero where it is set.
struct QueueInfo {
  std::string name;       ///< as Queue::open takes it, with its slash
  std::uint32_t uid = 0;  ///< owner
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;          ///< permission bits that were asked for, less the umask
  bool counted = true;             ///< false: the kernel keeps no counts; memory_bytes, users and the counts of
                                   ///< statistics are zero, in POSIX queues of the kernel all of statistics
  std::uint64_t memory_bytes = 0;  ///< what the queue occupies now
  std::error_code error;           ///< why the queue could not be read: permission_denied, queue_damaged, ...
  Attributes attributes;
  Statistics statistics;
  std::uint64_t queued_bytes = 0;   ///< payload of all queued messages
  std::uint64_t most_bytes = 0;     ///< of it, where bytes are counted and not messages: in System V queues
  std::vector<std::int32_t> users;  ///< processes that have it open
};

/// One broken invariant: its number in docs/layout.md and what was found.
struct Finding {
  std::string invariant;
  std::string text;
};

/// All queues of a home, by name: "" for those in the queue directory; "kernel:" and "sysv:" for those of the kernel in
/// this IPC namespace, POSIX's and System V's. A queue that cannot be read is listed with its error.
/// @throws Error  permission_denied or not_found for the directory itself; permission_denied when this user may not
///                ask the kernel and no mqueue file system is mounted; unsupported for another home
[[nodiscard]] std::vector<QueueInfo> list(std::string_view home = {});

/// One queue. The kernel takes the look for the end of a registration with mq_notify that this process has with the
/// queue. @throws Error  invalid_name, name_too_long, not_found, permission_denied, not_a_queue, layout_mismatch
[[nodiscard]] QueueInfo describe(std::string_view name);

/// Tests every numbered invariant of a queue while its users are held off. Empty when all is well.
/// @throws Error  as describe; unsupported in other homes
[[nodiscard]] std::vector<Finding> check(std::string_view name);

/// The directory that holds the queues: MQXX_DIR, or /dev/shm.
[[nodiscard]] std::string queue_directory();

}  // namespace mqxx
