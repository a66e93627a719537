// Looking at the kernel's queues.
#pragma once

#include <string>
#include <vector>

#include <mqxx/inspect.hpp>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace mqxx::api {

/// @param name  with its slash
QueueInfo describe_kernel(const std::string& name);
std::vector<QueueInfo> list_kernel();
std::vector<std::string> kernel_names();

/// For looking: to read if that is allowed, since only a reader is told the bytes; or else to write.
/// @param name with its slash
Result<UniqueFd> open_to_look(const std::string& name);

}  // namespace mqxx::api
