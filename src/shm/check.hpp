// The checker: tests every numbered invariant of layout.hpp while everybody is held off.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "shm/queue.hpp"

namespace mqxx::shm {

struct Broken {
  const char* invariant;  ///< "I3"
  std::string text;
};

/// Empty when all is well; at most kMostFindings. Fails with would_deadlock, no_memory.
Result<std::vector<Broken>> check(Queue& queue) noexcept;
inline constexpr std::size_t kMostFindings = 64;

}  // namespace mqxx::shm
