// The default home: queues in shared memory, by our own engine.
#pragma once

#include <memory>
#include <string>

#include "backend/backend.hpp"

namespace mqxx::backend {

Result<std::shared_ptr<Backend>> open_shm(const std::string& name, Creation creation,
                                          const OpenOptions& options) noexcept;
Result<void> unlink_shm(const std::string& name) noexcept;

}  // namespace mqxx::backend
