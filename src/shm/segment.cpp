#include "shm/segment.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "base/address.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"
#include "shm/permissions.hpp"

namespace mqxx::shm {
namespace {

void fill_identity(Identity& identity, const NewQueue& queue, const Geometry& geometry) noexcept {
  identity.format.set(kFormat);
  identity.fingerprint.set(fingerprint());
  identity.capacity.set(geometry.capacity);
  identity.message_size.set(geometry.message_size);
  identity.file_bytes.set(geometry.file_bytes);
  identity.instance.set(os::random_number());
  identity.created_ns.set(os::coarse_wall_ns());
  identity.creator_pid.set(os::process_id());
  identity.mode.set(queue.mode);
  identity.name_size.set(static_cast<std::uint32_t>(queue.name.size()));
  std::memcpy(identity.name, queue.name.data(), queue.name.size());
  identity.magic.set(kMagic);
}

/// How much of a new file is reserved: the header, the rings, and what shares their last page.
std::uint64_t reserved_at_first(const Geometry& geometry) noexcept { return round_up(geometry.next, kPage); }

void fill_sides(Header& header, const Geometry& geometry) noexcept {
  header.sender.arrived_limit.set(geometry.ring_entries);
  header.sender.free_head.set(kNoSlot);
  const std::uint64_t reserved = reserved_at_first(geometry);
  header.sender.next_reserved.set(std::clamp(reserved, geometry.next, geometry.users));
  header.sender.users_reserved.set(std::clamp(reserved, geometry.users, geometry.index));
  header.sender.slots_reserved.set(geometry.slots);
  header.receiver.returned_limit.set(geometry.ring_entries);
  header.receiver.free_head.set(kNoSlot);
  header.common.sender_cpu.set(-1);
  header.common.receiver_cpu.set(-1);
}

std::string name_in(const Identity& identity) {
  const std::uint32_t size = identity.name_size.get();
  if (size < 2 || size > kMaxNameSize + 1 || identity.name[0] != '/') return {};
  return {identity.name, size};
}

// I1, on a private copy of the header. The order tells strangers from relatives from the damaged.
Result<Geometry> checked_identity(const Identity& identity, std::uint64_t file_bytes) noexcept {
  if (identity.magic.get() != kMagic) return Errc::not_a_queue;
  if (identity.format.get() != kFormat) return Failure{Errc::layout_mismatch, static_cast<int>(identity.format.get())};
  if (identity.fingerprint.get() != fingerprint()) return Failure{Errc::layout_mismatch, 0};
  const Result<Geometry> geometry = make_geometry(identity.capacity.get(), identity.message_size.get());
  if (!geometry || geometry->file_bytes != identity.file_bytes.get() || geometry->file_bytes != file_bytes) {
    return Errc::queue_damaged;
  }
  if (identity.name_size.get() < 2 || identity.name_size.get() > kMaxNameSize + 1) return Errc::queue_damaged;
  return geometry;
}

}  // namespace

Result<Segment> map_segment(UniqueFd fd, const os::FileFacts& facts, Place place, const Geometry& geometry) noexcept {
  const Result<std::byte*> memory = os::map_shared(fd.get(), geometry.file_bytes);
  if (!memory) return memory.failure();
  Result<os::Guard> guard = os::Guard::over(*memory, geometry.file_bytes);
  if (!guard) {
    os::unmap(*memory, geometry.file_bytes);
    return guard.failure();
  }
  Segment segment;
  segment.guard_ = std::move(*guard);
  segment.fd_ = std::move(fd);
  segment.owner_ = {facts.uid, facts.gid};
  segment.place_ = std::move(place);
  segment.memory_ = *memory;
  segment.seal_ = reinterpret_cast<const Shared<std::uint32_t>*>(*memory + geometry.seal);
  segment.geometry_ = geometry;
  return segment;
}

Segment::Segment(Segment&& other) noexcept
    : fd_(std::move(other.fd_)),
      owner_(other.owner_),
      place_(std::move(other.place_)),
      memory_(std::exchange(other.memory_, nullptr)),
      seal_(other.seal_),
      guard_(std::move(other.guard_)),
      geometry_(other.geometry_) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(owner_, other.owner_);
  std::swap(place_, other.place_);
  std::swap(memory_, other.memory_);
  std::swap(seal_, other.seal_);
  std::swap(guard_, other.guard_);
  std::swap(geometry_, other.geometry_);
  return *this;
}

