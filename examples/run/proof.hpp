// Proof: what the consumers' logs must show after a round.
//   P1 once      every message of the plan is in exactly one log, exactly once
//   P2 whole     it has the size, the producer and the priority that it was sent with
//   P3 in order  in each log, the messages of one producer and one priority stand in the order in which they were sent
//   P4 the same  the file, put together again from the logs, is the file, byte by byte, every time it was sent
#pragma once

#include <vector>

#include "board.hpp"
#include "text.hpp"

namespace run {

/// @throws std::runtime_error  which of them is broken, and where
void prove(const Plan& plan, const std::vector<Log>& logs);

}  // namespace run
