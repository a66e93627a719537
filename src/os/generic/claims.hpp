// Claims of this process: those that it has by itself it must know by itself (R4 of register.hpp).
#pragma once

namespace mqxx::os {

/// The descriptor is about to be closed.
void drop_claims_of(int fd) noexcept;

}  // namespace mqxx::os
