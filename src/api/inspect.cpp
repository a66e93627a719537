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

std::vector<std::string> queue_entries(const std::string& directory) {
  Result<std::vector<std::string>> entries = os::list_directory(directory);
  if (!entries) throw Error(code_of(entries.failure()), api::sentence(entries.failure(), "list", directory, {}));
  std::erase_if(*entries, [](const std::string& entry) { return !shm::is_queue_file(entry); });
  return std::move(*entries);
}

// What is known of a file that cannot be opened: its entry, and the owner of the inode.
std::string name_from_entry(const std::string& entry) { return '/' + entry.substr(std::string_view("mqxx.").size()); }

void fill_from_file(QueueInfo& info, const os::FileFacts& facts) {
  info.uid = facts.uid;
  info.gid = facts.gid;
  info.mode = facts.mode;
  info.memory_bytes = facts.memory_bytes;
}

RegistrationInfo::How how_of(shm::Notice kind) {
  switch (kind) {
    case shm::Notice::signal: return RegistrationInfo::How::signal;
    case shm::Notice::thread: return RegistrationInfo::How::thread;
    case shm::Notice::silent: return RegistrationInfo::How::silent;
    default: return RegistrationInfo::How::nobody;
  }
}

Result<shm::Segment> allowed_to_look(Result<shm::Segment> segment) {
  if (!segment) return segment;
  const Result<os::FileFacts> facts = os::facts(segment->fd());
  if (!facts) return facts.failure();
  const std::uint32_t mode = segment->header().identity.mode.get();
  if (!segment->intact()) return Errc::queue_damaged;
  // Whoever may receive or send may look.
  if (!os::may_access(facts->uid, facts->gid, mode, true, false) &&
      !os::may_access(facts->uid, facts->gid, mode, false, true)) {
    return Errc::permission_denied;
  }
  return segment;
}

void fill_from_queue(QueueInfo& info, const shm::Queue& queue) {
  info.mode = queue.segment().header().identity.mode.get();
  info.attributes = {.capacity = queue.geometry().capacity,
                     .message_size = queue.geometry().message_size,
                     .depth = queue.depth(),
                     .nonblocking = false};
  info.statistics = queue.statistics();
  // A sender counts its bytes a moment after its message.
  info.queued_bytes =
      std::max(info.statistics.bytes_sent, info.statistics.bytes_received) - info.statistics.bytes_received;
  for (const shm::Holder& holder : queue.users()) {
    info.users.push_back(holder.pid);
    info.commands.push_back(holder.here ? os::process_name(holder.pid) : "");
  }
  const shm::RegisteredProcess registered = queue.registered();
  info.registration = {how_of(registered.kind), registered.pid, registered.signal};
  info.pollers = queue.pollers();
}

/// Without taking part: it writes nothing, and takes no lock.
Result<std::unique_ptr<shm::Queue>> look_at(Result<shm::Segment> segment) {
  Result<shm::Segment> allowed = allowed_to_look(std::move(segment));
  if (!allowed) return allowed.failure();
  return shm::Queue::observe(std::move(*allowed));
}

/// As a user, who takes locks and repairs on the way what a dead process left.
Result<std::unique_ptr<shm::Queue>> join(Result<shm::Segment> segment) {
  Result<shm::Segment> allowed = allowed_to_look(std::move(segment));
  if (!allowed) return allowed.failure();
  return shm::Queue::join(std::move(*allowed));
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
  const Result<std::unique_ptr<shm::Queue>> queue = look_at(shm::attach_file(path));
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

/// As far as a name is in the name of its file; from the header where that has the hash of it.
std::string full_name(const std::string& directory, const std::string& entry) {
  if (entry.starts_with("mqxx.")) return name_from_entry(entry);
  const Result<shm::Segment> segment = shm::attach_file(directory + '/' + entry);
  const std::string stored = segment ? shm::stored_name(*segment) : "";
  return stored.empty() ? name_from_entry(entry) : stored;
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
  const auto queue = api::value_or_throw(join(shm::attach(info.name)), "describe", info.name);
  fill_from_queue(info, *queue);
  return info;
}

std::vector<QueueInfo> list(std::string_view home) {
  if (home == kKernelPrefix) return api::list_kernel();
  if (home == kSysvPrefix) return api::list_sysv();
  if (!home.empty()) api::throw_failure({Errc::unsupported}, "list", home, {});
  const std::string directory = shm::directory();
  std::vector<QueueInfo> queues;
  for (const std::string& entry : queue_entries(directory)) {
    std::optional<QueueInfo> info = inspect_entry(directory, entry);
    if (info) queues.push_back(std::move(*info));
  }
  std::ranges::sort(queues, {}, &QueueInfo::name);
  return queues;
}

std::vector<std::string> names(std::string_view home) {
  std::vector<std::string> found;
  if (home.empty()) {
    const std::string directory = shm::directory();
    for (const std::string& entry : queue_entries(directory)) found.push_back(full_name(directory, entry));
  } else if (home == kKernelPrefix) {
    found = api::kernel_names();
  } else {
    for (QueueInfo& info : list(home)) found.push_back(std::move(info.name));
  }
  std::ranges::sort(found);
  return found;
}

namespace {

std::vector<Finding> findings_of(shm::Queue& queue, std::string_view operation, const std::string& name) {
  std::vector<Finding> findings;
  for (shm::Broken& broken : api::value_or_throw(shm::check(queue), operation, name)) {
    findings.push_back({broken.invariant, std::move(broken.text)});
  }
  return findings;
}

}  // namespace

std::vector<Finding> check(std::string_view text) {
  const Address address = checked_address(text, "check");
  require_shm(address, "check");
  const auto queue = api::value_or_throw(join(shm::attach(address.name)), "check", address.name);
  return findings_of(*queue, "check", address.name);
}

Repair repair(std::string_view text) {
  const Address address = checked_address(text, "repair");
  require_shm(address, "repair");
  const auto queue = api::value_or_throw(join(shm::attach(address.name)), "repair", address.name);
  Repair repair;
  repair.found = findings_of(*queue, "repair", address.name);
  if (repair.found.empty()) return repair;
  repair.messages_dropped = api::value_or_throw(queue->repair(), "repair", address.name);
  repair.left = findings_of(*queue, "repair", address.name);
  return repair;
}

}  // namespace mqxx
