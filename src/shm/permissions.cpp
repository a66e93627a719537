#include "shm/permissions.hpp"

#include <new>
#include <string>

#include "base/step.hpp"

namespace mqxx::shm {
namespace {

constexpr std::uint32_t kOwnerOnly = 0600;

}  // namespace

std::uint32_t file_mode(std::uint32_t mode) noexcept {
  std::uint32_t wide = kOwnerOnly;
  for (const std::uint32_t shift : {6U, 3U, 0U}) {
    if (((mode >> shift) & 6U) != 0) wide |= 6U << shift;
  }
  return wide;
}

// Narrow first, then say the new mode, then widen. While the files let in only whom both modes let in, the header may
// say either.
Result<void> change_mode(const Segment& segment, std::uint32_t mode) noexcept try {
  const std::string bell = segment.place().bell();
  const Result<os::FileFacts> facts = os::facts(segment.fd());
  if (!facts) return facts.failure();
  const std::uint32_t wanted = file_mode(mode);
  const std::uint32_t shared = facts->mode & wanted;

  Result<void> done = os::set_doorbell_mode(bell, shared);
  if (done) done = os::set_mode(segment.fd(), shared);
  if (!done) return done;
  step(Step::permissions_narrowed);
  segment.header().identity.mode.set(mode & 07777U);
  step(Step::permissions_told);
  done = os::set_mode(segment.fd(), wanted);  // A3: also where it changes nothing
  if (done) done = os::set_doorbell_mode(bell, wanted);
  return done;
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

// The doorbell is its owner's alone meanwhile: the group of before must not have it when the file is another's (A2).
Result<void> change_owner(const Segment& segment, std::uint32_t uid, std::uint32_t gid) noexcept try {
  const std::string bell = segment.place().bell();
  const Result<os::FileFacts> facts = os::facts(segment.fd());
  if (!facts) return facts.failure();

  Result<void> done = os::set_doorbell_mode(bell, kOwnerOnly);
  if (!done) return done;
  step(Step::permissions_narrowed);
  const Result<void> changed = os::set_owner(segment.fd(), uid, gid);
  step(Step::owner_changed);
  if (changed) done = os::set_doorbell_owner(bell, uid, gid);
  // Also where the system has refused: then nothing has changed.
  const Result<void> widened = os::set_doorbell_mode(bell, facts->mode & 0777U);
  if (!changed) return changed;
  return done ? widened : done;
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

}  // namespace mqxx::shm
