#include "loop/watch_queue.hpp"

#include <string>

#include "api/failure.hpp"

namespace mqxx::loop {
namespace {

/// What the system says about a descriptor, in words of its own: the usual ones speak of queues.
std::string_view words_for(const Result<void>& added) noexcept {
  if (added) return {};
  switch (added.failure().code) {
    case Errc::closed: return "it is no open descriptor";
    case Errc::permission_denied: return "it cannot be polled, for it is always ready";
    case Errc::no_space: return "this user watches as many descriptors as 'sysctl fs.epoll.max_user_watches' allows";
    default: return {};
  }
}

}  // namespace

void enlist(Core& core, SourceEntry& entry, int descriptor, const Queue* queue) {
  const Result<void> added = core.sources().add(entry, descriptor, queue);
  const std::string object = queue != nullptr ? queue->name() : "descriptor " + std::to_string(descriptor);
  api::success_or_throw(added, "watch", object, {.words = words_for(added)});
}

}  // namespace mqxx::loop
