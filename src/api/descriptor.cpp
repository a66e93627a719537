// Queues whose description is a descriptor of the system: adopted, given up, kept across exec; and those that have one
// to poll.
#include <mqxx/detail/reopened.hpp>
#include <mqxx/queue.hpp>

#include "api/failure.hpp"
#include "backend/backend.hpp"
#include "base/error.hpp"
#include "os/kernel_queue.hpp"

namespace mqxx {
namespace {

using Backend = std::shared_ptr<backend::Backend>;

Result<int> descriptor_of(const Backend& home) noexcept {
  if (home == nullptr) return Errc::closed;
  return home->descriptor();
}

Result<int> pollable_of(const Backend& home) noexcept {
  if (home == nullptr) return Errc::closed;
  return home->pollable();
}

Result<int> released(const Backend& home) noexcept {
  const Result<int> descriptor = descriptor_of(home);
  if (!descriptor || home.use_count() == 1) return descriptor ? home->release() : descriptor;
  Result<UniqueFd> copy = os::duplicate(*descriptor);
  if (!copy) return copy.failure();
  return copy->release();
}

Result<bool> is_closed_on_exec(const Backend& home) noexcept {
  const Result<int> descriptor = descriptor_of(home);
  if (!descriptor) return descriptor.failure();
  return os::close_on_exec(*descriptor);
}

Result<void> close_on_exec_if(const Backend& home, bool closed) noexcept {
  const Result<int> descriptor = descriptor_of(home);
  if (!descriptor) return descriptor.failure();
  return os::set_close_on_exec(*descriptor, closed);
}

template <class T>
T value_or_code(const Result<T>& result, T otherwise, std::error_code& ec) noexcept {
  ec = result ? std::error_code() : code_of(result.failure());
  return result ? *result : otherwise;
}

constexpr int kNone = -1;

}  // namespace

Queue Queue::from_fd(int descriptor) {
  const std::string what = std::string(kKernelPrefix) + "descriptor " + std::to_string(descriptor);
  return Queue(api::value_or_throw(backend::adopt(descriptor), "adopt", what));
}

Queue Queue::from_fd(int descriptor, std::error_code& ec) {
  Result<Backend> home = backend::adopt(descriptor);
  ec = home ? std::error_code() : code_of(home.failure());
  return home ? Queue(std::move(*home)) : Queue();
}

int Queue::native_handle() const { return api::value_or_throw(pollable_of(home_), "native_handle", name()); }
int Queue::native_handle(std::error_code& ec) const noexcept { return value_or_code(pollable_of(home_), kNone, ec); }

int Queue::release() {
  const int descriptor = api::value_or_throw(released(home_), "release", name());
  close();
  return descriptor;
}

int Queue::release(std::error_code& ec) noexcept {
  const int descriptor = value_or_code(released(home_), kNone, ec);
  if (!ec) close();
  return descriptor;
}

bool Queue::close_on_exec() const { return api::value_or_throw(is_closed_on_exec(home_), "close_on_exec", name()); }
bool Queue::close_on_exec(std::error_code& ec) const noexcept {
  return value_or_code(is_closed_on_exec(home_), false, ec);
}
void Queue::set_close_on_exec(bool closed) {
  api::success_or_throw(close_on_exec_if(home_, closed), "set_close_on_exec", name());
}
void Queue::set_close_on_exec(bool closed, std::error_code& ec) noexcept {
  const Result<void> done = close_on_exec_if(home_, closed);
  ec = done ? std::error_code() : code_of(done.failure());
}

int detail::reopened(const Queue& queue) noexcept {
  if (!queue.name().starts_with(kKernelPrefix)) return kNone;
  std::error_code ec;
  const int descriptor = queue.native_handle(ec);
  if (ec) return kNone;
  Result<UniqueFd> again = os::reopen(descriptor, queue.access());
  return again ? again->release() : kNone;
}

}  // namespace mqxx
