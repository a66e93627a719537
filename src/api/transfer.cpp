#include <algorithm>
#include <cerrno>
#include <string>

#include <mqxx/transfer.hpp>

#include "api/failure.hpp"
#include "backend/backend.hpp"
#include "base/error.hpp"

namespace mqxx {
namespace detail {

class Transfer {
 public:
  Transfer(const Queue& from, const Queue& to) noexcept : from_(from.home_.get()), to_(to.home_.get()) {}

  Transferred run(const TransferOptions& options) noexcept {
    Transferred done;
    if (!prepare(options)) return {.ended = Transferred::Ended::failed};
    while (done.messages < options.count) {
      last_ = from_->move_to(*to_, {.most = std::min(options.batch, options.count - done.messages),
                                    .more = options.follow ? options.wait : Wait::none(),
                                    .room = options.wait});
      done.messages += last_.messages;
      if (last_.ended == backend::Moved::Ended::well) continue;
      done.ended = ended();
      return done;
    }
    done.ended = Transferred::Ended::count;
    return done;
  }

  [[nodiscard]] Failure failure() const noexcept { return last_.failure; }

  [[noreturn]] void fail() const {
    if (failure().code == Errc::invalid_argument)
      fail_as("transfer from", from_, "it cannot go to itself, and a batch has 1 message or more");
    if (last_.ended == backend::Moved::Ended::at_source) fail_as("transfer from", from_, {});
    const std::string operation = "transfer from '" + name_of(from_) + "' to";
    if (failure().code != Errc::message_too_big) fail_as(operation, to_, {});
    fail_as(operation, to_,
            "messages of " + std::to_string(last_.size) + " bytes do not fit, the queue takes at most " +
                std::to_string(to_->message_size()) + "; what is left stays in the source");
  }

 private:
  using At = backend::Moved::Ended;

  bool prepare(const TransferOptions& options) noexcept {
    if (from_ == nullptr)
      last_ = {.ended = At::at_source, .failure = {Errc::closed, EBADF}};
    else if (to_ == nullptr)
      last_ = {.ended = At::at_destination, .failure = {Errc::closed, EBADF}};
    else if (options.batch == 0 || from_ == to_ || from_->identity() == to_->identity())
      last_ = {.ended = At::at_source, .failure = {Errc::invalid_argument, EINVAL}};
    return last_.ended == At::well;
  }

  // Late and stopped are the same wherever it waited.
  [[nodiscard]] Transferred::Ended ended() const noexcept {
    switch (failure().code) {
      case Errc::would_block:
        return last_.ended == At::at_source ? Transferred::Ended::empty : Transferred::Ended::full;
      case Errc::timed_out: return Transferred::Ended::timed_out;
      case Errc::stopped: return Transferred::Ended::stopped;
      default: return Transferred::Ended::failed;
    }
  }

  static std::string name_of(const backend::Backend* queue) { return queue == nullptr ? "" : queue->name(); }
  [[noreturn]] void fail_as(std::string_view operation, const backend::Backend* queue, std::string_view words) const {
    api::throw_failure(failure(), operation, name_of(queue), {.words = words});
  }

  backend::Backend* from_;
  backend::Backend* to_;
  backend::Moved last_;
};

}  // namespace detail

Transferred transfer(Queue& from, Queue& to, const TransferOptions& options) {
  detail::Transfer transfer(from, to);
  const Transferred done = transfer.run(options);
  if (done.ended == Transferred::Ended::failed) transfer.fail();
  return done;
}

Transferred transfer(Queue& from, Queue& to, const TransferOptions& options, std::error_code& ec) noexcept {
  detail::Transfer transfer(from, to);
  const Transferred done = transfer.run(options);
  ec = done.ended == Transferred::Ended::failed ? code_of(transfer.failure()) : std::error_code();
  return done;
}

}  // namespace mqxx
