#include "shm/segment.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "base/address.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"

namespace mqxx::shm {
namespace {

constexpr std::string_view kPrefix = "mqxx.";
constexpr std::string_view kHashedPrefix = "mqxx~";
constexpr std::size_t kHashDigits = 32;
static_assert(kPrefix.size() == kHashedPrefix.size());

// A receiver changes the queue as a sender does, so whoever may do either needs to read and write the file. What each
// may do with the queue is in the header's mode, which open() checks.
std::uint32_t file_mode(std::uint32_t mode) noexcept {
  std::uint32_t wide = 0;
  for (const std::uint32_t shift : {6U, 3U, 0U}) {
    if (((mode >> shift) & 6U) != 0) wide |= 6U << shift;
  }
  return wide;
}

std::string hash_digits(std::string_view name) {
  // FNV-1a, 128 bits. Not a secret: the header has the whole name, so names that collide refuse each other.
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kPrime = (Wide{1} << 88) | 0x13bU;
  Wide hash = (Wide{0x6c62272e07bb0142U} << 64) | 0x62b821756295c58dU;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  std::string digits(kHashDigits, '0');
  for (std::size_t i = kHashDigits; i-- > 0; hash >>= 4) digits[i] = "0123456789abcdef"[static_cast<int>(hash & 15U)];
  return digits;
}

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

void fill_sides(Header& header, const Geometry& geometry) noexcept {
  header.sender.arrived_limit.set(geometry.ring_entries);
  header.sender.free_head.set(kNoSlot);
  header.sender.next_reserved.set(geometry.next);
  header.sender.users_reserved.set(geometry.users);
  header.sender.slots_reserved.set(geometry.slots);
  header.receiver.returned_limit.set(geometry.ring_entries);
  header.receiver.free_head.set(kNoSlot);
  header.common.sender_cpu.set(-1);
  header.common.receiver_cpu.set(-1);
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

Result<Segment> map_segment(UniqueFd fd, const Geometry& geometry) noexcept {
  const Result<std::byte*> memory = os::map_shared(fd.get(), geometry.file_bytes);
  if (!memory) return memory.failure();
  Segment segment;
  segment.fd_ = std::move(fd);
  segment.memory_ = *memory;
  segment.geometry_ = geometry;
  return segment;
}

Segment::Segment(Segment&& other) noexcept
    : fd_(std::move(other.fd_)), memory_(std::exchange(other.memory_, nullptr)), geometry_(other.geometry_) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(memory_, other.memory_);
  std::swap(geometry_, other.geometry_);
  return *this;
}

Segment::~Segment() {
  if (memory_ != nullptr) os::unmap(memory_, geometry_.file_bytes);
}

std::string directory() {
  const char* chosen = std::getenv("MQXX_DIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/dev/shm";
}

std::string file_of(const std::string& name) {
  const std::string_view bare = std::string_view(name).substr(1);
  if (kPrefix.size() + bare.size() <= kMaxNameSize) return directory() + '/' + std::string(kPrefix) + std::string(bare);
  return directory() + '/' + std::string(kHashedPrefix) + hash_digits(bare);
}

bool is_queue_file(const std::string& entry) { return entry.starts_with(kPrefix) || entry.starts_with(kHashedPrefix); }

Result<Segment> publish(const NewQueue& queue) noexcept {
  const Result<Geometry> geometry = make_geometry(queue.capacity, queue.message_size);
  if (!geometry) return geometry.failure();
  Result<os::UnnamedFile> file = os::create_unnamed(directory(), queue.mode & 0777U);
  if (!file) return file.failure();
  const Result<os::FileFacts> facts = os::facts(file->fd.get());
  if (!facts) return facts.failure();

  NewQueue made = queue;
  made.mode = facts->mode;  // what the umask left
  Result<void> done = os::set_mode(file->fd.get(), file_mode(made.mode));
  if (done) done = os::resize(file->fd.get(), geometry->file_bytes);
  if (done) done = os::reserve(file->fd.get(), 0, geometry->next);
  if (!done) return done.failure();
  const int fd = file->fd.get();
  alignas(64) std::array<std::byte, kHeaderBytes> bytes{};
  auto* header = new (bytes.data()) Header;
  fill_identity(header->identity, made, *geometry);
  fill_sides(*header, *geometry);
  done = os::write_at(fd, 0, bytes);
  if (done) done = os::publish(*file, file_of(queue.name));
  if (!done) return done.failure();
  return map_segment(std::move(file->fd), *geometry);
}

Result<Segment> attach(const std::string& name) noexcept {
  Result<Segment> segment = attach_file(file_of(name));
  // Only a hash can lead to a file of another name; whoever copied a file by hand may use it under the new one.
  if (segment && kPrefix.size() + name.size() - 1 > kMaxNameSize && stored_name(*segment) != name) {
    return Errc::queue_damaged;
  }
  return segment;
}

Result<Segment> attach_file(const std::string& path) noexcept {
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
  alignas(64) std::array<std::byte, kHeaderBytes> bytes{};
  const Result<std::size_t> got = os::read_at(fd->get(), 0, bytes);
  if (!got) return got.failure();
  if (*got != bytes.size()) return Errc::not_a_queue;
  const Result<Geometry> geometry =
      checked_identity(reinterpret_cast<const Header*>(bytes.data())->identity, facts->size);
  if (!geometry) return geometry.failure();
  return map_segment(std::move(*fd), *geometry);
}

std::string stored_name(const Segment& segment) {
  const Identity& identity = segment.header().identity;
  const std::uint32_t size = identity.name_size.get();
  if (size < 2 || size > kMaxNameSize + 1 || identity.name[0] != '/') return {};
  return {identity.name, size};
}

}  // namespace mqxx::shm
