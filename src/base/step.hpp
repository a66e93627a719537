// step(): the points at which a process may die with the queue half changed. Tests enumerate them and kill there.
//
// Nothing in release builds. With MQXX_STEPS a test installs `step_hook`, which is called at every point.
#pragma once

#include <cstdint>

namespace mqxx {

enum class Step : std::uint8_t {
  send_locked,
  slot_taken,
  slot_reserved,
  payload_written,
  message_committed,
  message_listed,
  receivers_woken,
  receive_locked,
  arrivals_sorted,
  message_chosen,
  payload_read,
  slot_freed,
  slot_returned,
  senders_woken,
  waiter_registered,
  waiter_woken,
  waiter_left,
  loan_marked,
  loan_copied,
  loan_ended,
  user_claimed,
  user_listed,
  user_left,
  poll_begun,
  poll_ended,
  bell_set,
  notice_registered,
  notice_gone,
  permissions_narrowed,
  permissions_told,
  owner_changed,
  recovery_begun,
  recovery_sorted,
  recovery_listed,
  recovery_done,
};
inline constexpr int kStepCount = static_cast<int>(Step::recovery_done) + 1;

#ifdef MQXX_STEPS
inline void (*step_hook)(Step) = nullptr;
inline void step(Step point) {
  if (step_hook != nullptr) step_hook(point);
}
#else
inline void step(Step) {}
#endif

}  // namespace mqxx
