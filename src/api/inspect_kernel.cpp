#include "api/inspect_kernel.hpp"

#include <algorithm>
#include <optional>

#include "api/failure.hpp"
#include "base/address.hpp"
#include "base/error.hpp"
#include "os/kernel_queue.hpp"

namespace mqxx::api {
namespace {

void fill_from_facts(QueueInfo& info, const os::FileFacts& facts) {
  info.uid = facts.uid;
  info.gid = facts.gid;
  info.mode = facts.mode;
}

/// For looking: to read if that is allowed, since only a reader is told the bytes; or else to write.
/// @param name with its slash
Result<UniqueFd> open_to_look(const std::string& name) {
  os::KernelOpening wanted{.name = name.c_str() + 1, .options = {.access = Access::read_only, .nonblocking = true}};
  Result<UniqueFd> queue = os::open_kernel_queue(wanted);
  if (!queue.is(Errc::permission_denied)) return queue;
  wanted.options.access = Access::write_only;
  return os::open_kernel_queue(wanted);
}

Result<void> fill_from_queue(QueueInfo& info, int queue) {
  const Result<Attributes> attributes = os::kernel_attributes(queue);
  if (!attributes) return attributes.failure();
  info.attributes = *attributes;
  info.attributes.nonblocking = false;  // ours, not the queue's
  if (os::access_of(queue) == Access::read_only) info.queued_bytes = os::queued_bytes(queue);
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
  fill_from_facts(info, value_or_throw(os::facts(queue.get()), "describe", info.name));
  success_or_throw(fill_from_queue(info, queue.get()), "describe", info.name);
  return info;
}

std::vector<QueueInfo> list_kernel() {
  const Result<std::vector<os::KernelEntry>> entries = os::list_kernel_queues();
  if (entries.is(Errc::permission_denied)) {
    throw Error(code_of(entries.failure()),
                "list 'kernel:': no file system shows the kernel's queues, and this user may not mount one; as root: "
                "mkdir -p /dev/mqueue && mount -t mqueue none /dev/mqueue (EPERM)");
  }
  std::vector<QueueInfo> queues;
  for (const os::KernelEntry& entry : value_or_throw(entries, "list", kKernelPrefix)) {
    QueueInfo info = nameless();
    info.name = text_of(Address{Home::kernel, '/' + entry.name});
    fill_from_facts(info, entry.facts);
    const Result<void> looked = look(info, entry);
    if (!looked) info.error = code_of(looked.failure());
    queues.push_back(std::move(info));
  }
  std::ranges::sort(queues, {}, &QueueInfo::name);
  return queues;
}

}  // namespace mqxx::api
