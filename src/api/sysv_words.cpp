#include "api/sysv_words.hpp"

#include <cerrno>

#include "os/sysv_queue.hpp"

namespace mqxx::api {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string raise(const char* sysctl, std::uint64_t value) {
  return std::string("; raise it with 'sysctl ") + sysctl + "=" + number(value) + "'";
}

std::string size_words(const SysvAsked& asked, const os::SysvLimits& limits) {
  const std::string text = "message is " + number(asked.size) + " bytes, ";
  if (asked.room) return text + "the queue has room for " + number(*asked.room) + " in all (msg_qbytes)";
  return text + "the kernel takes at most " + number(limits.message_size) + raise("kernel.msgmax", asked.size);
}

std::string refusal_words(const SysvAsked& asked, const os::SysvLimits& limits) {
  if (asked.most_bytes <= limits.queue_bytes)
    return "only the queue's owner, its creator and the privileged may do this";
  return "room for " + number(asked.most_bytes) + " bytes is more than the " + number(limits.queue_bytes) +
         " that a queue may have without CAP_SYS_RESOURCE" + raise("kernel.msgmnb", asked.most_bytes);
}

}  // namespace

std::optional<std::string> sysv_words(Failure failure, const SysvAsked& asked) {
  const Result<os::SysvLimits> known = os::sysv_limits();
  const os::SysvLimits limits = known ? *known : os::SysvLimits{};
  switch (failure.code) {
    case Errc::message_too_big: return size_words(asked, limits);
    case Errc::permission_denied:
      return failure.detail == EPERM ? refusal_words(asked, limits) : "permission denied by the queue's owner and mode";
    case Errc::unsupported: return "this system cannot show queued messages, or not one that is above kernel.msgmax";
    default: return std::nullopt;
  }
}

}  // namespace mqxx::api
