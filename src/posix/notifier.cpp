#include "posix/notifier.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <new>

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

// A signal from another user, or of another PID namespace, is raised here. Where nobody else may open the queue, and
// everybody who may is allowed to raise signals, a program with one thread keeps its one thread.
bool Notifier::needs_helper(OpenQueue& queue, const sigevent& event) noexcept {
  if (event.sigev_notify == SIGEV_THREAD) return true;
  if (event.sigev_notify == SIGEV_NONE) return false;
  const Result<os::FileFacts> facts = os::facts(queue.queue_if_mapped()->segment().fd());
  return !facts || (facts->mode & 077U) != 0 || facts->uid != os::user_id();
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
  const Result<std::uint32_t> number = queue.queue_if_mapped()->register_notice(registration);
  if (!number) return number.is(Errc::already_exists) ? EBUSY : errno_of(number.failure());
  if (!help) return 0;

  const std::uint32_t given = given_.load(std::memory_order_relaxed);
  Order& order = orders_[given % kOrders];
  order.number = *number;
  order.kind = event.sigev_notify;
  order.signal = registration.signal;
  order.value = event.sigev_value;
  if (event.sigev_notify == SIGEV_THREAD) {
    order.function = event.sigev_notify_function;
    copy_attributes(order.attributes, static_cast<const pthread_attr_t*>(event.sigev_notify_attributes));
  }
  given_.store(given + 1, std::memory_order_release);  // meets the acquire in serve()
  os::wake(given_, os::kWakeAll);
  return 0;
}

void Notifier::cancel(OpenQueue& queue) noexcept {
  shm::Queue* mapped = queue.queue_if_mapped();
  if (mapped != nullptr) (void)mapped->cancel_notice();
}

bool Notifier::start_helper(OpenQueue& queue) noexcept {
  if (helper_.exchange(true, std::memory_order_acq_rel)) return true;
  pthread_attr_t attributes{};
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, std::max<std::size_t>(kHelperStack, PTHREAD_STACK_MIN));
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
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

void Notifier::serve(OpenQueue& queue) {
  for (std::uint32_t done = 0; !stopped_.load(std::memory_order_acquire);) {
    const std::uint32_t given = given_.load(std::memory_order_acquire);
    if (done == given) {
      (void)os::wait_on(given_, given, Wait::forever(), kLookUpNs);
      continue;
    }
    // What was overwritten was over long ago, or somebody would not have been able to register so often.
    if (given - done > kOrders) done = given - kOrders;
    Order order = orders_[done % kOrders];
    const shm::Told told = queue.queue_if_mapped()->await_notice(order.number);
    if (told.owed) carry_out(order, told.pid, told.uid);
    if (order.kind == SIGEV_THREAD) pthread_attr_destroy(&order.attributes);
    ++done;
  }
}

void Notifier::carry_out(const Order& order, std::int32_t sender, std::uint32_t uid) {
  if (order.kind == SIGEV_SIGNAL) {
    std::uint64_t value = 0;
    std::memcpy(&value, &order.value, sizeof value);
    (void)os::raise_in_name_of(sender, uid, order.signal, value);  // to ourselves: refused only when the list is full
    return;
  }
  auto* call = new (std::nothrow) Call{order.function, order.value};
  pthread_t thread{};
  if (call != nullptr && pthread_create(&thread, &order.attributes, run_call, call) != 0) delete call;
}

void Notifier::stop(OpenQueue& queue) noexcept {
  if (!helper_.load(std::memory_order_acquire)) return;
  cancel(queue);
  stopped_.store(true, std::memory_order_release);
  given_.fetch_add(0, std::memory_order_acq_rel);
  os::wake(given_, os::kWakeAll);
}

void Notifier::forget_helper() noexcept {
  helper_.store(false, std::memory_order_relaxed);
  given_.store(0, std::memory_order_relaxed);
}

}  // namespace mqxx::posix
