// Port: a queue, its descriptor in the reactor, and the operations that were started on it. Thread-safe.
//
// Each direction is a line. Its first operation tries while the others wait; a turn, of which there is one a direction,
// goes from each to the next. Where there was nothing to take, or no room, the turn waits for the descriptor. So:
//   P1  the operations of a direction are done in the order in which they were started;
//   P2  a line that is not `idle` has one Turn: in a step of its first operation (`trying`) or in the wait (`waiting`);
//   P3  while `trying` the first operation stays the first, cancelled or not; else one that is cancelled leaves at
//   once; P4  no handler is called while the mutex is held.
//
// Nothing is missed although the reactor is edge-triggered: to begin a wait is to register anew, which tells of what is
// ready already.
//
// Longer than other headers, since it is the source as well.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <mqxx/asio/operation.hpp>
#include <mqxx/detail/reopened.hpp>

namespace mqxx {
inline namespace MQXX_ASIO_KIND {
namespace async {

class Port : public std::enable_shared_from_this<Port> {
 public:
  /// @throws Error  unsupported, closed; what the reactor and fcntl(2) say
  template <class Executor>
  Port(const Executor& executor, mqxx::Queue queue)
      : queue_(std::make_shared<mqxx::Queue>(std::move(queue))), descriptor_(executor) {
    int descriptor = detail::reopened(*queue_);
    const bool is_shared = descriptor < 0;
    if (is_shared) descriptor = ::fcntl(queue_->native_handle(), F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0) fail(ErrorCode(errno, net::error::get_system_category()));
    ErrorCode code;
    descriptor_.assign(descriptor, code);
    if (code) ::close(descriptor);
    if (code) fail(code);
    // Asio would make it O_NONBLOCK before it first waits for it. Where that is the queue's as well, the queue gets
    // back what it had, and Asio does not ask again.
    const bool nonblocking = queue_->is_nonblocking();
    descriptor_.native_non_blocking(true);
    if (is_shared) queue_->set_nonblocking(nonblocking);
  }

  /// REQUIRES: not closed.
  [[nodiscard]] mqxx::Queue& queue() const { return *queue_; }

  /// A number for the next operation, so that it can be cancelled from its start on.
  std::uint64_t next_number() { return ++last_number_; }

  void start(Direction direction, OperationPtr operation) {
    const std::lock_guard lock(mutex_);
    if (queue_ == nullptr) return complete_later(std::move(operation), make_error_code(Errc::closed));
    Line& line = line_of(direction);
    line.operations.push_back(std::move(operation));
    if (line.state != State::idle) return;  // its turn will come
    line.state = State::trying;
    line.operations.front()->try_later(Turn(shared_from_this(), direction));
  }

  /// On the executor of the first operation of the turn's direction.
  void attempt(Turn turn) {
    const auto self = shared_from_this();  // another thread may have the turn, and end it, as soon as it is given on
    Line& line = line_of(turn.direction());
    std::unique_lock lock(mutex_);
    Operation& first = *line.operations.front();
    if (!first.failure) {
      const std::shared_ptr<mqxx::Queue> queue = queue_;
      lock.unlock();
      std::error_code code;
      const bool over = first.attempt(*queue, code);
      lock.lock();
      if (over) {
        first.failure = ErrorCode(code);  // and not that it was cancelled meanwhile
      } else if (!first.failure) {
        return wait(line, std::move(turn));
      }
    }
    OperationPtr done = std::move(line.operations.front());
    line.operations.pop_front();
    if (line.operations.empty()) {
      line.state = State::idle;
      turn.lay_down();
    } else {
      line.operations.front()->try_later(std::move(turn));
    }
    lock.unlock();
    const ErrorCode failure = done->failure;
    done.release()->complete(failure);
  }

  void cancel(Direction direction, std::uint64_t number) {
    cancel_if(direction, [number](const OperationPtr& operation) { return operation->number == number; });
  }
  void cancel_all() {
    for (const Direction direction : {Direction::in, Direction::out}) cancel_if(direction, [](auto&) { return true; });
  }

  /// The queue itself is closed as soon as nobody tries it any more.
  void close() {
    const std::lock_guard lock(mutex_);
    const std::shared_ptr<mqxx::Queue> last = std::exchange(queue_, nullptr);  // it outlives the descriptor
    if (last == nullptr) return;
    cancel_all();
    ErrorCode ignored;
    descriptor_.close(ignored);
  }

  /// The turn is lost: see Turn.
  void forget(Direction direction) noexcept {
    std::deque<OperationPtr> forgotten;
    const std::lock_guard lock(mutex_);
    forgotten.swap(line_of(direction).operations);
    line_of(direction).state = State::idle;
  }

 private:
  enum class State : std::uint8_t { idle, trying, waiting };
  struct Line {
    State state = State::idle;
    std::deque<OperationPtr> operations;
    net::cancellation_signal stop;  // the wait, when there is nobody left to wait for
  };

  Line& line_of(Direction direction) { return lines_[direction == Direction::in ? 0 : 1]; }

  [[noreturn]] void fail(ErrorCode code) const {
    throw Error(code, "watch '" + queue_->name() + "': " + code.message());
  }

  /// Holds the mutex.
  void wait(Line& line, Turn turn) {
    line.state = State::waiting;
    const auto what = turn.direction() == Direction::in ? descriptor_.wait_read : descriptor_.wait_write;
    descriptor_.async_wait(
        what, net::bind_cancellation_slot(line.stop.slot(), [turn = std::move(turn)](ErrorCode code) mutable {
          Port& port = turn.port();
          port.wake(std::move(turn), code);
        }));
  }

  /// The wait is over; with `code` when it failed, or was stopped, since when operations may have come again.
  void wake(Turn turn, ErrorCode code) {
    const auto self = shared_from_this();
    Line& line = line_of(turn.direction());
    std::unique_lock lock(mutex_);
    if (line.operations.empty()) {
      line.state = State::idle;
      turn.lay_down();
      return;
    }
    line.state = State::trying;
    Operation& first = *line.operations.front();
    if (code != net::error::operation_aborted) first.failure = code;
    lock.unlock();
    first.try_now(std::move(turn));
  }

  template <class Predicate>
  void cancel_if(Direction direction, Predicate&& is_meant) {
    const ErrorCode aborted = net::error::operation_aborted;
    const std::lock_guard lock(mutex_);
    Line& line = line_of(direction);
    auto& all = line.operations;
    for (std::size_t i = 0; i < all.size();) {
      if (!is_meant(all[i])) {
        ++i;
      } else if (i == 0 && line.state == State::trying) {
        all[i++]->failure = aborted;
      } else {
        OperationPtr cancelled = std::move(all[i]);
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
        complete_later(std::move(cancelled), aborted);
      }
    }
    if (all.empty() && line.state == State::waiting) line.stop.emit(net::cancellation_type::terminal);
  }

  // A wait for which there is no memory loses its turn while the mutex is held: hence recursive.
  mutable std::recursive_mutex mutex_;
  std::atomic<std::uint64_t> last_number_ = 0;
  std::shared_ptr<mqxx::Queue> queue_;  // null: closed
  net::posix::stream_descriptor descriptor_;
  std::array<Line, 2> lines_;
};

inline Turn::~Turn() {
  if (port_ != nullptr) port_->forget(direction_);
}

inline void attempt_front(Turn turn) {
  Port& port = turn.port();
  port.attempt(std::move(turn));
}

}  // namespace async
}  // namespace MQXX_ASIO_KIND
}  // namespace mqxx
