// The home "sysv": System V queues, which programs without POSIX queues speak.
#pragma once

#include <memory>
#include <string>

#include "backend/backend.hpp"

namespace mqxx::backend {

/// @param key  the text of its key, base/sysv_key.hpp
Result<std::shared_ptr<Backend>> open_sysv(const std::string& key, Creation creation,
                                           const OpenOptions& options) noexcept;
Result<void> unlink_sysv(const std::string& key) noexcept;

}  // namespace mqxx::backend
