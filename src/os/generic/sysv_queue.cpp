// There are no System V queues: POSIX has them as an option (XSI), but neither the limits of the system nor a list of
// its queues, nothing that shows a message where it lies, and no wait that ends at a time.
#include "os/sysv_queue.hpp"

#include <cerrno>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

Failure none() noexcept { return failure_from_errno(ENOSYS); }

}  // namespace

Result<int> open_sysv_queue(const SysvOpening& /*wanted*/) noexcept { return none(); }
Result<void> remove_sysv_queue(int /*queue*/) noexcept { return none(); }
Result<std::int32_t> sysv_key_of(const char* /*path*/, int /*project*/) noexcept { return none(); }

Result<void> send_sysv(int /*queue*/, std::span<const std::byte> /*text*/, long /*type*/, bool /*wait*/) noexcept {
  return none();
}
Result<void> receive_sysv(int /*queue*/, std::span<std::byte> /*buffer*/, const SysvReceiving& /*how*/,
                          SysvReceived& /*received*/) noexcept {
  return none();
}
Result<bool> await_sysv(int /*queue*/, long /*type*/, SysvReceived& /*received*/) noexcept { return none(); }
Result<void> peek_sysv(int /*queue*/, std::span<std::byte> /*buffer*/, std::size_t /*index*/,
                       SysvReceived& /*received*/) noexcept {
  return none();
}

Result<void> send_sysv_in_place(int /*queue*/, std::span<std::byte> /*text*/, long /*type*/, bool /*wait*/) noexcept {
  return none();
}
Result<void> receive_sysv_in_place(int /*queue*/, std::span<std::byte> /*buffer*/, const SysvReceiving& /*how*/,
                                   SysvReceived& /*received*/) noexcept {
  return none();
}

Result<SysvFacts> sysv_facts(int /*queue*/) noexcept { return none(); }
Result<void> change_sysv_queue(int /*queue*/, const SysvSettings& /*wanted*/) noexcept { return none(); }

Result<std::vector<SysvFacts>> list_sysv_queues() noexcept { return none(); }
Result<SysvLimits> sysv_limits() noexcept { return none(); }
Result<SysvUse> sysv_use() noexcept { return none(); }

}  // namespace mqxx::os
