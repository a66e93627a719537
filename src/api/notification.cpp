#include <cerrno>
#include <new>
#include <string>
#include <utility>

#include <signal.h>

#include <mqxx/notification.hpp>

#include "api/dispatcher.hpp"
#include "api/failure.hpp"
#include "backend/backend.hpp"
#include "os/process.hpp"

namespace mqxx {
namespace detail {

/// What these calls see of a Queue.
class Notifying {
 public:
  static const std::shared_ptr<backend::Backend>& home_of(const Queue& queue) noexcept { return queue.home_; }
};

}  // namespace detail

namespace {

using detail::Dispatcher;
using detail::Notifying;
using detail::Subscriber;

Result<void> registered(const Queue& queue, backend::Notice notice) noexcept {
  const auto& home = Notifying::home_of(queue);
  if (home == nullptr) return Failure{Errc::closed, EBADF};
  return home->register_notice(std::move(notice));
}

Result<void> cancelled(const Queue& queue) noexcept {
  const auto& home = Notifying::home_of(queue);
  if (home == nullptr) return Failure{Errc::closed, EBADF};
  return home->cancel_notice();
}

/// Those that need not be cancelled in the child of a fork.
bool is_of_this_process(const std::shared_ptr<Subscriber>& subscriber) noexcept {
  return subscriber != nullptr && subscriber->born == os::fork_generation();
}

}  // namespace

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  cancel();
  subscriber_ = std::move(other.subscriber_);
  return *this;
}

void Subscription::cancel() noexcept {
  if (is_of_this_process(subscriber_)) Dispatcher::get()->cancel(*subscriber_);
  subscriber_.reset();
}

bool Subscription::is_active() const noexcept {
  return is_of_this_process(subscriber_) && Dispatcher::get()->is_active(*subscriber_);
}

Subscription on_message(Queue& queue, std::function<void(Queue&)> callback,
                        std::function<void(std::exception_ptr)> on_error) {
  const auto subscribe = [&]() -> Result<std::shared_ptr<Subscriber>> {
    const auto& home = Notifying::home_of(queue);
    if (home == nullptr) return Failure{Errc::closed, EBADF};
    if (!callback) return Errc::invalid_argument;
    if (home->access() == Access::write_only) return Errc::not_readable;
    Dispatcher* const dispatcher = Dispatcher::get();
    if (dispatcher == nullptr) return Errc::no_memory;
    auto subscriber = std::make_shared<Subscriber>(Subscriber{.queue = Queue(home),
                                                              .callback = std::move(callback),
                                                              .on_error = std::move(on_error),
                                                              .home = home,
                                                              .born = os::fork_generation()});
    const Result<void> added = dispatcher->add(subscriber);
    if (!added) return added.failure();
    return subscriber;
  };
  return Subscription(api::value_or_throw(or_no_memory(subscribe), "on_message", queue.name()));
}

void notify_by_signal(Queue& queue, int signal, std::uintptr_t value) {
  const bool is_signal = signal > 0 && signal <= SIGRTMAX;
  const Result<void> done =
      is_signal ? registered(queue, {.kind = backend::Notice::Kind::signal, .signal = signal, .value = value})
                : Errc::invalid_argument;
  const std::string words = is_signal ? "" : "there is no signal " + std::to_string(signal);
  api::success_or_throw(done, "notify_by_signal", queue.name(), {.words = words});
}

void notify_by_call(Queue& queue, std::function<void()> call) {
  const Result<void> done =
      call ? registered(queue, {.kind = backend::Notice::Kind::call, .call = std::move(call)}) : Errc::invalid_argument;
  api::success_or_throw(done, "notify_by_call", queue.name());
}

void notify_silently(Queue& queue) { api::success_or_throw(registered(queue, {}), "notify_silently", queue.name()); }

void cancel_notify(Queue& queue) { api::success_or_throw(cancelled(queue), "cancel_notify", queue.name()); }

// Of a queue that is closed, or that has no registrations, there is nothing to cancel.
SignalSubscription::~SignalSubscription() { (void)cancelled(*queue_); }

// One that is still pending is ours, and is made anew: what it would tell of is taken now.
MessageRange SignalSubscription::messages() {
  cancel_notify(*queue_);
  notify_by_signal(*queue_, signal_, value_);
  return queue_->drain();
}

}  // namespace mqxx
