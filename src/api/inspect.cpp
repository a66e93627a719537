#include <algorithm>
#include <memory>
#include <optional>

#include <mqxx/inspect.hpp>

#include "api/failure.hpp"
#include "api/inspect_kernel.hpp"
#include "api/inspect_sysv.hpp"
#include "base/address.hpp"
#include "base/error.hpp"
#include "os/process.hpp"
#include "shm/check.hpp"
#include "shm/queue.hpp"

namespace mqxx {
namespace {

Address checked_address(std::string_view text, std::string_view operation) {
  return api::value_or_throw(parse_address(text), operation, text);
}

void require_shm(const Address& address, std::string_view operation) {
  if (address.home != Home::shm) api::throw_failure({Errc::unsupported}, operation, text_of(address), {});
}

// What is known of a file that cannot be opened: its entry, and the owner of the inode.
std::string name_from_entry(const std::string& entry) { return '/' + entry.substr(std::string_view("mqxx.").size()); }

void fill_from_file(QueueInfo& info, const os::FileFacts& facts) {
  info.uid = facts.uid;
  info.gid = facts.gid;
  info.mode = facts.mode;
  info.memory_bytes = facts.memory_bytes;
}

void fill_from_queue(QueueInfo& info, shm::Queue& queue) {
  info.mode = queue.segment().header().identity.mode.get();
  info.attributes = {.capacity = queue.geometry().capacity,
                     .message_size = queue.geometry().message_size,
                     .depth = queue.depth(),
                     .nonblocking = false};
  info.statistics = queue.statistics();
  // A sender counts its bytes a moment after its message.
  info.queued_bytes =
      std::max(info.statistics.bytes_sent, info.statistics.bytes_received) - info.statistics.bytes_received;
  info.users = queue.users();
}

Result<std::unique_ptr<shm::Queue>> observe(Result<shm::Segment> segment) {
  if (!segment) return segment.failure();
  const Result<os::FileFacts> facts = os::facts(segment->fd());
  if (!facts) return facts.failure();
  const std::uint32_t mode = segment->header().identity.mode.get();
  if (!segment->intact()) return Errc::queue_damaged;
  // Whoever may receive or send may look.
  if (!os::may_access(facts->uid, facts->gid, mode, true, false) &&
      !os::may_access(facts->uid, facts->gid, mode, false, true)) {
    return Errc::permission_denied;
  }
  return shm::Queue::join(std::move(*segment));
}

// nullopt when the queue was removed meanwhile.
std::optional<QueueInfo> inspect_entry(const std::string& directory, const std::string& entry) {
  std::string path = directory;
  path.append("/").append(entry);
  const Result<os::FileFacts> facts = os::facts(path);
  if (!facts) return std::nullopt;
  QueueInfo info;
  info.name = name_from_entry(entry);
  fill_from_file(info, *facts);
  const Result<std::unique_ptr<shm::Queue>> queue = observe(shm::attach_file(path));
  if (queue.is(Errc::not_found)) return std::nullopt;
  if (!queue) {
    info.error = code_of(queue.failure());
    return info;
  }
  const std::string stored = shm::stored_name((*queue)->segment());
  if (!stored.empty()) info.name = stored;
  fill_from_queue(info, **queue);
  return info;
}

}  // namespace

std::string queue_directory() { return shm::directory(); }

QueueInfo describe(std::string_view text) {
  const Address address = checked_address(text, "describe");
  if (address.home == Home::kernel) return api::describe_kernel(address.name);
  if (address.home == Home::sysv) return api::describe_sysv(address.name);
  QueueInfo info;
  info.name = address.name;
  const std::string path = shm::file_of(info.name);
  fill_from_file(info, api::value_or_throw(os::facts(path), "describe", info.name));
  const auto queue = api::value_or_throw(observe(shm::attach(info.name)), "describe", info.name);
  fill_from_queue(info, *queue);
  return info;
}

std::vector<QueueInfo> list(std::string_view home) {
  if (home == kKernelPrefix) return api::list_kernel();
  if (home == kSysvPrefix) return api::list_sysv();
  if (!home.empty()) api::throw_failure({Errc::unsupported}, "list", home, {});
  const std::string directory = shm::directory();
  const Result<std::vector<std::string>> entries = os::list_directory(directory);
  if (!entries) throw Error(code_of(entries.failure()), api::sentence(entries.failure(), "list", directory, {}));
  std::vector<QueueInfo> queues;
  for (const std::string& entry : *entries) {
    if (!shm::is_queue_file(entry)) continue;
    std::optional<QueueInfo> info = inspect_entry(directory, entry);
    if (info) queues.push_back(std::move(*info));
  }
  std::sort(queues.begin(), queues.end(), [](const QueueInfo& a, const QueueInfo& b) { return a.name < b.name; });
  return queues;
}

std::vector<Finding> check(std::string_view text) {
  const Address address = checked_address(text, "check");
  require_shm(address, "check");
  const std::string& name = address.name;
  const auto queue = api::value_or_throw(observe(shm::attach(name)), "check", name);
  std::vector<Finding> findings;
  for (shm::Broken& broken : api::value_or_throw(shm::check(*queue), "check", name)) {
    findings.push_back({broken.invariant, std::move(broken.text)});
  }
  return findings;
}

}  // namespace mqxx
