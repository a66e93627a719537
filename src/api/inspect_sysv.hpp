// Looking at System V queues.
#pragma once

#include <string>
#include <vector>

#include <mqxx/inspect.hpp>

namespace mqxx::api {

/// @param key  the text of its key
QueueInfo describe_sysv(const std::string& key);
std::vector<QueueInfo> list_sysv();

}  // namespace mqxx::api
