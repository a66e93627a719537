// Operation: one send or receive that was started and has not completed; Turn: the right to try it.
// mqxx/asio/port.hpp decides when it tries, mqxx/asio/pending.hpp is what it consists of.
#pragma once

#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include <mqxx/asio/library.hpp>
#include <mqxx/queue.hpp>

namespace mqxx {
inline namespace MQXX_ASIO_KIND {
namespace async {

class Port;
class Operation;

/// Frees an operation without telling anybody, as Asio does when an executor ends.
struct Forget {
  void operator()(Operation* operation) const noexcept;
};
using OperationPtr = std::unique_ptr<Operation, Forget>;

enum class Direction : std::uint8_t { in, out };

/// The right to try, of which each direction of a port has one. Who destroys it unused, together with the executor on
/// which it was to be used, forgets all operations of the direction: nobody would ever wake them.
class Turn {
 public:
  Turn(std::shared_ptr<Port> port, Direction direction) noexcept : port_(std::move(port)), direction_(direction) {}
  Turn(Turn&&) noexcept = default;
  Turn& operator=(Turn&&) = delete;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn();

  [[nodiscard]] Port& port() const { return *port_; }
  [[nodiscard]] Direction direction() const { return direction_; }
  /// There is nobody left to give it to. @return what kept the port alive
  std::shared_ptr<Port> lay_down() { return std::move(port_); }

 private:
  std::shared_ptr<Port> port_;
  Direction direction_;
};

/// Tries the first operation of the turn's direction, on the executor of its handler. mqxx/asio/port.hpp
void attempt_front(Turn turn);

class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  /// @return whether it is over: done, or failed with `code`
  virtual bool attempt(mqxx::Queue& queue, std::error_code& code) = 0;
  /// Calls attempt_front on the executor of the handler: not before returning, or now if this is that executor.
  virtual void try_later(Turn turn) = 0;
  virtual void try_now(Turn turn) = 0;
  /// Frees it and calls the handler. REQUIRES: on the executor of the handler.
  virtual void complete(ErrorCode code) = 0;
  /// The same on the executor of the handler, not before returning.
  virtual void complete_later(OperationPtr self, ErrorCode code) = 0;

  std::uint64_t number = 0;  ///< cancels it; never used twice in a port
  ErrorCode failure;         ///< why it will complete without trying (again)

 protected:
  Operation() = default;
  virtual ~Operation() = default;

 private:
  friend struct Forget;
  virtual void free() noexcept = 0;
};

inline void Forget::operator()(Operation* operation) const noexcept { operation->free(); }

inline void complete_later(OperationPtr operation, ErrorCode code) {
  Operation& completed = *operation;
  completed.complete_later(std::move(operation), code);
}

}  // namespace async
}  // namespace MQXX_ASIO_KIND
}  // namespace mqxx
