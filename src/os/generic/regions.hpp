// Regions: which file an address of shared memory belongs to. Processes have a file at different addresses, and a
// process may have it at several: what they sleep on and claim is known by the file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mqxx::os {

/// Names a file of this machine: device and inode, mixed into one number. Two files of one number are as likely as a
/// bit that flips by itself.
std::uint64_t file_number(std::uint64_t device, std::uint64_t inode) noexcept;
/// 0: there is no such descriptor.
std::uint64_t file_number(int fd) noexcept;

/// false: no memory for it.
bool add_region(const std::byte* memory, std::uint64_t size, int fd) noexcept;
/// @return the descriptor that it was mapped through, -1 when it is unknown
int remove_region(const std::byte* memory) noexcept;

struct SharedAddress {
  std::uint64_t file = 0;    ///< 0: memory that a fork has shared, known by its address
  std::uint64_t offset = 0;  ///< in the file
  friend bool operator==(const SharedAddress&, const SharedAddress&) = default;
};
SharedAddress shared_address(const void* address) noexcept;

}  // namespace mqxx::os
