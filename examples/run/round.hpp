// Round: the whole plan once through one queue, timed and proven.
#pragma once

#include <string>

#include "options.hpp"
#include "text.hpp"
#include "transport.hpp"

namespace run {

/// @return seconds from the start of the first producer to the end of the last consumer
/// @throws std::exception, Interrupted  no round: nothing is left behind
[[nodiscard]] double run_round(Transport& transport, const Plan& plan, const Options& options,
                               const std::string& title);

}  // namespace run
