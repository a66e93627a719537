// Permissions: changes the mode and the owner of a queue that exists, as chmod(1) and chown(1) do of a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mqxx {

/// What change_owner is to set; what is left out stays as it is. `change_owner("/orders", {.gid = 100})`
struct NewOwner {
  std::optional<std::uint32_t> uid = std::nullopt;
  std::optional<std::uint32_t> gid = std::nullopt;
};

/// Gives a queue other permission bits: exactly these, whatever the umask. For who opens it from then on; who has it
/// open keeps what he has, except in System V, which asks anew in each call. The queue's owner and root may, of System
/// V also its creator, whatever the mode lets them do with messages; in the kernel one of them must be allowed to send
/// or to receive, for only an open queue can be changed. A death in the middle leaves nobody in whom neither the old
/// mode nor the new one would let in. Called again it is made whole.
/// @param mode  0 .. 0777
/// @throws Error  permission_denied, not_found, invalid_argument (more bits), invalid_name, name_too_long, not_a_queue,
///                layout_mismatch, queue_damaged
/// @see fchmod(2), msgctl(2)
void change_mode(std::string_view name, std::uint32_t mode);

/// Gives a queue another owner, another group or both. Root may; its owner may give it a group that he is in, of System
/// V he and its creator may give it to anybody. What change_mode says of who has it open and of deaths holds here, too;
/// until it is called again nobody can begin to poll such a queue (permission_denied or queue_damaged).
/// @throws Error  as change_mode; invalid_argument also for a number that stands for no user or group here
/// @see fchown(2), msgctl(2)
void change_owner(std::string_view name, const NewOwner& owner);

}  // namespace mqxx
