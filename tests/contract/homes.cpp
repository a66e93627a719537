// The homes that are held to the contract. Another one is one more row.
#include <algorithm>

#include <unistd.h>

#include "contract/backend_contract.hpp"
#include "support/emulated.hpp"
#include "support/private_ipc.hpp"

namespace mqxx::test {
namespace {

#ifdef MQXX_PORT_GENERIC
constexpr bool kTellsCommands = false;  // POSIX has nobody to ask
#else
constexpr bool kTellsCommands = true;
#endif

Home shm_home() { return {.name = "Shm", .prefix = "", .tag = "", .can = {.commands = kTellsCommands}}; }

#ifndef MQXX_PORT_GENERIC
/// As the kernel judges: sizes first, then bytes. See docs/homes.md.
Errc kernel_refusal(std::size_t capacity, std::size_t message_size) {
  static const QueueLimits limits = queue_limits();
  if (capacity > limits.capacity) return Errc::invalid_capacity;
  if (message_size > limits.message_size) return Errc::invalid_message_size;
  const std::uint64_t charge = capacity * (message_size + 48) + std::min<std::uint64_t>(capacity, 32768) * 48;
  return charge > limits.user_bytes ? Errc::too_many_bytes : Errc{};
}

bool may_list_kernel() {
  try {
    (void)list("kernel:");
  } catch (const Error&) {
    return false;
  }
  return true;
}

/// Called once, before there are threads.
Home kernel_home() {
  const bool is_private = enter_private_ipc();
  const QueueLimits limits = queue_limits();
  return {.name = "Kernel",
          .prefix = "kernel:",
          .tag = is_private ? "" : "mqxx-test-" + std::to_string(::getpid()) + "-",
          .can = {.loans_in_place = false,
                  .peek = false,
                  .statistics = false,
                  .check = false,
                  .listing = may_list_kernel(),
                  .notices = !kEmulated,
                  .times = false},
          .refusal = kernel_refusal,
          .most_capacity = limits.capacity,
          .most_message_size = limits.message_size};
}

SysvLimits& sysv_limits_now() {
  static SysvLimits limits = sysv_limits();
  return limits;
}

Errc sysv_refusal(std::size_t capacity, std::size_t message_size) {
  const SysvLimits& limits = sysv_limits_now();
  if (capacity > limits.most_bytes) return Errc::invalid_capacity;
  if (message_size > limits.message_size) return Errc::invalid_message_size;
  return capacity > limits.queue_bytes / message_size ? Errc::queue_too_large : Errc{};
}

/// Called once, after kernel_home().
Home sysv_home() {
  const SysvLimits& limits = sysv_limits_now();
  // A receiver looks at every queued message, so that n of them take n * n.
  constexpr std::size_t kDeepest = 2000;
  return {.name = "SysV",
          .prefix = "sysv:",
          .tag = "mqxx-test-" + std::to_string(::getpid()) + "-",
          .can = {.loans_in_place = false,
                  .peek = limits.shows_messages,
                  .steady_cursor = false,
                  .statistics = false,
                  .users = false,
                  .check = false,
                  .names = false,
                  .exact_sizes = false,
                  .lives_on = false,
                  .notices = false},
          .refusal = sysv_refusal,
          .most_capacity = limits.most_bytes,
          .most_message_size = limits.message_size,
          .deepest = kDeepest};
}

#endif

std::vector<Home> homes() {
  std::vector<Home> all{shm_home()};
#ifndef MQXX_PORT_GENERIC
  all.push_back(kernel_home());
  // Its waits end by a timer of one thread, which the emulator has not.
  if (!kEmulated) all.push_back(sysv_home());
#endif
  return all;
}

std::string home_name(const testing::TestParamInfo<Home>& info) { return info.param.name; }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Homes, BackendContract, testing::ValuesIn(homes()), home_name);

}  // namespace mqxx::test
