// Why the kernel refuses a queue: it has four limits and three errnos for them, one of which means something else too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <mqxx/types.hpp>

#include "base/result.hpp"

namespace mqxx::backend {

/// Nobody gets more, whatever the privilege.
inline constexpr std::uint64_t kKernelMostCapacity = 65536;
inline constexpr std::uint64_t kKernelMostMessageSize = std::uint64_t{16} << 20;

/// What a queue counts against RLIMIT_MSGQUEUE, as the kernel computes it: all of its messages with a header each, and
/// the nodes of its tree of priorities.
std::uint64_t kernel_charge(std::uint64_t capacity, std::uint64_t message_size) noexcept;

/// The limit behind a failed creation, as a code of its own where it has one. REQUIRES: called right after it failed.
Failure find_limit(Failure failure, const OpenOptions& wanted) noexcept;

/// What to say about a failure on a queue of the kernel: which limit, its value, what was asked for, how to raise it.
/// nullopt where there is no more to say than of any queue.
std::optional<std::string> kernel_words(Failure failure, std::uint64_t capacity, std::uint64_t message_size);

}  // namespace mqxx::backend
