// Initiate: what an asynchronous call of AsyncQueue does when its completion token has become a handler.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <mqxx/asio/pending.hpp>
#include <mqxx/asio/port.hpp>

namespace mqxx {
inline namespace MQXX_ASIO_KIND {
namespace async {

/// A deferred operation keeps one, and may be started after its AsyncQueue was moved.
template <class Executor>
struct Initiate {
  using executor_type = Executor;
  [[nodiscard]] executor_type get_executor() const noexcept { return executor; }

  template <class Handler, class Action>
  void operator()(Handler&& handler, Action action) const {
    const auto slot = net::get_associated_cancellation_slot(handler);
    auto operation = PendingOperation<Action, std::decay_t<Handler>, Executor>::make(
        std::move(action), std::decay_t<Handler>(std::forward<Handler>(handler)), executor);
    if (port == nullptr) return complete_later(std::move(operation), make_error_code(Errc::closed));
    operation->number = port->next_number();
    if (slot.is_connected()) connect(slot, operation->number);
    port->start(direction, std::move(operation));
  }

  template <class Slot>
  void connect(Slot slot, std::uint64_t number) const {
    const auto cancels = [to = std::weak_ptr(port), which = direction, number](net::cancellation_type type) {
      if (type == net::cancellation_type::none) return;
      if (const auto still = to.lock()) still->cancel(which, number);
    };
    slot.assign(cancels);
  }

  Executor executor;
  std::shared_ptr<Port> port;
  Direction direction;
};

}  // namespace async
}  // namespace MQXX_ASIO_KIND
}  // namespace mqxx
