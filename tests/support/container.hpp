// Containers: processes with PID and mount namespaces of their own, who share nothing but the directory of queues.
#pragma once

#include <functional>

#include "support/child.hpp"

namespace mqxx::test {

/// Whether this process may make namespaces.
[[nodiscard]] bool can_contain();

/// As Child; `body` runs as process 1 of its PID namespace, with a /proc that shows this namespace only.
/// REQUIRES: can_contain().
Child in_container(const std::function<void()>& body);

}  // namespace mqxx::test
