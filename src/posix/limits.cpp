#include "posix/limits.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "shm/layout.hpp"

namespace mqxx::posix {
namespace {

// Linux as it is when nobody has changed /proc/sys/fs/mqueue, and what CAP_SYS_RESOURCE may have there: mq_overview(7).
constexpr std::uint64_t kLinuxMsgMax = 10;
constexpr std::uint64_t kLinuxMsgsizeMax = 8192;
constexpr std::uint64_t kLinuxQueuesMax = 256;
constexpr std::uint64_t kLinuxHardMsgMax = 65536;
constexpr std::uint64_t kLinuxHardMsgsizeMax = 16U << 20;
constexpr ino_t kFirstUserNamespace = 0xEFFFFFFD;  // PROC_USER_INIT_INO: the number never changes

constexpr std::size_t kMostConfiguration = 65536;  // bytes of the file that are looked at
constexpr std::uint64_t kMostQueues = 0x7fffffff;  // as fs.mqueue.queues_max

/// A call that succeeds leaves errno alone, and one that fails sets it in one place, which is not here.
class KeptErrno {
 public:
  KeptErrno() noexcept : error_(errno) {}
  KeptErrno(const KeptErrno&) = delete;
  KeptErrno& operator=(const KeptErrno&) = delete;
  ~KeptErrno() { errno = error_; }