Segment::~Segment() {
  guard_ = {};  // another mapping may stand there as soon as this one is gone
  if (memory_ != nullptr) os::unmap(memory_, geometry_.file_bytes);
}

Result<void> Segment::renew() noexcept {
  const Result<void> done = os::renew(fd_.get());
  return done ? os::map_over(memory_, fd_.get(), geometry_.file_bytes) : done;
}

namespace {

/// A queue's files before they have its name. Whoever gives up in the middle leaves nothing.
struct Made {
  Made(os::UnnamedFile made, Place where, const os::FileFacts& known)
      : file(std::move(made)), place(std::move(where)), queue(place.queue()), bell(place.bell()), facts(known) {}
  Made(Made&& other) noexcept
      : file(std::move(other.file)),
        place(std::move(other.place)),
        queue(std::move(other.queue)),
        bell(std::move(other.bell)),
        facts(other.facts),
        named(std::exchange(other.named, true)) {}
  Made& operator=(Made&&) = delete;
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    if (named) return;
    (void)os::remove_file(queue);
    (void)os::remove_file(bell);
  }

  os::UnnamedFile file;
  Place place;
  std::string queue;  // as place says; made beforehand, for there may be no memory later
  std::string bell;
  os::FileFacts facts;
  bool named = false;
};

// What follows, up to publish(), throws std::bad_alloc and nothing else.

Result<void> make_bell(const Place& place) {
  Result<void> made = os::make_doorbell(place.bell());
  if (!made.is(Errc::already_exists)) return made;
  // Of a queue that had the same inode, and whose last user was killed.
  (void)remove_unused(place);
  made = os::make_doorbell(place.bell());
  return made;
}

// Where somebody else's file stands: the next inode will do.
Result<void> give_place(const os::UnnamedFile& file, const Place& place) {
  Result<void> done = make_bell(place);
  if (done) done = os::publish(file, place.queue());
  return done.is(Errc::already_exists) ? Result<void>(Errc::not_found) : done;
}

Result<Made> make_files(const NewQueue& queue, const Geometry& geometry) {
  std::string where = directory();
  Result<os::UnnamedFile> file = os::create_unnamed(where, queue.mode & 07777U);
  if (!file) return file.failure();
  const Result<os::FileFacts> facts = os::facts(file->fd.get());
  if (!facts) return facts.failure();
  const int fd = file->fd.get();

  Result<void> done;
  if (file_mode(facts->mode) != facts->mode) done = os::set_mode(fd, file_mode(facts->mode));
  if (done) done = os::resize(fd, geometry.file_bytes);
  if (done) done = os::reserve(fd, 0, reserved_at_first(geometry));
  if (!done) return done.failure();
  alignas(64) std::array<std::byte, kHeaderBytes> bytes{};
  auto* header = new (bytes.data()) Header;
  NewQueue made = queue;
  made.mode = facts->mode;  // what the umask left
  fill_identity(header->identity, made, geometry);
  fill_sides(*header, geometry);
  done = os::write_at(fd, 0, bytes);
  if (done) done = os::write_at(fd, geometry.seal, std::as_bytes(std::span(&kSeal, 1)));
  if (!done) return done.failure();

  Made both(std::move(*file), Place{std::move(where), facts->inode}, *facts);
  done = give_place(both.file, both.place);
  if (!done) return done.failure();
  return both;
}

