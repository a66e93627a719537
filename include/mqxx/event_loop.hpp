// EventLoop: queues, timers, signals, descriptors and posted functions, waited for by one thread. docs/event-loop.md
// is the guide; coroutine.hpp has what `co_await` needs.
//
// A loop belongs to one thread at a time: only post() and stop() may be called from others.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stop_token>
#include <utility>

#include <mqxx/events.hpp>
#include <mqxx/message.hpp>
#include <mqxx/queue.hpp>
#include <mqxx/watch.hpp>

namespace mqxx {

template <class T>
class Task;

namespace detail {
class LoopAccess;
class Receiving;
class StoppableReceiving;
class Sending;
class StoppableSending;
class Sleeping;
class StoppableSleeping;
class SignalAwaiting;
class StoppableSignalAwaiting;
}  // namespace detail

/// Callbacks run in the thread that runs the loop, one at a time. They may do everything but run or destroy the loop.
/// An exception of a callback leaves run(), which may be called again: nothing that was to be done is lost.
///
/// A watch of a queue keeps a handle of its own to the queue's description (Queue::duplicate), which it closes when it
/// ends: the Queue that it was given may be moved, closed or destroyed at any time.
///
/// In a child of fork(2) the loop is its parent's: the child may destroy it and nothing else.
class EventLoop {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::nanoseconds;

  /// Why run() returned.
  enum class Ended : std::uint8_t {
    stopped,       ///< stop() was called
    nothing_left,  ///< no watch is active, no task unfinished, no function posted
    timed_out,     ///< the time of run_for() has passed
  };

  /// @throws Error  too_many_files, no_memory; unsupported on the port `generic`
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  /// Ends every watch and destroys every task that has not finished. REQUIRES: it is not running.
  ~EventLoop();

  // ---- Queues ------------------------------------------------------------------------------------------------------

  /// Calls back in each turn in which the queue has a message. What it has in the end of the turn it is told of again.
  /// Somebody else may be faster: try_receive. A queue that fails is readable, and the receive says why.
  /// @throws Error  as Queue::native_handle, and no_space: fs.epoll.max_user_watches
  Watch on_readable(const Queue& queue, std::function<void(Queue&)> callback);
  /// Calls back in each turn in which the queue has room: to be cancelled when there is nothing to send.
  Watch on_writable(const Queue& queue, std::function<void(Queue&)> callback);
  /// Receives messages and hands them over one by one: each is taken from the queue when its turn has come and not
  /// before, so what is not delivered stays queued, whatever ends the loop.
  /// @throws Error  not_readable, invalid_argument (most_per_turn is 0), and as on_readable
  Watch on_message(const Queue& queue, std::function<void(Message)> callback, DrainOptions options = {});

  // ---- Timers: on the monotonic clock, never early -----------------------------------------------------------------

  /// Calls back after each period, and says how many have passed since it was called last: 1, or more when the loop was
  /// late. Lateness does not add up: the n-th is due n periods from now, whenever those before it ran.
  /// @throws Error  invalid_argument: the period is not positive
  Watch every(Duration period, std::function<void(std::uint64_t periods)> callback);
  template <std::invocable<> Callback>
  Watch every(Duration period, Callback callback) {
    return every(period, std::function<void(std::uint64_t)>(
                             [callback = std::move(callback)](std::uint64_t) mutable { callback(); }));
  }
  /// Calls back once. What is due already is called in the next turn.
  Watch after(Duration delay, std::function<void()> callback);
  Watch at(TimePoint when, std::function<void()> callback);

  // ---- Signals, descriptors, functions -----------------------------------------------------------------------------

  /// Calls back for each signal. The signal is blocked in the calling thread, which must be the loop's; other threads
  /// must block it too, or it may be delivered there: those made afterwards by this one do. When its last watch ends,
  /// signals of that kind which are still pending are discarded, and it is unblocked if it was not blocked before.
  /// @throws Error  invalid_argument: no signal, or one that cannot be watched (SIGKILL, SIGSTOP, and what a fault
  ///                raises: SIGSEGV, SIGBUS, SIGFPE, SIGILL)
  Watch on_signal(int signal, std::function<void(const SignalInfo&)> callback);
  Watch on_signal(std::initializer_list<int> signals, std::function<void(const SignalInfo&)> callback);

  /// Any descriptor that epoll takes; it stays the caller's, who cancels the watch before closing it. Level-triggered
  /// unless every watch of that descriptor asks for Events::edges.
  /// @throws Error  closed: no open descriptor; permission_denied: a file, which is always ready; no_space
  Watch on_descriptor(int descriptor, Events events, std::function<void(Events)> callback);

  /// Calls the function in the loop's thread, in the order of the calls. From any thread, while the loop lives.
  void post(std::function<void()> function);

  // ---- Running -----------------------------------------------------------------------------------------------------

  /// Waits and calls back until stop() is called or nothing is left to wait for.
  /// @throws Error  would_deadlock: from a callback; unsupported: in a child of fork. And what callbacks throw
  Ended run();
  /// The same for so long at most, and at least one turn: run_for(0s) calls what is ready and does not wait.
  Ended run_for(Duration duration);
  /// Ends run() after the turn in progress and the drains that were asked for; if none is in progress, the next one at
  /// once. From any thread while the loop lives, and from signal handlers.
  void stop() noexcept;
  /// A watch that calls nothing: something is left to wait for until it is cancelled. For loops that others post to.
  Watch keep_running();

  // ---- Coroutines: include <mqxx/coroutine.hpp> --------------------------------------------------------------------

  /// Runs the task from the next turn on. Cancelling its watch destroys it where it is suspended; an exception that
  /// leaves it leaves run().
  Watch spawn(Task<void> task);

  /// `Message message = co_await loop.receive(queue);` A message that is there is taken at once; of several that wait
  /// the first that came gets the first message. With a stop token the answer is optional: none, or false, when the
  /// token was triggered first.
  [[nodiscard]] detail::Receiving receive(Queue& queue);
  [[nodiscard]] detail::StoppableReceiving receive(Queue& queue, std::stop_token stop);
  /// `co_await loop.send(queue, "payload", 10);` The payload must live until it was sent.
  [[nodiscard]] detail::Sending send(Queue& queue, Payload payload, Priority priority = 0);
  [[nodiscard]] detail::StoppableSending send(Queue& queue, Payload payload, std::stop_token stop,
                                              Priority priority = 0);
  /// sleep(0s) lets the others have their turn.
  [[nodiscard]] detail::Sleeping sleep(Duration delay);
  [[nodiscard]] detail::StoppableSleeping sleep(Duration delay, std::stop_token stop);
  /// The next one, watched from here until it comes: see on_signal. Who waits for several keeps a watch beside it.
  [[nodiscard]] detail::SignalAwaiting signal(int signal);
  [[nodiscard]] detail::StoppableSignalAwaiting signal(int signal, std::stop_token stop);

 private:
  friend class detail::LoopAccess;
  std::unique_ptr<loop::Core> core_;
};

}  // namespace mqxx
