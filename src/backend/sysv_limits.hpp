// Why the system refuses a System V queue: which of its limits, or which part of the address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mqxx/types.hpp>

#include "base/result.hpp"
#include "os/sysv_queue.hpp"

namespace mqxx::backend {

/// Nobody gets more bytes, whatever the privilege: the kernel counts them in an int.
inline constexpr std::uint64_t kSysvMostBytes = 0x7fffffff;

/// What no privilege helps against: invalid_capacity, invalid_message_size, queue_too_large.
std::optional<Failure> refused_sysv(const OpenOptions& wanted, const os::SysvLimits& limits) noexcept;

/// What to say about a failure on a System V queue: which limit, its value, what was asked for, how to raise it.
/// nullopt where there is no more to say than of any queue.
/// @param name  with its prefix
std::optional<std::string> sysv_words(Failure failure, std::string_view name, std::uint64_t capacity,
                                      std::uint64_t message_size);

/// How to write an address, for one that is none.
std::string sysv_grammar();

}  // namespace mqxx::backend