// Holds the doorbell open first, so that nobody's sweep() takes the files for what a dead process left.
Result<UniqueFd> give_name(Made& made, const std::string& path, os::Blocking blocking) {
  Result<UniqueFd> bell = os::open_doorbell(made.bell, blocking, made.facts.uid);
  if (bell.is(Errc::permission_denied)) {
    // The umask took even its maker's rights.
    (void)os::set_doorbell_mode(made.bell, file_mode(made.facts.mode));
    bell = os::open_doorbell(made.bell, blocking, made.facts.uid);
  }
  if (!bell) return bell;
  Result<void> done = os::link_file(made.queue, path);
  if (!done) return done.failure();
  made.named = true;
  done = os::adopt(bell->get(), file_mode(made.facts.mode));
  if (!done) return done.failure();
  // Whoever took the name away already has marked the doorbell before it was adopted, or marks it after we have looked.
  if (!has_name(made.queue)) os::abandon(made.bell);
  return bell;
}

constexpr std::int64_t kCreationNs = 10'000'000'000;  // by far longer than a creator takes

void sweep_once() {
  static std::atomic_flag swept;
  if (!swept.test_and_set(std::memory_order_relaxed)) sweep(directory(), kCreationNs);
}

// Between making a doorbell and opening it a sweep() may take it away, and somebody may have put files where those of
// the next inodes belong: then once more, and he needs many to keep us from it.
constexpr int kTries = 256;

}  // namespace

