// Looking at the kernel's queues.
#pragma once

#include <string>
#include <vector>

#include <mqxx/inspect.hpp>

namespace mqxx::api {

/// @param name  with its slash
QueueInfo describe_kernel(const std::string& name);
std::vector<QueueInfo> list_kernel();
std::vector<std::string> kernel_names();

}  // namespace mqxx::api
