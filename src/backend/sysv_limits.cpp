#include "backend/sysv_limits.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/sysv_key.hpp"

namespace mqxx::backend {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string raised_by(const char* sysctl, std::uint64_t value) {
  return std::string("; raise it with 'sysctl ") + sysctl + "=" + number(value) + "'";
}

std::string bytes_words(const os::SysvLimits& limits, std::uint64_t capacity, std::uint64_t message_size) {
  const std::uint64_t most = kSysvMostBytes / std::max<std::uint64_t>(message_size, 1);
  if (capacity > most) {
    return number(capacity) + " messages of " + number(message_size) + " bytes are more than the " +
           number(kSysvMostBytes) + " bytes that a System V queue can ever have";
  }
  return number(capacity) + " messages of " + number(message_size) + " bytes are " + number(capacity * message_size) +
         " bytes, a queue of an ordinary user has at most " + number(limits.queue_bytes) + " (kernel.msgmnb)" +
         raised_by("kernel.msgmnb", capacity * message_size);
}

std::string size_words(const os::SysvLimits& limits, std::uint64_t message_size) {
  std::string text = "message size is " + number(message_size) + ", the kernel takes 1 to " +
                     number(limits.message_size) + " bytes (kernel.msgmax)";
  if (message_size != 0 && message_size <= kSysvMostBytes) text += raised_by("kernel.msgmax", message_size);
  return text;
}

std::optional<SysvKey> key_of(std::string_view name) {
  if (!name.starts_with(kSysvPrefix)) return std::nullopt;
  Result<SysvKey> key = parse_sysv_key(name.substr(kSysvPrefix.size()));
  return key ? std::optional(std::move(*key)) : std::nullopt;
}

/// What is wrong with the file that stands for a key, if anything is.
std::optional<std::string> file_words(const std::optional<SysvKey>& key) {
  if (!key || key->kind != SysvKey::Kind::file) return std::nullopt;
  const Result<std::int32_t> found = os::sysv_key_of(key->path.c_str(), static_cast<int>(key->number));
  if (found) return std::nullopt;
  return "the file '" + key->path +
         "' has no key for ftok(3): " + std::generic_category().message(found.failure().detail) +
         "; name one that is there, as in 'sysv:/etc/hostname:A'";
}

std::string missing_words(const std::optional<SysvKey>& key) {
  if (key && key->kind == SysvKey::Kind::fresh) {
    return "each creation makes another private queue; one that exists is opened as in 'sysv:id=5', and 'mq list "
           "sysv:' shows which there are";
  }
  return "there is no such System V queue";
}

}  // namespace

std::optional<Failure> refused_sysv(const OpenOptions& wanted, const os::SysvLimits& limits) noexcept {
  if (wanted.capacity == 0 || wanted.capacity > kSysvMostBytes) return Failure{Errc::invalid_capacity, EINVAL};
  if (wanted.message_size == 0 || wanted.message_size > limits.message_size)
    return Failure{Errc::invalid_message_size, EINVAL};
  if (wanted.capacity > kSysvMostBytes / wanted.message_size) return Failure{Errc::queue_too_large, EOVERFLOW};
  return std::nullopt;
}

std::optional<std::string> sysv_words(Failure failure, std::string_view name, std::uint64_t capacity,
                                      std::uint64_t message_size) {
  const os::SysvLimits limits = [] {
    const Result<os::SysvLimits> found = os::sysv_limits();
    return found ? *found : os::SysvLimits{};
  }();
  const std::optional<SysvKey> key = key_of(name);
  switch (failure.code) {
    case Errc::invalid_capacity:
      return "capacity is " + number(capacity) + ", a System V queue has 1 to " + number(kSysvMostBytes) + " messages";
    case Errc::invalid_message_size: return size_words(limits, message_size);
    case Errc::queue_too_large: return bytes_words(limits, capacity, message_size);
    case Errc::too_many_queues:
      return "the kernel has all of its " + number(limits.queues) + " System V queues (kernel.msgmni); remove some" +
             raised_by("kernel.msgmni", limits.queues * 2);
    case Errc::invalid_argument:
      return "the number of a queue is the kernel's to give; create 'sysv:private', or a key as in 'sysv:0x4d2'";
    case Errc::not_found: {
      std::optional<std::string> words = file_words(key);
      return words ? std::move(*words) : missing_words(key);
    }
    case Errc::permission_denied: {
      std::optional<std::string> words = file_words(key);
      return words ? std::move(*words) : "permission denied by the queue's owner and mode";
    }
    case Errc::queue_removed: return "the queue was removed; create it anew";
    case Errc::no_memory:
      return failure.detail == EAGAIN ? "no timer for the wait (RLIMIT_SIGPENDING); raise it with 'ulimit -i'"
                                      : std::string(error_row(failure.code).sentence);
    case Errc::unsupported: return "System V queues cannot do this; docs/homes.md has what they can";
    case Errc::system_error: {
      if (failure.detail == ENOSYS) return "this system has no System V message queues";
      std::optional<std::string> words = file_words(key);
      return words ? std::move(*words) : std::generic_category().message(failure.detail);
    }
    default: return std::nullopt;
  }
}

std::string sysv_grammar() {
  return "behind 'sysv:' stands a key (1234, 0x4d2), 'private', a queue's number (id=5), or a file and a project "
         "(/etc/hostname:A)";
}

}  // namespace mqxx::backend
