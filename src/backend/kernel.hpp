// The home "kernel": the kernel's own POSIX queues.
#pragma once

#include <memory>
#include <string>

#include "backend/backend.hpp"

namespace mqxx::backend {

/// @param name  with its slash
Result<std::shared_ptr<Backend>> open_kernel(const std::string& name, Creation creation,
                                             const OpenOptions& options) noexcept;
/// A descriptor that came from elsewhere: inherited, passed, from another library. Fails with not_a_queue, closed;
/// the descriptor is its owner's then.
Result<std::shared_ptr<Backend>> adopt_kernel(int descriptor) noexcept;
Result<void> unlink_kernel(const std::string& name) noexcept;

}  // namespace mqxx::backend
