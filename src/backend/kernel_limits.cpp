#include "backend/kernel_limits.hpp"

#include <algorithm>
#include <cerrno>

#include "os/kernel_queue.hpp"

namespace mqxx::backend {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

// A soft limit may be raised up to a hard one, by whoever may write the file below /proc/sys; a privileged process
// (CAP_SYS_RESOURCE) is bound by the hard one alone.
struct Bound {
  const char* what;
  const char* unit;
  const char* sysctl;
  std::uint64_t soft;  // 0: unknown
  std::uint64_t hard;
};

std::string bound_words(const Bound& bound, std::uint64_t asked) {
  const std::uint64_t most = bound.soft == 0 ? bound.hard : std::min(bound.soft, bound.hard);
  std::string text =
      std::string(bound.what) + " is " + number(asked) + ", the kernel takes 1 to " + number(most) + " " + bound.unit;
  if (asked > bound.hard && most < bound.hard) text += ", and never more than " + number(bound.hard);
  if (asked != 0 && asked <= bound.hard)
    text += std::string("; raise it with 'sysctl ") + bound.sysctl + "=" + number(asked) + "'";
  return text;
}

std::string byte_words(std::uint64_t capacity, std::uint64_t message_size, std::uint64_t most) {
  const std::uint64_t charge = kernel_charge(capacity, message_size);
  std::string text = number(capacity) + " messages of " + number(message_size) + " bytes count as " + number(charge) +
                     " bytes, and all kernel queues of a user may count as " + number(most) + " (RLIMIT_MSGQUEUE)";
  if (charge <= most) text += ", which others take already";
  return text + "; remove queues, ask for less, or raise it with 'ulimit -q " + number(std::max(charge, most * 2)) +
         "'";
}

std::optional<Failure> size_out_of_bounds(const OpenOptions& wanted) noexcept {
  const auto judged = [&](std::uint64_t capacity, std::uint64_t message_size) -> std::optional<Failure> {
    if (wanted.capacity == 0 || wanted.capacity > capacity) return Failure{Errc::invalid_capacity, EINVAL};
    if (wanted.message_size == 0 || wanted.message_size > message_size)
      return Failure{Errc::invalid_message_size, EINVAL};
    return std::nullopt;
  };
  if (const auto hard = judged(kKernelMostCapacity, kKernelMostMessageSize)) return hard;
  const std::optional<os::KernelLimits> soft = os::kernel_limits();
  return soft ? judged(soft->capacity, soft->message_size) : std::nullopt;
}

}  // namespace

std::uint64_t kernel_charge(std::uint64_t capacity, std::uint64_t message_size) noexcept {
  constexpr std::uint64_t kHeader = 48;
  constexpr std::uint64_t kNode = 48;
  constexpr std::uint64_t kPriorities = std::uint64_t{kMaxPriority} + 1;
  return capacity * (message_size + kHeader) + std::min(capacity, kPriorities) * kNode;
}

Failure find_limit(Failure failure, const OpenOptions& wanted) noexcept {
  switch (failure.detail) {
    case EINVAL: return size_out_of_bounds(wanted).value_or(failure);
    // The kernel counts bytes last, and gives the descriptor back that it had by then.
    case EMFILE: return os::has_free_descriptor() ? Failure{Errc::too_many_bytes, EMFILE} : failure;
    case ENOSPC: return {Errc::too_many_queues, ENOSPC};
    default: return failure;
  }
}

std::optional<std::string> kernel_words(Failure failure, std::uint64_t capacity, std::uint64_t message_size) {
  const os::KernelLimits limits = os::kernel_limits().value_or(os::KernelLimits{});
  switch (failure.code) {
    case Errc::invalid_capacity:
      return bound_words({"capacity", "messages", "fs.mqueue.msg_max", limits.capacity, kKernelMostCapacity}, capacity);
    case Errc::invalid_message_size:
      return bound_words(
          {"message size", "bytes", "fs.mqueue.msgsize_max", limits.message_size, kKernelMostMessageSize},
          message_size);
    case Errc::too_many_bytes: return byte_words(capacity, message_size, limits.user_bytes);
    case Errc::too_many_queues:
      return "the kernel has all of its " + number(limits.queues) +
             " queues, those included that are unlinked and still open; remove some, or raise it with 'sysctl "
             "fs.mqueue.queues_max=" +
             number(limits.queues * 2) + "'";
    case Errc::too_many_files:
      return failure.detail == ENFILE
                 ? "the system has too many open files; raise it with 'sysctl fs.file-max'"
                 : "this process has too many open files (RLIMIT_NOFILE); close some, or raise it with 'ulimit -n'";
    case Errc::not_found: return "the kernel has no such queue";
    case Errc::permission_denied: return "permission denied by the queue's owner and mode";
    case Errc::not_a_queue: return "the descriptor is no queue of the kernel";
    case Errc::unsupported: return "queues of the kernel cannot do this; docs/homes.md has what they can";
    case Errc::system_error:
      if (failure.detail == ENOSYS) return "this system has no POSIX message queues";
      return std::generic_category().message(failure.detail);
    default: return std::nullopt;
  }
}

}  // namespace mqxx::backend
