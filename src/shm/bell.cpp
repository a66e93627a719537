// The doorbell of a queue that is open here.
#include <new>

#include "os/doorbell.hpp"
#include "shm/segment.hpp"

namespace mqxx::shm {
namespace {

constexpr int kTries = 100;  // a sweep() may take it away before it is opened

// A queue without a name loses its doorbell with the last who had it open (remove_unused), and the queue itself is
// still used by those who have mapped it. It is abandoned, so whoever closes it last removes it again.
Result<void> make_anew(const os::FileFacts& queue, const std::string& path) {
  Result<void> made = os::make_doorbell(path);
  if (made.is(Errc::already_exists)) return {};  // another user was quicker
  if (!made) return made;
  made = os::set_doorbell_owner(path, queue.uid, queue.gid);
  if (made) made = os::set_doorbell_mode(path, queue.mode);
  if (!made) (void)os::remove_file(path);  // only the queue's owner may make it
  return made;
}

}  // namespace

Result<UniqueFd> open_bell(const Segment& segment) noexcept try {
  const std::string path = segment.place().bell();
  for (int tries = 0;; ++tries) {
    const Result<os::FileFacts> queue = os::facts(segment.fd());
    if (!queue) return queue.failure();
    Result<UniqueFd> bell = os::open_doorbell(path, os::Blocking::no, queue->uid);
    if (!bell.is(Errc::not_found)) return bell;
    if (queue->links != 0 || tries == kTries) return Errc::queue_damaged;
    const Result<void> made = make_anew(*queue, path);
    if (!made) return made.failure();
  }
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

}  // namespace mqxx::shm
