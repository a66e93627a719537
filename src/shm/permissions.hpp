// Permissions: who may open a queue, of its file, its doorbell and its header, and how they change together.
//
// A mode is in three places: the file's permission bits and the doorbell's, which the system obeys, and the header,
// which whoever opens the queue obeys. They cannot change in one step, and a process may die between two.
//   A1  at every moment whoever may open the queue is allowed to by the old mode or by the new one
//   A2  whoever may open the doorbell may open the file
//   A3  the file's last change comes after the header's: who remembers a header by the time of that (visit()) is told
// decisions/0017.
#pragma once

#include <cstdint>

#include "shm/segment.hpp"

namespace mqxx::shm {

/// The bits of the file and the doorbell of a queue of that mode. A receiver changes the queue as a sender does, so
/// whoever may do either needs to read and write the file; and its owner, who may have made it for nobody to open. What
/// each may do with the queue is in the header's mode, which open() checks.
[[nodiscard]] std::uint32_t file_mode(std::uint32_t mode) noexcept;

/// As chmod(2) and chown(2) for the queue; -1 leaves an owner as it is. Who has the queue open keeps it so. Where the
/// process dies in the middle, calling again makes it whole. Fail with permission_denied, queue_damaged (the doorbell
/// is not the queue's), not_found (it is gone, as when the queue was removed); change_owner also with system_error
/// (EINVAL: no such user here).
Result<void> change_mode(const Segment& segment, std::uint32_t mode) noexcept;
Result<void> change_owner(const Segment& segment, std::uint32_t uid, std::uint32_t gid) noexcept;

}  // namespace mqxx::shm
