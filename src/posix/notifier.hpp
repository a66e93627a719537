// Notifier: the part of mq_notify that lives in the registered process.
//
// A signal is raised by whoever sends the message, if he may. What he may not, and every SIGEV_THREAD, is done by a
// helper thread here, one for each queue that needs it. It blocks all signals and ends with the queue.
//   N1  there is one order: what to do for the newest registration of this process. The next one can only be made when
//       that is over, so whoever makes it first finishes an order that the helper has not come to.
//   N2  exactly one of them, helper or registering thread, takes an order; a cancelled one is taken by nobody.
//   N3  the child of a fork has no helper, and no registration.
#pragma once

#include <atomic>
#include <cstdint>

#include <pthread.h>
#include <signal.h>

#include "shm/queue.hpp"

namespace mqxx::posix {

class OpenQueue;

class Notifier {
 public:
  /// mq_notify with a sigevent. @return 0, or the errno
  int register_for(OpenQueue& queue, const sigevent& event) noexcept;
  /// mq_notify with NULL.
  void cancel(OpenQueue& queue) noexcept;
  /// The helper is to end; it may take a moment.
  void stop(OpenQueue& queue) noexcept;
  void forget_helper() noexcept;

 private:
  struct Order {
    bool open = false;
    std::uint32_t number = 0;
    int kind = SIGEV_NONE;
    int signal = 0;
    sigval value{};
    void (*function)(sigval) = nullptr;
    pthread_attr_t attributes{};
  };

  bool start_helper(OpenQueue& queue) noexcept;
  void serve(OpenQueue& queue);
  static bool needs_helper(OpenQueue& queue, const sigevent& event) noexcept;
  static void fill(Order& order, const sigevent& event, std::uint32_t number) noexcept;
  Order take(std::uint32_t number) noexcept;
  static void carry_out(const Order& order, const shm::Told& told) noexcept;

  pthread_mutex_t lock_ = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  Order order_;                          // under the lock
  std::atomic<std::uint32_t> given_{0};  // number of the order; the helper sleeps on it
  std::atomic<bool> helper_{false};
  std::atomic<bool> stopped_{false};
};

}  // namespace mqxx::posix
