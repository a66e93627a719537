// The limits of every home, as they are for this user now.
#include "os/limits.hpp"

#include <algorithm>
#include <string_view>

#include <mqxx/inspect.hpp>

#include "api/inspect_kernel.hpp"
#include "backend/kernel_limits.hpp"
#include "backend/sysv_limits.hpp"
#include "base/address.hpp"
#include "base/error.hpp"
#include "os/kernel_queue.hpp"
#include "os/process.hpp"
#include "os/sysv_queue.hpp"
#include "shm/layout.hpp"
#include "shm/place.hpp"

namespace mqxx {
namespace {

using Number = std::optional<std::uint64_t>;

constexpr std::string_view kShm = "/";

Number bounded(std::uint64_t limit) { return limit == os::kUnlimited ? Number() : Number(limit); }

/// The words and the error; limit and use come after.
Limit limit_of(std::string_view home, const char* what, const char* unit, const char* meaning, Errc code) {
  Limit limit;
  limit.home = home;
  limit.what = what;
  limit.unit = unit;
  limit.meaning = meaning;
  limit.error = make_error_code(code);
  limit.symbol = error_row(code).symbol;
  return limit;
}

Limit descriptors(std::string_view home, const os::ProcessLimits& process) {
  Limit limit = limit_of(home, "descriptors", "files", "open files of a process", Errc::too_many_files);
  limit.setting = "RLIMIT_NOFILE";
  limit.most = bounded(process.descriptors);
  limit.remedy = "close some, or raise it with 'ulimit -n'";
  return limit;
}

// ---- Shared memory

void add_bounds(std::vector<Limit>& all) {
  Limit capacity = limit_of(kShm, "capacity", "messages", "messages in a queue", Errc::invalid_capacity);
  capacity.most = kMaxCapacity;
  all.push_back(std::move(capacity));
  Limit size = limit_of(kShm, "message_size", "bytes", "bytes of a message", Errc::invalid_message_size);
  size.most = kMaxMessageSize;
  all.push_back(std::move(size));
  Limit span = limit_of(kShm, "queue_bytes", "bytes", "what a queue may span", Errc::queue_too_large);
  span.most = shm::kMaxFileBytes;
  all.push_back(std::move(span));
  Limit users = limit_of(kShm, "users", "processes", "processes that have a queue open", Errc::too_many_users);
  users.most = shm::kMaxUsers;
  all.push_back(std::move(users));
}

void add_space(std::vector<Limit>& all) {
  const std::string directory = shm::directory();
  const Result<os::Space> space = os::space(directory);
  if (!space) return;
  Limit bytes = limit_of(kShm, "memory", "bytes", "memory for messages", Errc::no_space);
  bytes.setting = "file system of " + directory;
  bytes.most = space->bytes;
  bytes.used = space->bytes - std::min(space->bytes, space->bytes_left);
  bytes.remedy = "remove files, or as root mount the file system anew with a greater size=";
  all.push_back(std::move(bytes));
  if (space->files == 0) return;
  Limit files = limit_of(kShm, "files", "files", "files; a queue is two", Errc::no_space);
  files.setting = "file system of " + directory;
  files.most = space->files;
  files.used = space->files - std::min(space->files, space->files_left);
  files.remedy = "remove files, or as root mount the file system anew with a greater nr_inodes=";
  all.push_back(std::move(files));
}

void add_process(std::vector<Limit>& all, const os::ProcessLimits& process) {
  all.push_back(descriptors(kShm, process));
  Limit file = limit_of(kShm, "file_bytes", "bytes", "bytes of a file, a queue's too", Errc::system_error);
  file.setting = "RLIMIT_FSIZE";
  file.symbol = "EFBIG";
  file.error = std::make_error_code(std::errc::file_too_large);
  file.most = bounded(process.file_bytes);
  file.remedy = "ask for less, or raise it with 'ulimit -f'";
  all.push_back(std::move(file));
  Limit address = limit_of(kShm, "address_bytes", "bytes", "mapped by a process, all queues together", Errc::no_memory);
  address.setting = "RLIMIT_AS";
  address.most = bounded(process.address_bytes);
  address.remedy = "ask for less, or raise it with 'ulimit -v'";
  all.push_back(std::move(address));
}

// ---- Queues of the kernel

/// What this user's queues count as, and the sum in words.
struct Charges {
  std::uint64_t bytes = 0;
  std::uint64_t queues = 0;  ///< of everybody
  std::vector<std::string> sum;
};

std::string charge_words(const QueueInfo& info, std::uint64_t charge) {
  const std::string capacity = std::to_string(info.attributes.capacity);
  return info.name + ": " + capacity + " x (" + std::to_string(info.attributes.message_size) + " + 48) + " +
         std::to_string(std::min<std::uint64_t>(info.attributes.capacity, kMaxPriority + 1)) +
         " x 48 = " + std::to_string(charge);
}

/// nullopt when this user may not see the queues.
std::optional<Charges> charges() {
  if (!os::list_kernel_queues()) return std::nullopt;
  Charges all;
  for (const QueueInfo& info : api::list_kernel()) {
    ++all.queues;
    if (info.uid != os::user_id()) continue;
    if (info.error) {
      all.sum.push_back(info.name + ": unknown, for it cannot be read");
      continue;
    }
    const std::uint64_t charge = backend::kernel_charge(info.attributes.capacity, info.attributes.message_size);
    all.bytes += charge;
    all.sum.push_back(charge_words(info, charge));
  }
  return all;
}

/// One that a sysctl sets; `most` is still to be said.
Limit soft(const char* what, const char* unit, const char* meaning, const char* setting, Errc code) {
  Limit limit = limit_of(kKernelPrefix, what, unit, meaning, code);
  limit.setting = setting;
  limit.remedy = "ask for less, or as root: sysctl " + limit.setting + "=NUMBER";
  return limit;
}

void add_kernel(std::vector<Limit>& all, const os::ProcessLimits& process) {
  const std::optional<os::KernelLimits> limits = os::kernel_limits();
  if (!limits) return;  // there are no such queues here
  Limit capacity = soft("capacity", "messages", "messages in a queue; 65536 for the privileged", "fs.mqueue.msg_max",
                        Errc::invalid_capacity);
  capacity.most = limits->capacity;
  all.push_back(std::move(capacity));
  Limit size = soft("message_size", "bytes", "bytes of a message; 16777216 for the privileged", "fs.mqueue.msgsize_max",
                    Errc::invalid_message_size);
  size.most = limits->message_size;
  all.push_back(std::move(size));
  std::optional<Charges> used = charges();
  Limit queues = soft("queues", "queues", "queues of everybody in this IPC namespace; no bound for the privileged",
                      "fs.mqueue.queues_max", Errc::too_many_queues);
  queues.most = limits->queues;
  if (used) queues.used = used->queues;
  queues.remedy = "remove queues, or as root: sysctl fs.mqueue.queues_max=NUMBER";
  all.push_back(std::move(queues));
  Limit bytes =
      limit_of(kKernelPrefix, "user_bytes", "bytes", "bytes that all queues of a user count as", Errc::too_many_bytes);
  bytes.setting = "RLIMIT_MSGQUEUE";
  bytes.most = bounded(limits->user_bytes);
  if (used) bytes.used = used->bytes;
  if (used) bytes.sum = std::move(used->sum);
  bytes.remedy = "remove queues, ask for less, or raise it with 'ulimit -q BYTES'";
  all.push_back(std::move(bytes));
  all.push_back(descriptors(kKernelPrefix, process));
}

// ---- System V

void add_sysv(std::vector<Limit>& all) {
  const Result<os::SysvLimits> limits = os::sysv_limits();
  if (!limits) return;  // there are no such queues here
  const Result<os::SysvUse> use = os::sysv_use();
  Limit size = limit_of(kSysvPrefix, "message_size", "bytes", "bytes of a message", Errc::invalid_message_size);
  size.setting = "kernel.msgmax";
  size.most = limits->message_size;
  size.remedy = "ask for less, or as root: sysctl kernel.msgmax=NUMBER";
  all.push_back(std::move(size));
  Limit bytes = limit_of(kSysvPrefix, "queue_bytes", "bytes", "bytes in a queue; no bound for the privileged",
                         Errc::queue_too_large);
  bytes.setting = "kernel.msgmnb";
  bytes.most = limits->queue_bytes;
  bytes.remedy = "ask for less, or as root: sysctl kernel.msgmnb=NUMBER";
  all.push_back(std::move(bytes));
  Limit queues =
      limit_of(kSysvPrefix, "queues", "queues", "queues of everybody in this IPC namespace", Errc::too_many_queues);
  queues.setting = "kernel.msgmni";
  queues.most = limits->queues;
  if (use) queues.used = use->queues;
  queues.remedy = "remove queues, or as root: sysctl kernel.msgmni=NUMBER";
  all.push_back(std::move(queues));
}

}  // namespace

std::vector<Limit> limits() {
  std::vector<Limit> all;
  const os::ProcessLimits process = os::process_limits();
  add_bounds(all);
  add_space(all);
  add_process(all, process);
  add_kernel(all, process);
  add_sysv(all);
  return all;
}

}  // namespace mqxx
