// What the System V interface says of its failures, where it knows more than is said of a home.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace mqxx::api {

/// What the refused call wanted, as far as its failures can speak of it.
struct SysvAsked {
  std::uint64_t size = 0;                  ///< of the message
  std::optional<std::uint64_t> room = {};  ///< of the queue, where it is that which is less than the message
  std::uint64_t most_bytes = 0;            ///< that the queue should have room for; 0: not asked
};

std::optional<std::string> sysv_words(Failure failure, const SysvAsked& asked);

}  // namespace mqxx::api
