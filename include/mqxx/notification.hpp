// Notification: being told of messages without waiting for them in a call. docs/notification.md is the guide.
//
// on_message calls back whenever there are messages, and misses none. What mq_notify(3) has, told once and then not any
// more, is the second half.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>

#include <mqxx/queue.hpp>

namespace mqxx {

namespace detail {
struct Subscriber;
}

// ---- Whenever there are messages -----------------------------------------------------------------------------------

/// What on_message() made; it ends the subscription when it is destroyed. In the child of a fork(2) it is nothing.
class Subscription {
 public:
  Subscription() noexcept = default;
  /// What on_message() makes it of.
  explicit Subscription(std::shared_ptr<detail::Subscriber> subscriber) noexcept : subscriber_(std::move(subscriber)) {}
  Subscription(Subscription&& other) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() { cancel(); }

  /// Afterwards the callback does not run, nor will it: waits for one that does, except from inside a callback, where
  /// it is the last time.
  void cancel() noexcept;
  /// Neither cancelled nor ended by an error.
  [[nodiscard]] bool is_active() const noexcept;

 private:
  std::shared_ptr<detail::Subscriber> subscriber_;
};

/// Calls `callback` in a thread of the library when there are messages: now, if there are some; when one comes to the
/// empty queue; and again when it has returned, if messages are left and any came or went since it was called. So a
/// callback that takes all there is, with try_receive() or drain(), misses nothing, and one that takes some is called
/// until none is left. One that takes nothing is called with the next message that comes or goes, and not before.
///
/// Any number may subscribe to a queue, in any number of processes: each is called while there are messages, and each
/// message is received by one of them. Nobody's registration is taken. All callbacks of a process run in one thread,
/// one after the other, which blocks all signals; a queue stays open as long as there is a subscription to it.
///
/// @param callback  gets a handle of the same description
/// @param on_error  is told once, in the same thread, what has ended the subscription: what the callback has thrown; or
///                  an Error queue_removed (System V) or queue_damaged. Without it that ends the program with
///                  std::terminate, as it would end a std::thread: nothing is lost in silence
/// A child forked from a callback has that thread alone, and ends when the callback returns.
/// @throws Error  closed, not_readable, invalid_argument (no callback), no_memory, too_many_files; unsupported on the
///                port `generic`
[[nodiscard]] Subscription on_message(Queue& queue, std::function<void(Queue&)> callback,
                                      std::function<void(std::exception_ptr)> on_error = {});

// ---- Once, as mq_notify(3) -----------------------------------------------------------------------------------------

/// Registers this process: when a message comes to the empty queue and nobody waits for it in a receive, `signal` is
/// raised in this process, with `value` and the sender as the kernel does it (SI_MESGQ), and the registration is over.
/// One process at a time may be registered with a queue; its end, and closing the queue, end the registration. To miss
/// no message register first, and take what is there then: SignalSubscription.
/// @throws Error  already_registered, invalid_argument (no signal), closed, no_memory; unsupported in System V
void notify_by_signal(Queue& queue, int signal, std::uintptr_t value = 0);
/// The same with a call in a thread of its own that is made for it, which blocks all signals. What it throws ends the
/// program. @see SIGEV_THREAD
void notify_by_call(Queue& queue, std::function<void()> call);
/// The same with nothing: it takes the place, until the message comes. @see SIGEV_NONE
void notify_silently(Queue& queue);
/// This process is not registered any more, if it was. A call that has not begun is not made.
void cancel_notify(Queue& queue);

/// notify_by_signal() again and again, in the right order: messages() registers, and then takes what is there. A
/// message that comes meanwhile is either taken or raises the signal. Call it once at the beginning, and whenever the
/// signal has come: not in its handler, but where it is waited for (sigwait, signalfd, a flag). `for (const Message&
/// message : subscription.messages()) ...`
class SignalSubscription {
 public:
  /// Does not register yet. `queue` must outlive it.
  SignalSubscription(Queue& queue, int signal, std::uintptr_t value = 0) noexcept
      : queue_(&queue), signal_(signal), value_(value) {}
  SignalSubscription(const SignalSubscription&) = delete;
  SignalSubscription& operator=(const SignalSubscription&) = delete;
  ~SignalSubscription();

  /// @throws Error  as notify_by_signal; already_registered only of another process
  MessageRange messages();

 private:
  Queue* queue_;
  int signal_;
  std::uintptr_t value_;
};

}  // namespace mqxx
