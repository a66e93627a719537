// How messages leave a System V queue for another one without being lost on the way.
#pragma once

#include "backend/backend.hpp"

namespace mqxx::backend {

/// Backend::move_to for a System V queue: each message is seen, sent, and only then taken. So a death in the middle
/// leaves what was sent in both queues. That which is taken is known by its type, as the first of it: where this is the
/// only receiver it is the one that was seen. Where another receiver was quicker it may be one that was not: then that
/// one is sent as well.
///
/// They leave by priority as far as the oldest kWindow messages go: the system shows messages by age only.
Moved move_from_sysv(int queue, Backend& to, const Moving& how) noexcept;

}  // namespace mqxx::backend
