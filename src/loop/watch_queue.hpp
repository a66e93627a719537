// How a descriptor comes under watch: a queue's, or any.
#pragma once

#include <memory>
#include <utility>

#include "loop/core.hpp"

namespace mqxx::loop {

/// `queue` is null where the descriptor is no queue's. @throws Error
void enlist(Core& core, SourceEntry& entry, int descriptor, const Queue* queue);

/// Makes a Kind from the core and the arguments, for that queue. @throws Error
template <class Kind, class... Arguments>
Watch watch_queue(Core& core, const Queue& queue, Arguments&&... arguments) {
  core.require_own("watch");
  const int descriptor = queue.native_handle();
  auto entry = std::make_shared<Kind>(core, std::forward<Arguments>(arguments)...);
  Kind& kind = *entry;
  return core.add(std::move(entry), [&] { enlist(core, kind, descriptor, &queue); });
}

}  // namespace mqxx::loop
