#include "posix/notifier.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "os/guard.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"
#include "posix/descriptors.hpp"
#include "posix/failure.hpp"

namespace mqxx::posix {
namespace {

constexpr std::int64_t kLookUpNs = 1'000'000'000;
constexpr std::size_t kHelperStack = 65536;

// The caller's attributes may be gone when the thread is made. What a copy of the bytes would share with them is left
// out: a stack at a fixed place, which two notices would have to share, is kept, as the C library keeps it.
void copy_attributes(pthread_attr_t& copy, const pthread_attr_t* wanted) noexcept {
  pthread_attr_init(&copy);
  pthread_attr_setdetachstate(&copy, PTHREAD_CREATE_DETACHED);
  if (wanted == nullptr) return;
  std::size_t size = 0;
  int number = 0;
  sched_param parameters{};
  void* stack = nullptr;
  // Without a place of its own a stack ends at address 0.
  const bool got = pthread_attr_getstack(wanted, &stack, &size) == 0;
  if (got && reinterpret_cast<std::uintptr_t>(stack) + size != 0) {
    pthread_attr_setstack(&copy, stack, size);
  } else if (pthread_attr_getstacksize(wanted, &size) == 0) {
    pthread_attr_setstacksize(&copy, size);
  }
  if (pthread_attr_getguardsize(wanted, &size) == 0) pthread_attr_setguardsize(&copy, size);
  if (pthread_attr_getschedpolicy(wanted, &number) == 0) pthread_attr_setschedpolicy(&copy, number);
  if (pthread_attr_getschedparam(wanted, &parameters) == 0) pthread_attr_setschedparam(&copy, &parameters);
  if (pthread_attr_getinheritsched(wanted, &number) == 0) pthread_attr_setinheritsched(&copy, number);
  if (pthread_attr_getscope(wanted, &number) == 0) pthread_attr_setscope(&copy, number);
}

struct Call {
  void (*function)(sigval);
  sigval value;
};

void* run_call(void* argument) {
  const std::unique_ptr<Call> call(static_cast<Call*>(argument));
  const Call copy = *call;
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  copy.function(copy.value);
  return nullptr;
}

}  // namespace

// A signal from another user, or of another PID namespace, is raised here. Where senders may, a program with one thread
// keeps its one thread.
bool Notifier::needs_helper(OpenQueue& queue, const sigevent& event) noexcept {
  if (event.sigev_notify == SIGEV_THREAD) return true;
  if (event.sigev_notify == SIGEV_NONE) return false;
  return !queue.queue_if_mapped()->senders_may_raise();
}

void Notifier::fill(Order& order, const sigevent& event, std::uint32_t number) noexcept {
  order.open = true;
  order.number = number;
  order.kind = event.sigev_notify;
  order.signal = event.sigev_notify == SIGEV_SIGNAL ? event.sigev_signo : 0;
  order.value = event.sigev_value;
  if (event.sigev_notify != SIGEV_THREAD) return;
  order.function = event.sigev_notify_function;
  copy_attributes(order.attributes, static_cast<const pthread_attr_t*>(event.sigev_notify_attributes));
}

int Notifier::register_for(OpenQueue& queue, const sigevent& event) noexcept {
  shm::Registration registration;
  registration.kind = event.sigev_notify == SIGEV_SIGNAL   ? shm::Notice::signal
                      : event.sigev_notify == SIGEV_THREAD ? shm::Notice::thread
                                                           : shm::Notice::silent;
  registration.signal = event.sigev_notify == SIGEV_SIGNAL ? event.sigev_signo : 0;
  static_assert(sizeof registration.value == sizeof event.sigev_value);
  std::memcpy(&registration.value, &event.sigev_value, sizeof registration.value);
  const bool help = needs_helper(queue, event);
  if (help && !start_helper(queue) && event.sigev_notify == SIGEV_THREAD) return ENOMEM;

  shm::Queue& mapped = *queue.queue_if_mapped();
  if (pthread_mutex_lock(&lock_) != 0) return EDEADLK;  // a handler that interrupted this very function
  const Result<std::uint32_t> number = mapped.register_notice(registration);
  Order before;
  shm::Told told;
  if (number) {
    before = std::exchange(order_, Order{});
    if (before.open) told = mapped.notice(before.number);
    if (help) {
      fill(order_, event, *number);
      given_.store(*number, std::memory_order_release);  // meets the acquire in serve()
    }
  }
  pthread_mutex_unlock(&lock_);
  if (!number) return number.is(Errc::already_exists) ? EBUSY : errno_of(number.failure());
  if (help) os::wake(given_, os::kWakeAll);
  if (before.open) carry_out(before, told);
  return 0;
}

void Notifier::cancel(OpenQueue& queue) noexcept {
  shm::Queue* mapped = queue.queue_if_mapped();
  if (mapped == nullptr) return;
  const bool locked = pthread_mutex_lock(&lock_) == 0;
  if (mapped->cancel_notice() && locked) (void)std::exchange(order_, Order{});
  if (locked) pthread_mutex_unlock(&lock_);
}

bool Notifier::start_helper(OpenQueue& queue) noexcept {
  if (helper_.exchange(true, std::memory_order_acq_rel)) return true;
  pthread_attr_t attributes{};
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, std::max(kHelperStack, static_cast<std::size_t>(PTHREAD_STACK_MIN)));
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigdelset(&all, os::kGuardSignal);  // who touches a queue must be able to get it
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  // The thread marks the queue as used before anybody may close it: its maker is inside a call, and waits.
  struct Start {
    OpenQueue* queue;
    std::atomic<std::uint32_t> marked{0};
  } start{&queue};
  const int failed = pthread_create(
      &thread, &attributes,
      [](void* argument) -> void* {
        auto& from = *static_cast<Start*>(argument);
        OpenQueue& served = *from.queue;
        {
          Calling calling;
          if (calling.possible()) calling.use(&served);
          const bool marked = calling.possible();
          from.marked.store(1, std::memory_order_release);
          os::wake(from.marked, os::kWakeAll);
          if (marked) served.notifier().serve(served);
        }
        destroy_retired();
        return nullptr;
      },
      &start);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (failed != 0) {
    helper_.store(false, std::memory_order_release);
    return false;
  }
  while (start.marked.load(std::memory_order_acquire) == 0) {
    (void)os::wait_on(start.marked, 0, Wait::forever(), kLookUpNs);
  }
  return true;
}