 private:
  int error_;
};

// ---- Names and numbers

struct Setting {
  std::string_view name;
  const char* variable;
  std::uint64_t Limits::*value;
  std::uint64_t least;
  std::uint64_t most;
};

constexpr std::array<Setting, 6> kSettings{{
    {"msg_max", "MQXX_MSG_MAX", &Limits::msg_max, 1, kMaxCapacity},
    {"msgsize_max", "MQXX_MSGSIZE_MAX", &Limits::msgsize_max, 1, kMaxMessageSize},
    {"msg_default", "MQXX_MSG_DEFAULT", &Limits::msg_default, 1, kMaxCapacity},
    {"msgsize_default", "MQXX_MSGSIZE_DEFAULT", &Limits::msgsize_default, 1, kMaxMessageSize},
    {"queues_max", "MQXX_QUEUES_MAX", &Limits::queues_max, 0, kMostQueues},
    {"quota", "MQXX_QUOTA", &Limits::quota, 0, kUnlimited},
}};

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Nothing unless all of the text is one decimal number within the setting's bounds.
std::optional<std::uint64_t> number(const Setting& setting, std::string_view text) noexcept {
  if (setting.most == kUnlimited && text == "unlimited") return kUnlimited;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (value < setting.least || value > setting.most) return std::nullopt;
  return value;
}

void configure_line(Limits& limits, std::string_view line) noexcept {
  line = line.substr(0, line.find('#'));
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view name = trimmed(line.substr(0, equals));
  for (const Setting& setting : kSettings) {
    if (setting.name != name) continue;
    const std::optional<std::uint64_t> value = number(setting, trimmed(line.substr(equals + 1)));
    if (value) limits.*setting.value = *value;
  }
}

void settle(Limits& limits) noexcept {
  limits.privileged_msg_max = limits.msg_max;
  limits.privileged_msgsize_max = limits.msgsize_max;
  limits.privileged_queues_max = limits.queues_max;
}

// L1: each is the lesser of Linux's and the administrator's.
void lower_to_linux(Limits& limits) noexcept {
  limits.privileged_msg_max = std::min(limits.msg_max, kLinuxHardMsgMax);
  limits.privileged_msgsize_max = std::min(limits.msgsize_max, kLinuxHardMsgsizeMax);
  limits.privileged_queues_max = limits.queues_max;
  limits.msg_max = std::min(limits.msg_max, kLinuxMsgMax);
  limits.msgsize_max = std::min(limits.msgsize_max, kLinuxMsgsizeMax);
  limits.queues_max = std::min(limits.queues_max, kLinuxQueuesMax);
  rlimit bytes{};
  if (getrlimit(RLIMIT_MSGQUEUE, &bytes) == 0) limits.quota = std::min<std::uint64_t>(limits.quota, bytes.rlim_cur);
}

// ---- The administrator's file

std::size_t read_all(int fd, char* into, std::size_t most) noexcept {
  std::size_t size = 0;
  while (size < most) {
    const ssize_t got = read(fd, into + size, most - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  return size;
}

/// L2. Not a function-local static: its guard could be held by another thread at the moment of a fork, for ever.
Limits configured() noexcept {
  static std::atomic<const Limits*> known{nullptr};
  // Acquire meets the release below: who sees the pointer sees what it points to.
  if (const Limits* found = known.load(std::memory_order_acquire)) return *found;
  Limits read;
  configure_from_file(read, kConfiguration, 0);
  std::unique_ptr<Limits> kept(new (std::nothrow) Limits(read));
  const Limits* nobody = nullptr;
  if (kept && known.compare_exchange_strong(nobody, kept.get(), std::memory_order_release, std::memory_order_acquire)) {
    (void)kept.release();  // as long as the process lives
  } else if (nobody != nullptr) {
    return *nobody;  // another thread was first; all of them answer alike
  }
  return read;
}

const char* environment(const char* name) noexcept { return secure_getenv(name); }

// ---- Who asks

/// Linux asks for the capability in the first user namespace: one that a process got by making a namespace is none.
bool may_exceed_limits() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return false;
  if ((sets[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective & CAP_TO_MASK(CAP_SYS_RESOURCE)) == 0) return false;
  struct stat space {};
  return stat("/proc/self/ns/user", &space) != 0 || space.st_ino == kFirstUserNamespace;
}

// ---- What exists

/// Whether it is the name that every queue's file has besides its own: mqxx-INODE.queue, see shm::Place.
bool belongs_to_a_queue(std::string_view entry) noexcept {
  constexpr std::string_view kBegin = "mqxx-";
  constexpr std::string_view kEnd = ".queue";
  if (entry.size() <= kBegin.size() + kEnd.size() || !entry.starts_with(kBegin) || !entry.ends_with(kEnd)) return false;
  const std::string_view inode = entry.substr(kBegin.size(), entry.size() - kBegin.size() - kEnd.size());
  return inode.find_first_not_of("0123456789") == std::string_view::npos;
}

/// 0 when the file is gone, or not the user's.
std::uint64_t charged(int directory, const char* entry, uid_t user) noexcept {
  struct stat status {};
  if (fstatat(directory, entry, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  if (!S_ISREG(status.st_mode) || status.st_uid != user) return 0;
  // The header cannot be read by an owner who gave himself no rights, and another process may have written anything
  // there: then the whole file counts, which is more than the queue.
  const auto whole = static_cast<std::uint64_t>(status.st_size);
  const UniqueFd file(openat(directory, entry, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file) return whole;
  alignas(shm::Identity) std::array<std::byte, sizeof(shm::Identity)> bytes{};
  if (pread(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return whole;
  const auto& identity = *reinterpret_cast<const shm::Identity*>(bytes.data());
  const std::uint64_t capacity = identity.capacity.get();
  const std::uint64_t message_size = identity.message_size.get();
  if (identity.magic.get() != shm::kMagic || capacity > kMaxCapacity || message_size > kMaxMessageSize) return whole;
  return charge(capacity, message_size);
}

/// A queue is two files at least, its segment and its doorbell, so few files in the whole file system are few queues.
bool surely_fewer_than(std::uint64_t queues, const std::string& directory) noexcept {
  struct statfs system {};
  if (statfs(directory.c_str(), &system) != 0 || system.f_files == 0 || system.f_files < system.f_ffree) return false;
  return (system.f_files - system.f_ffree) / 2 < queues;
}

constexpr std::uint64_t saturating_sum(std::uint64_t left, std::uint64_t right) noexcept {
  return left > kUnlimited - right ? kUnlimited : left + right;
}

}  // namespace

std::uint64_t charge(std::uint64_t capacity, std::uint64_t message_size) noexcept {
  constexpr std::uint64_t kPerMessage = 48;   // struct msg_msg
  constexpr std::uint64_t kPerPriority = 48;  // struct posix_msg_tree_node: no more of them than priorities
  return capacity * (message_size + kPerMessage) + std::min<std::uint64_t>(capacity, kMaxPriority + 1) * kPerPriority;
}

void configure(Limits& limits, std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    configure_line(limits, text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  settle(limits);
}

void configure_from_file(Limits& limits, const char* path, uid_t owner) noexcept {
  const KeptErrno kept;
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) return;
  if (!S_ISREG(status.st_mode) || status.st_uid != owner || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return;
  const std::unique_ptr<char[]> text(new (std::nothrow) char[kMostConfiguration]);
  if (text) configure(limits, {text.get(), read_all(file.get(), text.get(), kMostConfiguration)});
}

void lower(Limits& limits, const char* (*variable)(const char* name)) noexcept {
  const char* compatible = variable("MQXX_COMPAT");
  const bool as_linux = compatible != nullptr && std::string_view(compatible) == "linux";
  if (as_linux) lower_to_linux(limits);
  for (const Setting& setting : kSettings) {
    const char* text = variable(setting.variable);
    if (text == nullptr) continue;
    const std::optional<std::uint64_t> value = number(setting, text);
    if (value) limits.*setting.value = std::min(limits.*setting.value, *value);
  }
  if (!as_linux) settle(limits);
  limits.msg_default = std::min(limits.msg_default, limits.msg_max);
  limits.msgsize_default = std::min(limits.msgsize_default, limits.msgsize_max);
}

Limits limits() noexcept {
  const KeptErrno kept;
  Limits now = configured();
  lower(now, environment);
  return now;
}

Census count_queues(const std::string& directory, std::optional<uid_t> user) noexcept {
  const KeptErrno kept;
  Census census;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (!stream) return census;  // whoever creates the queue will say what is wrong with the directory
  while (const dirent* entry = readdir(stream.get())) {
    if (!belongs_to_a_queue(entry->d_name)) continue;
    ++census.queues;
    if (user) census.bytes = saturating_sum(census.bytes, charged(dirfd(stream.get()), entry->d_name, *user));
  }
  return census;
}

int admit(const Limits& limits, bool privileged, long capacity, long message_size,
          const std::string& directory) noexcept {
  const KeptErrno kept;
  const std::uint64_t queues_max = privileged ? limits.privileged_queues_max : limits.queues_max;
  const std::uint64_t msg_max = privileged ? limits.privileged_msg_max : limits.msg_max;
  const std::uint64_t msgsize_max = privileged ? limits.privileged_msgsize_max : limits.msgsize_max;
  const bool bytes_count = limits.quota != kUnlimited;
  Census census;
  if (bytes_count) {
    census = count_queues(directory, getuid());
  } else if (!surely_fewer_than(queues_max, directory)) {
    census = count_queues(directory, std::nullopt);
  }
  if (census.queues >= queues_max) return ENOSPC;
  if (capacity <= 0 || message_size <= 0) return EINVAL;
  const auto messages = static_cast<std::uint64_t>(capacity);
  const auto bytes = static_cast<std::uint64_t>(message_size);
  if (messages > msg_max || bytes > msgsize_max) return EINVAL;
  if (bytes_count && saturating_sum(census.bytes, charge(messages, bytes)) > limits.quota) return EMFILE;
  return 0;
}

int admit(long capacity, long message_size, const std::string& directory) noexcept {
  const KeptErrno kept;
  const Limits now = limits();
  const bool exceptions = now.privileged_msg_max != now.msg_max || now.privileged_msgsize_max != now.msgsize_max ||
                          now.privileged_queues_max != now.queues_max;
  return admit(now, exceptions && may_exceed_limits(), capacity, message_size, directory);
}

}  // namespace mqxx::posix
