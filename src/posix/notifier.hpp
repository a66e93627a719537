// Notifier: the part of mq_notify that lives in the registered process.
//
// A signal is raised by whoever sends the message, if he may. What he may not, and every SIGEV_THREAD, is done by a
// helper thread here, one for each queue that needs it. It blocks all signals and ends with the queue.
//   N1  registrations are handed to the helper in a small ring, so that a signal handler may register anew (mq_notify
//       allocates nothing once the helper runs).
//   N2  the child of a fork has no helper, and no registration.
#pragma once

#include <atomic>
#include <cstdint>

#include <pthread.h>
#include <signal.h>

namespace mqxx::posix {

class OpenQueue;

class Notifier {
 public:
  /// mq_notify with a sigevent. @return 0, or the errno
  int register_for(OpenQueue& queue, const sigevent& event) noexcept;
  /// mq_notify with NULL.
  static void cancel(OpenQueue& queue) noexcept;
  /// The helper is to end; it may take a moment.
  void stop(OpenQueue& queue) noexcept;
  void forget_helper() noexcept;

 private:
  struct Order {
    std::uint32_t number = 0;
    int kind = SIGEV_NONE;
    int signal = 0;
    sigval value{};
    void (*function)(sigval) = nullptr;
    pthread_attr_t attributes{};
  };
  static constexpr std::uint32_t kOrders = 8;

  bool start_helper(OpenQueue& queue) noexcept;
  static void* run_helper(void* queue);
  void serve(OpenQueue& queue);
  static bool needs_helper(OpenQueue& queue, const sigevent& event) noexcept;
  static void carry_out(const Order& order, std::int32_t sender, std::uint32_t uid);

  Order orders_[kOrders];
  std::atomic<std::uint32_t> given_{0};  // orders so far; the helper sleeps on it
  std::atomic<bool> helper_{false};
  std::atomic<bool> stopped_{false};
};

}  // namespace mqxx::posix
