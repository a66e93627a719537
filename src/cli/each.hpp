// Each: one thing done to several queues. What fails with one is told in a line, and the others have their turn.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/status.hpp"

namespace mqxx::cli {

/// @param work  throws Error for what fails with this queue alone
/// @return the status of the first failure
[[nodiscard]] Status for_each_queue(const std::vector<std::string>& names,
                                    const std::function<void(const std::string& name)>& work);

}  // namespace mqxx::cli
