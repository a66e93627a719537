// How priorities and the types of System V messages are the same, and what is queued in their order.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include <mqxx/cursor.hpp>
#include <mqxx/message.hpp>
#include <mqxx/types.hpp>

#include "base/result.hpp"

namespace mqxx::backend {

/// The lowest type leaves first, so priority 32767 is type 1 and priority 0 is 32768. What others sent with a type
/// above that comes after all of ours, as priority 0.
inline constexpr long kLowestPriorityType = static_cast<long>(kMaxPriority) + 1;
/// Asks for the first message of the lowest type there is.
inline constexpr long kEveryType = -std::numeric_limits<long>::max();

constexpr long type_of(Priority priority) noexcept { return kLowestPriorityType - static_cast<long>(priority); }
constexpr Priority priority_of(long type) noexcept {
  return type >= kLowestPriorityType ? 0 : static_cast<Priority>(kLowestPriorityType - type);
}

struct SysvSeen {
  long type = 0;
  Message message;
};

/// The oldest `window` messages in the order in which they would be received, if there were no others. Fails as
/// peek_in_order.
Result<std::vector<SysvSeen>> see_in_order(int queue, std::size_t window) noexcept;

/// The messages behind the cursor in the order in which they would be received: see Backend::peek. The system shows
/// them by age, one a call: one that another process takes meanwhile makes the next be passed over. The cursor counts
/// those of its type that were seen. Fails with unsupported where the system shows none.
Result<std::vector<Message>> peek_in_order(int queue, Cursor& cursor, const PeekOptions& options) noexcept;

}  // namespace mqxx::backend
