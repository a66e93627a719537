// What the FIFO of a doorbell is like on every system, and what the ports add to it.
#pragma once

#include <array>
#include <cstddef>

#include <sys/stat.h>

#include "os/doorbell.hpp"

namespace mqxx::os {

inline constexpr std::size_t kBellPart = 1024;  // at a time: a handler's stack may be small
inline constexpr std::array<char, kBellPart> kBellFilling{};
/// More than a pipe has. Others may fill what we empty, on purpose and for ever: then the bell is wrong, and the caller
/// goes on.
inline constexpr int kMostBellParts = (1 << 20) / static_cast<int>(kBellPart);

/// One name: where links to other people's files may be made, a second one would lead us to such a file.
bool is_doorbell(const struct stat& status) noexcept;

// ---- Each port has its own

/// Until there is no room.
void fill_bell(int bell) noexcept;
/// From full until there is room, and something is left. Whoever else reads from it may have come first.
void leave_some(int bell) noexcept;

}  // namespace mqxx::os