Notifier::Order Notifier::take(std::uint32_t number) noexcept {
  pthread_mutex_lock(&lock_);
  Order order;
  if (order_.open && order_.number == number) order = std::exchange(order_, Order{});
  pthread_mutex_unlock(&lock_);
  return order;
}

void Notifier::serve(OpenQueue& queue) {
  for (std::uint32_t done = 0; !stopped_.load(std::memory_order_acquire);) {
    const std::uint32_t given = given_.load(std::memory_order_acquire);
    if (done == given) {
      (void)os::wait_on(given_, given, Wait::forever(), kLookUpNs);
      continue;
    }
    done = given;
    const shm::Told told = queue.queue_if_mapped()->await_notice(done);
    const Order order = take(done);
    if (order.open) carry_out(order, told);
  }
}

// What became of it is unknown when many others have registered since. It was not cancelled, so it was told: a signal
// by its sender, as long as he might, a thread by nobody but us.
void Notifier::carry_out(const Order& order, const shm::Told& told) noexcept {
  const bool owed = told.state == shm::Told::State::owed;
  if (order.kind == SIGEV_SIGNAL && owed) {
    std::uint64_t value = 0;
    std::memcpy(&value, &order.value, sizeof value);
    (void)os::raise_in_name_of(told.pid, told.uid, order.signal, value);  // refused only when the list is full
  }
  if (order.kind != SIGEV_THREAD) return;
  if (owed || told.state == shm::Told::State::unknown) {
    auto* call = new (std::nothrow) Call{order.function, order.value};
    pthread_t thread{};
    if (call != nullptr && pthread_create(&thread, &order.attributes, run_call, call) != 0) delete call;
  }
  pthread_attr_t attributes = order.attributes;
  pthread_attr_destroy(&attributes);
}

void Notifier::stop(OpenQueue& queue) noexcept {
  if (!helper_.load(std::memory_order_acquire)) return;
  cancel(queue);
  stopped_.store(true, std::memory_order_release);
  given_.fetch_xor(1U << 31, std::memory_order_acq_rel);  // a change, so that a helper on its way to sleep sees it
  os::wake(given_, os::kWakeAll);
}

void Notifier::forget_helper() noexcept {
  helper_.store(false, std::memory_order_relaxed);
  given_.store(0, std::memory_order_relaxed);
  lock_ = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  order_ = {};
}

}  // namespace mqxx::posix
