#include "api/inspect_kernel.hpp"

#include <algorithm>
#include <optional>

#include "api/failure.hpp"
#include "base/address.hpp"
#include "base/error.hpp"
#include "os/kernel_queue.hpp"
#include "os/process.hpp"

namespace mqxx::api {

Result<UniqueFd> open_to_look(const std::string& name) {
  os::KernelOpening wanted{.name = name.c_str() + 1, .options = {.access = Access::read_only, .nonblocking = true}};
  Result<UniqueFd> queue = os::open_kernel_queue(wanted);
  if (!queue.is(Errc::permission_denied)) return queue;
  wanted.options.access = Access::write_only;
  return os::open_kernel_queue(wanted);
}

namespace {

void fill_from_facts(QueueInfo& info, const os::FileFacts& facts) {
  info.uid = facts.uid;
  info.gid = facts.gid;
  info.mode = facts.mode;
}

RegistrationInfo::How how_of(os::KernelStatus::Notice notice) {
  switch (notice) {
    case os::KernelStatus::Notice::signal: return RegistrationInfo::How::signal;
    case os::KernelStatus::Notice::thread: return RegistrationInfo::How::thread;
    case os::KernelStatus::Notice::silent: return RegistrationInfo::How::silent;
    default: return RegistrationInfo::How::nobody;
  }
}

/// @param looking  descriptors that this process has only to look
void fill_users(QueueInfo& info, const os::FileFacts& queue, const std::vector<os::KernelUser>& users,
                std::uint32_t looking) {
  for (const os::KernelUser& user : users) {
    if (user.inode != queue.inode || (user.pid == os::process_id() && user.descriptors <= looking)) continue;
    info.users.push_back(user.pid);
    info.commands.push_back(os::process_name(user.pid));
  }
}

Result<void> fill_from_queue(QueueInfo& info, int queue) {
  const Result<Attributes> attributes = os::kernel_attributes(queue);
  if (!attributes) return attributes.failure();
  info.attributes = *attributes;
  info.attributes.nonblocking = false;  // ours, not the queue's
  if (os::access_of(queue) == Access::read_only) {
    const os::KernelStatus status = os::kernel_status(queue);
    info.queued_bytes = status.queued_bytes;
    info.registration = {how_of(status.notice), status.registered_pid, status.signal};
  }
  return {};
}

QueueInfo nameless() {
  QueueInfo info;
  info.counted = false;
  return info;
}

// The list may be that of another IPC namespace, if an administrator has mounted that one's: what it shows and this
// process cannot open, or finds to be another queue, is not found.
Result<void> look(QueueInfo& info, const os::KernelEntry& entry) {
  const Result<UniqueFd> queue = open_to_look('/' + entry.name);
  if (!queue) return queue.failure();
  const Result<os::FileFacts> facts = os::facts(queue->get());
  if (!facts) return facts.failure();
  if (facts->device != entry.facts.device) return Errc::not_found;
  return fill_from_queue(info, queue->get());
}

}  // namespace

QueueInfo describe_kernel(const std::string& name) {
  QueueInfo info = nameless();
  info.name = text_of(Address{Home::kernel, name});
  const UniqueFd queue = value_or_throw(open_to_look(name), "describe", info.name);
  const os::FileFacts facts = value_or_throw(os::facts(queue.get()), "describe", info.name);
  fill_from_facts(info, facts);
  fill_users(info, facts, os::kernel_users(facts.device), 1);
  success_or_throw(fill_from_queue(info, queue.get()), "describe", info.name);
  return info;
}

namespace {

std::vector<os::KernelEntry> kernel_entries() {
  const Result<std::vector<os::KernelEntry>> entries = os::list_kernel_queues();
  if (entries.is(Errc::permission_denied)) {
    throw Error(code_of(entries.failure()),
                "list 'kernel:': no file system shows the kernel's queues, and this user may not mount one; as root: "
                "mkdir -p /dev/mqueue && mount -t mqueue none /dev/mqueue (EPERM)");
  }
  return value_or_throw(entries, "list", kKernelPrefix);
}

}  // namespace

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const os::KernelEntry& entry : kernel_entries()) {
    names.push_back(text_of(Address{Home::kernel, '/' + entry.name}));
  }
  return names;
}

std::vector<QueueInfo> list_kernel() {
  const std::vector<os::KernelEntry> entries = kernel_entries();
  std::vector<QueueInfo> queues;
  std::vector<os::KernelUser> users;
  if (!entries.empty()) users = os::kernel_users(entries.front().facts.device);
  for (const os::KernelEntry& entry : entries) {
    QueueInfo info = nameless();
    info.name = text_of(Address{Home::kernel, '/' + entry.name});
    fill_from_facts(info, entry.facts);
    fill_users(info, entry.facts, users, 0);
    const Result<void> looked = look(info, entry);
    if (!looked) info.error = code_of(looked.failure());
    queues.push_back(std::move(info));
  }
  std::ranges::sort(queues, {}, &QueueInfo::name);
  return queues;
}

}  // namespace mqxx::api
