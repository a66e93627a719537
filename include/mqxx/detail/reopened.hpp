// A descriptor of its own for who changes what belongs to the description: <mqxx/asio.hpp>, whose reactor makes each
// descriptor O_NONBLOCK.
#pragma once

namespace mqxx {

class Queue;

namespace detail {

/// A queue of the kernel is a descriptor, in whose description others may block: here is a new one, to poll and to
/// close. @return -1 in other homes, and where the system has no /proc or does not let this user open it any more
[[nodiscard]] int reopened(const Queue& queue) noexcept;

}  // namespace detail
}  // namespace mqxx
