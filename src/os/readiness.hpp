// A descriptor without a path that every poller of the system understands, and whose readiness is set by hand.
//
//  - make_readiness answers one that is closed on exec, and empty.
//  - It polls as it was set last: empty is writable only, some is readable and writable, full readable only. Between
//  two of
//    them it may show empty for a moment; never a hang-up or an error.
//  - set_readiness does not block, and may be called by every process that has it. REQUIRES: one call at a time.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "os/doorbell.hpp"

namespace mqxx::os {

Result<UniqueFd> make_readiness() noexcept;
void set_readiness(int fd, Bell state) noexcept;

}  // namespace mqxx::os