Result<Segment> publish(const NewQueue& queue, NewNames* names) noexcept try {
  const Result<Geometry> geometry = make_geometry(queue.capacity, queue.message_size);
  if (!geometry) return geometry.failure();
  sweep_once();
  for (int tries = 0;; ++tries) {
    Result<Made> made = make_files(queue, *geometry);
    if (made.is(Errc::not_found) && os::directory_exists(directory())) {
      if (tries < kTries) continue;
      return Errc::permission_denied;
    }
    if (!made) return made.failure();
    // Mapped before it has its name, so that a name means that it could be mapped here.
    Result<Segment> segment = map_segment(std::move(made->file.fd), made->facts, made->place, *geometry);
    if (!segment) return segment;
    std::string name = file_of(queue.name);
    const Result<UniqueFd> bell = give_name(*made, name, os::Blocking::no);
    if (bell && names != nullptr) names->set(std::move(name), std::move(made->queue), std::move(made->bell));
    if (bell) return segment;
    if (!bell.is(Errc::not_found) || tries == kTries) return bell.failure();
  }
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

Result<Visit> publish_unmapped(const NewQueue& queue, os::Blocking blocking) noexcept try {
  const Result<Geometry> geometry = make_geometry(queue.capacity, queue.message_size);
  if (!geometry) return geometry.failure();
  sweep_once();
  for (int tries = 0;; ++tries) {
    Result<Made> made = make_files(queue, *geometry);
    if (made.is(Errc::not_found) && os::directory_exists(directory())) {
      if (tries < kTries) continue;
      return Errc::permission_denied;
    }
    if (!made) return made.failure();
    made->file.fd.reset();  // so that the bell gets the lowest number, and one free number is enough
    Result<UniqueFd> bell = give_name(*made, file_of(queue.name), blocking);
    if (bell)
      return Visit{std::move(made->place), std::move(*bell), made->facts.uid, made->facts.gid, made->facts.mode};
    if (!bell.is(Errc::not_found) || tries == kTries) return bell.failure();
  }
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

namespace {

// The name in the header is another. Whoever copied a file by hand, and it has no more than that one name, may use it.
// Otherwise it is a queue that somebody linked to a second name, or a hash that two names have in common.
bool may_go_by(const std::string& name, const os::FileFacts& facts) noexcept {
  return !has_hashed_file(name) && facts.links <= 1;
}

}  // namespace

Result<Segment> attach(const std::string& name) noexcept try {
  Result<Segment> segment = attach_file(file_of(name));
  if (!segment || stored_name(*segment) == name) return segment;
  const Result<os::FileFacts> facts = os::facts(segment->fd());
  if (!facts || !may_go_by(name, *facts)) return Errc::queue_damaged;
  return segment;
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

namespace {

/// A file that says that it is a queue, and may be believed as far as its identity goes.
struct Candidate {
  UniqueFd fd;
  os::FileFacts facts;
  Geometry geometry;
  std::uint32_t mode = 0;
  std::string name;
};

Result<Candidate> open_candidate(const std::string& path) {
  Result<UniqueFd> fd = os::open_file(path);
  if (!fd) {
    // ELOOP: a symbolic link, ENXIO and the like: a device or socket. None is a queue.
    const int error = fd.failure().code == Errc::system_error ? fd.failure().detail : 0;
    if (error == ELOOP || error == ENXIO || error == EISDIR) return Errc::not_a_queue;
    return fd.failure();
  }
  const Result<os::FileFacts> facts = os::facts(fd->get());
  if (!facts) return facts.failure();
  if (!facts->regular || facts->size < kHeaderBytes) return Errc::not_a_queue;
  // Read, not mapped: a file that shrinks under a mapping is a signal, under a read it is a short answer.
  alignas(64) std::array<std::byte, sizeof(Identity)> bytes{};
  const Result<std::size_t> got = os::read_at(fd->get(), 0, bytes);
  if (!got) return got.failure();
  if (*got != bytes.size()) return Errc::not_a_queue;
  const auto& identity = *reinterpret_cast<const Identity*>(bytes.data());
  const Result<Geometry> geometry = checked_identity(identity, facts->size);
  if (!geometry) return geometry.failure();
  return Candidate{std::move(*fd), *facts, *geometry, identity.mode.get(), name_in(identity)};
}

}  // namespace

Result<Segment> attach_file(const std::string& path) noexcept try {
  Result<Candidate> found = open_candidate(path);
  if (!found) return found.failure();
  const std::size_t slash = path.rfind('/');
  Place place{slash == std::string::npos ? "." : path.substr(0, slash), found->facts.inode};
  return map_segment(std::move(found->fd), found->facts, std::move(place), found->geometry);
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

Result<Visit> visit(const std::string& name, os::Blocking blocking, Visited& last) noexcept try {
  std::string path = file_of(name);
  // Bounded, in case somebody creates and removes the queue all the time.
  constexpr int kVisits = 100;
  for (int tries = 0;; ++tries) {
    const bool again = tries == 0 && last.path == path;
    if (!again) {
      // Closed at once, so that the bell gets the lowest number, and one free number is enough.
      const Result<Candidate> found = open_candidate(path);
      if (!found) return found.failure();
      if (found->name != name && !may_go_by(name, found->facts)) return Errc::queue_damaged;
      last = {path, found->facts, found->mode};
    }
    Place place{directory(), last.facts.inode};
    Result<UniqueFd> bell = os::open_doorbell(place.bell(), blocking, last.facts.uid);
    if (!bell && !bell.is(Errc::not_found)) return bell.failure();
    // If the name still stands after we have the bell, then who removes it will find it in use.
    const Result<os::FileFacts> now = os::facts(path);
    const bool stands = now && now->inode == place.inode;
    const bool unchanged = stands && now->changed_ns == last.facts.changed_ns;
    if (bell && stands && (unchanged || !again)) {
      return Visit{std::move(place), std::move(*bell), last.facts.uid, last.facts.gid, last.mode};
    }
    last.path.clear();
    if ((stands && !again) || tries == kVisits) return Errc::queue_damaged;  // copied by hand: a queue without its bell
  }
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

std::string stored_name(const Segment& segment) { return name_in(segment.header().identity); }

}  // namespace mqxx::shm
