// PendingOperation: an operation with its handler.
//
// It lives in memory of the handler's allocator, and tries and completes on the handler's executor. It is outstanding
// work of that one and of the queue's. A message is taken, or sent, in the same step in which the handler is called:
// nothing comes between the two that could lose the message.
#pragma once

#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

#include <mqxx/asio/operation.hpp>

namespace mqxx {
inline namespace MQXX_ASIO_KIND {
namespace async {

/// `Action` is what it does: `bool attempt(Queue&, std::error_code&)`, and
/// `void tell(Handler, ErrorCode)`, which calls the handler with what came of it.
template <class Action, class Handler, class Executor>
class PendingOperation final : public Operation {
  using Allocator =
      typename std::allocator_traits<net::associated_allocator_t<Handler>>::template rebind_alloc<PendingOperation>;
  using HandlerExecutor = net::associated_executor_t<Handler, Executor>;

  template <class Then>
  struct Step {
    using allocator_type = Allocator;
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator; }
    void operator()() { then(); }
    Allocator allocator;
    Then then;
  };
  template <class Then>
  Step(Allocator, Then) -> Step<Then>;

 public:
  static OperationPtr make(Action action, Handler&& handler, const Executor& executor) {
    Allocator allocator(net::get_associated_allocator(handler));
    PendingOperation* const room = allocator.allocate(1);
    try {
      return OperationPtr(new (room) PendingOperation(std::move(action), std::move(handler), executor));
    } catch (...) {
      allocator.deallocate(room, 1);
      throw;
    }
  }

  bool attempt(mqxx::Queue& queue, std::error_code& code) override { return action_.attempt(queue, code); }
  void try_later(Turn turn) override { later(trying(std::move(turn))); }
  void try_now(Turn turn) override { net::dispatch(work_.get_executor(), step(trying(std::move(turn)))); }
  void complete(ErrorCode code) override {
    Action action(std::move(action_));
    Handler handler(std::move(handler_));
    free();  // before the call: the handler may start the next operation in the same memory
    action.tell(std::move(handler), code);
  }
  void complete_later(OperationPtr self, ErrorCode code) override {
    later([self = std::move(self), code]() mutable { self.release()->complete(code); });
  }

 private:
  PendingOperation(Action&& action, Handler&& handler, const Executor& executor)
      : queue_work_(executor),
        work_(net::get_associated_executor(handler, executor)),
        action_(std::move(action)),
        handler_(std::move(handler)) {}

  static auto trying(Turn turn) {
    return [turn = std::move(turn)]() mutable { attempt_front(std::move(turn)); };
  }

  template <class Then>
  auto step(Then then) {
    return Step{Allocator(net::get_associated_allocator(handler_)), std::move(then)};
  }

  /// As the operations of Asio do: through the executor of the queue, and on from there to that of the handler, which
  /// may be one that runs what it gets in the thread that brings it (use_future).
  template <class Then>
  void later(Then then) {
    if constexpr (std::is_same_v<HandlerExecutor, Executor>) {
      if (work_.get_executor() == queue_work_.get_executor()) {
        net::post(queue_work_.get_executor(), step(std::move(then)));
        return;
      }
    }
    net::post(queue_work_.get_executor(), net::bind_executor(work_.get_executor(), step(std::move(then))));
  }

  void free() noexcept override {
    Allocator allocator(net::get_associated_allocator(handler_));
    this->~PendingOperation();
    allocator.deallocate(this, 1);
  }

  net::executor_work_guard<Executor> queue_work_;
  net::executor_work_guard<HandlerExecutor> work_;
  Action action_;
  Handler handler_;
};

}  // namespace async
}  // namespace MQXX_ASIO_KIND
}  // namespace mqxx
