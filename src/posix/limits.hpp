// Limits: how large a queue may be, how many there may be, and how many bytes of them one user may have.
//
// They are a policy and not a wall: who may write to the directory can make queues without this library. They come, in
// this order, from the bounds of the engine, from the administrator's file, and from the environment, which may only
// lower them. MQXX_COMPAT=linux lowers them to what Linux has when nobody has changed it, and adds Linux's exceptions.
//
// Thread safety: every function may be called from any thread at any time, also in the child of a fork. None writes
// errno or prints.
//   L1  a limit is never above what the administrator's file says, whatever the environment and the privileges.
//   L2  the file is read once in the life of a process, the environment at every call, but not in a process with raised
//       privileges (secure execution).
//   L3  limits are looked at when a queue is created. Two processes that create at the same moment may both be admitted
//       to the last place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include <mqxx/types.hpp>

namespace mqxx::posix {

inline constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
inline constexpr const char* kConfiguration = "/etc/mqxx.conf";

struct Limits {
  std::uint64_t msg_max = kMaxCapacity;
  std::uint64_t msgsize_max = kMaxMessageSize;  ///< bytes
  std::uint64_t msg_default = 10;               ///< capacity of a queue that is created without attributes
  std::uint64_t msgsize_default = 8192;         ///< its message size, bytes
  std::uint64_t queues_max = 100'000;           ///< in one directory
  std::uint64_t quota = kUnlimited;             ///< bytes for each real user, as charge() counts them
  /// For processes with CAP_SYS_RESOURCE; equal to the three above except under MQXX_COMPAT=linux.
  std::uint64_t privileged_msg_max = kMaxCapacity;
  std::uint64_t privileged_msgsize_max = kMaxMessageSize;
  std::uint64_t privileged_queues_max = 100'000;

  bool operator==(const Limits&) const = default;
};

/// What holds for this process now. The defaults are within the maxima.
Limits limits() noexcept;

/// Whether a queue may be created in `directory`: 0, or the errno, in the order in which Linux looks: ENOSPC (too many
/// queues), EINVAL (capacity or message size), EMFILE (too many bytes of this user).
int admit(long capacity, long message_size, const std::string& directory) noexcept;

/// What a queue costs its user: its messages, and 48 bytes for each of them twice, as in Linux.
/// REQUIRES: capacity <= kMaxCapacity, message_size <= kMaxMessageSize.
std::uint64_t charge(std::uint64_t capacity, std::uint64_t message_size) noexcept;

// ---- The steps, one by one, for tests

/// Lines of `name = number`, comments after #. A line that means nothing is passed over whole.
void configure(Limits& limits, std::string_view text) noexcept;
/// The same with a file, if it is a regular one that belongs to `owner` and that nobody else may write.
void configure_from_file(Limits& limits, const char* path, uid_t owner) noexcept;
/// Lowers by MQXX_COMPAT and the other variables, as `variable` knows them.
void lower(Limits& limits, const char* (*variable)(const char* name)) noexcept;
/// admit() under given limits.
int admit(const Limits& limits, bool privileged, long capacity, long message_size,
          const std::string& directory) noexcept;

/// Of the queues of a directory, also those without a name that are still open.
struct Census {
  std::uint64_t queues = 0;
  std::uint64_t bytes = 0;  ///< charged to the user; 0 when none is named, for that is much slower
};
Census count_queues(const std::string& directory, std::optional<uid_t> user) noexcept;

}  // namespace mqxx::posix
