// Look at queues without taking part in them: no message is taken, nobody is woken, nothing is changed. And repair, for
// one that is damaged.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <mqxx/types.hpp>

namespace mqxx {

/// Who is registered to be told of the next message. @see mq_notify(3)
struct RegistrationInfo {
  enum class How : std::uint8_t { nobody, signal, thread, silent };
  How how = How::nobody;  ///< SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_NONE
  std::int32_t pid = 0;
  int signal = 0;  ///< where it is one
};

/// One queue as an observer sees it. Fields after `error` are zero where it is set.
struct QueueInfo {
  std::string name;       ///< as Queue::open takes it, with its slash
  std::uint32_t uid = 0;  ///< owner
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;          ///< permission bits that were asked for, less the umask
  bool counted = true;             ///< false: the kernel keeps no counts; memory_bytes, pollers and the counts of
                                   ///< statistics are zero, in POSIX queues of the kernel all of statistics
  std::uint64_t memory_bytes = 0;  ///< what the queue occupies now
  std::error_code error;           ///< why the queue could not be read: permission_denied, queue_damaged, ...
  Attributes attributes;
  Statistics statistics;
  std::uint64_t queued_bytes = 0;     ///< payload of all queued messages
  std::uint64_t most_bytes = 0;       ///< of it, where bytes are counted and not messages: in System V queues
  std::vector<std::int32_t> users;    ///< processes that have it open; of queues of the kernel those of which this user
                                      ///< may know, of System V queues none
  std::vector<std::string> commands;  ///< of users, in their order: what each program calls itself; "" when nobody
                                      ///< tells, and for a process of another PID namespace
  RegistrationInfo registration;      ///< of queues of the kernel only where this user may receive
  std::uint32_t pollers = 0;          ///< polls under way; not counted in the kernel
};

/// One broken invariant: its number in docs/layout.md and what was found.
struct Finding {
  std::string invariant;
  std::string text;
};

/// The names of all queues of a home, sorted, and nothing else of them: much quicker than list. @throws Error  as list
[[nodiscard]] std::vector<std::string> names(std::string_view home = {});

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

/// What repair found and left.
struct Repair {
  std::vector<Finding> found;
  std::vector<Finding> left;         ///< empty: all is well now
  std::size_t messages_dropped = 0;  ///< that no receive could have taken, for their length or priority
};

/// Makes all that can be derived from the messages anew from them, as every process does that finds the work of a dead
/// one half done; its users are held off meanwhile. A queue that is well is left alone. What is left is beyond repair:
/// such a queue can only be removed.
/// @throws Error  as check; queue_damaged where the file itself is cut or its header is not one
Repair repair(std::string_view name);

/// A bound that calls run into, how near this user is to it, and what then happens.
struct Limit {
  std::string home;                   ///< "/", "kernel:" or "sysv:"
  std::string what;                   ///< a stable word: "capacity", "message_size", "queues", "bytes", ...
  std::string unit;                   ///< "messages", "bytes", "queues", "files", "processes"
  std::string meaning;                ///< a few words
  std::string setting;                ///< what sets it, "fs.mqueue.msg_max", "RLIMIT_MSGQUEUE"; "" where nothing can
  std::optional<std::uint64_t> most;  ///< nullopt: unlimited
  std::optional<std::uint64_t> used;  ///< nullopt: it bounds each call or queue by itself, and is not used up
  std::error_code error;              ///< what a call fails with that would go beyond
  std::string symbol;                 ///< its errno, "EMFILE"
  std::string remedy;                 ///< how to raise it, or what else to do
  std::vector<std::string> sum;       ///< what `used` is made of, a line each; RLIMIT_MSGQUEUE alone
};

/// Every limit that applies to this user, in all homes that there are here.
[[nodiscard]] std::vector<Limit> limits();

/// A part of a queue's file. @see docs/layout.md
struct Region {
  std::string name;
  std::uint64_t offset = 0;  ///< from the beginning of the file
  std::uint64_t size = 0;
};

/// Where the parts of a queue in shared memory lie.
struct Layout {
  std::uint32_t format = 0;
  std::uint64_t ring_entries = 0;
  std::uint64_t stride = 0;     ///< bytes from slot to slot
  bool sparse = false;          ///< each slot starts on a page, and is reserved as far as a message needed
  std::vector<Region> header;   ///< the parts of the first region
  std::vector<Region> regions;  ///< of the whole file, without a gap but for alignment
  std::uint64_t file_bytes = 0;
};

/// Of a queue of that capacity and message size, whether or not there is one.
/// @throws Error  invalid_capacity, invalid_message_size, queue_too_large
[[nodiscard]] Layout layout(std::size_t capacity, std::size_t message_size);

/// The directory that holds the queues: MQXX_DIR, or /dev/shm.
[[nodiscard]] std::string queue_directory();

}  // namespace mqxx
