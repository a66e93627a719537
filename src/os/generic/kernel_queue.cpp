// There are no queues of the kernel: POSIX has them, but neither a descriptor behind mqd_t nor a list of them.
#include "os/kernel_queue.hpp"

#include <cerrno>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

Failure none() noexcept { return failure_from_errno(ENOSYS); }

}  // namespace

Result<UniqueFd> open_kernel_queue(const KernelOpening& /*wanted*/) noexcept { return none(); }
Result<void> unlink_kernel_queue(const char* /*name*/) noexcept { return none(); }

Result<void> send_message(int /*queue*/, std::span<const std::byte> /*bytes*/, Priority /*priority*/,
                          const Wait& /*wait*/) noexcept {
  return none();
}
Result<void> receive_message(int /*queue*/, std::span<std::byte> /*buffer*/, const Wait& /*wait*/,
                             Received& /*received*/) noexcept {
  return none();
}
Result<void> await(int /*queue*/, Awaited /*what*/, const Wait& /*wait*/) noexcept { return none(); }

Result<Attributes> kernel_attributes(int /*queue*/) noexcept { return none(); }
Result<void> set_nonblocking(int /*queue*/, bool /*nonblocking*/) noexcept { return none(); }
Access access_of(int /*queue*/) noexcept { return Access::read_write; }
std::string kernel_queue_name(int /*queue*/) noexcept { return {}; }
Result<UniqueFd> reopen(int /*queue*/, Access /*access*/) noexcept { return none(); }
KernelStatus kernel_status(int /*queue*/) noexcept { return {}; }

Result<void> notify_by_signal(int /*queue*/, int /*signal*/, std::uint64_t /*value*/) noexcept { return none(); }
Result<void> notify_silently(int /*queue*/) noexcept { return none(); }
Result<UniqueFd> make_notice() noexcept { return none(); }
Result<void> notify_through(int /*queue*/, int /*notice*/) noexcept { return none(); }
bool await_notice(int /*notice*/) noexcept { return false; }
Result<void> cancel_notify(int /*queue*/) noexcept { return none(); }

Result<std::vector<KernelEntry>> list_kernel_queues() noexcept { return none(); }
std::vector<KernelUser> kernel_users(std::uint64_t /*device*/) { return {}; }
std::optional<KernelLimits> kernel_limits() noexcept { return std::nullopt; }
bool has_free_descriptor() noexcept { return true; }

}  // namespace mqxx::os
