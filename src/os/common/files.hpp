// What the ports add to files.cpp, and what they take from it.
#pragma once

#include "os/memory.hpp"

namespace mqxx::os {

// ---- For ports on systems, and for file systems, without unnamed files

/// A file under a name of its own that begins with "mqxx-new.". Throws std::bad_alloc.
Result<UnnamedFile> create_temporary(const std::string& directory, std::uint32_t mode);
/// As publish(). The temporary name goes at once, so that the links of the file are those that its owner gave it.
Result<void> publish_temporary(const UnnamedFile& file, const std::string& path) noexcept;

// ---- Each port has its own

/// One attempt to reserve a range; the size of the file stays. @return 0 or an errno, EINTR among them
int reserve_piece(int fd, std::uint64_t offset, std::uint64_t size) noexcept;

}  // namespace mqxx::os
