#include "backend/shm_notice.hpp"

#include <atomic>
#include <functional>
#include <new>
#include <utility>

#include "os/process.hpp"

namespace mqxx::backend {
namespace {

shm::Notice kind_of(const Notice& notice) noexcept {
  switch (notice.kind) {
    case Notice::Kind::signal: return shm::Notice::signal;
    case Notice::Kind::call: return shm::Notice::thread;
    case Notice::Kind::nothing: break;
  }
  return shm::Notice::silent;
}

}  // namespace

struct ShmNotice::Order {
  Notice notice;
  std::atomic<std::uint32_t> number{0};  // of the registration
  shm::Told told{};
  std::mutex mutex;
  bool cancelled = false;  // under the mutex

  bool await(shm::Queue& queue) noexcept {
    told = queue.await_notice(number);
    const std::scoped_lock lock(mutex);
    if (told.state == shm::Told::State::owed) return true;
    // Many others have registered since. It was told: a signal by the sender, if he might.
    return told.state == shm::Told::State::unknown && !cancelled && notice.kind == Notice::Kind::call;
  }
  void act() const {
    if (notice.kind == Notice::Kind::call) return notice.call();
    (void)os::raise_in_name_of(told.pid, told.uid, notice.signal, notice.value);  // refused when the list is full
  }
};

ShmNotice::ShmNotice(shm::Queue& queue) noexcept : queue_(queue) {}

Result<std::unique_ptr<ShmNotice>> ShmNotice::make(shm::Queue& queue) noexcept {
  std::unique_ptr<ShmNotice> notice(new (std::nothrow) ShmNotice(queue));
  if (notice == nullptr) return Errc::no_memory;
  return notice;
}

ShmNotice::~ShmNotice() { cancel(); }

Result<std::uint32_t> ShmNotice::enter(const Notice& notice) noexcept {
  const Result<std::uint32_t> number = queue_.register_notice({kind_of(notice), notice.signal, notice.value});
  if (number.is(Errc::already_exists)) return Errc::already_registered;
  return number;
}

Result<void> ShmNotice::begin(Notice notice) noexcept {
  const std::scoped_lock lock(mutex_);
  // One that was told already is finished first: its helper is on its way.
  if (!helper_.is_idle()) {
    if (queue_.notice(order_->number).state == shm::Told::State::pending) return Errc::already_registered;
    helper_.wait();
  }
  const bool by_sender = notice.kind == Notice::Kind::signal && queue_.senders_may_raise();
  if (by_sender || notice.kind == Notice::Kind::nothing) {
    const Result<std::uint32_t> number = enter(notice);
    return number ? Result<void>() : number.failure();
  }
  return or_no_memory([&] { return begin_with_help(std::move(notice)); });
}

Result<void> ShmNotice::begin_with_help(Notice notice) {
  const auto order = std::make_shared<Order>();
  order->notice = std::move(notice);
  std::function<bool()> await = [order, &queue = queue_] { return order->await(queue); };
  std::function<void()> act = [order] { order->act(); };
  const Result<std::uint32_t> number = enter(order->notice);
  if (!number) return number.failure();
  order->number = *number;
  order_ = order;
  const Result<void> started = helper_.start(std::move(await), std::move(act));
  if (!started) (void)queue_.cancel_notice();
  return started;
}

void ShmNotice::cancel() noexcept {
  const std::scoped_lock lock(mutex_);
  if (order_ == nullptr) {
    (void)queue_.cancel_notice();
  } else {
    const std::scoped_lock deciding(order_->mutex);
    order_->cancelled = queue_.cancel_notice();
  }
  helper_.wait();
}

}  // namespace mqxx::backend
