#include "backend/sysv_place.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "backend/sysv_limits.hpp"
#include "base/address.hpp"
#include "base/sysv_key.hpp"
#include "os/process.hpp"

namespace mqxx::backend {
namespace {

constexpr std::uint32_t kRead = 0444;
constexpr std::uint32_t kWrite = 0222;
constexpr std::uint32_t kOwnerOnly = 0600;

constexpr std::uint32_t bits_of(Access access) noexcept {
  switch (access) {
    case Access::read_only: return kRead;
    case Access::write_only: return kWrite;
    case Access::read_write: break;
  }
  return kRead | kWrite;
}

/// Of a key, or of the file that stands for one.
Result<std::int32_t> key_number(const SysvKey& key) noexcept {
  if (key.kind != SysvKey::Kind::file) return static_cast<std::int32_t>(key.number);
  return os::sysv_key_of(key.path.c_str(), static_cast<int>(key.number));
}

bool is_default(const OpenOptions& options) noexcept {
  return options.capacity == OpenOptions{}.capacity && options.message_size == OpenOptions{}.message_size;
}

/// Room for so many bytes, or for as many as a new queue has.
struct Room {
  std::uint64_t bytes = 0;
  std::uint64_t usual = 0;
  bool insisted = false;
};

// The bytes are tried on a queue that nobody can find: one that had been seen could not be taken back.
Result<Room> room_for(const OpenOptions& options) noexcept {
  const Result<os::SysvLimits> limits = os::sysv_limits();
  if (!limits) return limits.failure();
  const Room room{
      .bytes = options.capacity * options.message_size, .usual = limits->queue_bytes, .insisted = !is_default(options)};
  if (!room.insisted) return room;
  if (const std::optional<Failure> refused = refused_sysv(options, *limits)) return *refused;
  if (room.bytes <= room.usual) return room;
  const Result<int> trial = os::open_sysv_queue({.mode = kOwnerOnly});
  if (!trial) return trial.failure();
  Result<void> granted = [&]() -> Result<void> {
    const Result<os::SysvFacts> facts = os::sysv_facts(*trial);
    if (!facts) return facts.failure();
    return os::change_sysv_queue(*trial,
                                 {.uid = facts->uid, .gid = facts->gid, .mode = kOwnerOnly, .most_bytes = room.bytes});
  }();
  (void)os::remove_sysv_queue(*trial);
  if (granted.is(Errc::permission_denied)) return Failure{Errc::queue_too_large, EPERM};
  if (!granted) return granted.failure();
  return room;
}

Result<void> furnish(int queue, const OpenOptions& options, const Room& room) noexcept {
  const Result<os::SysvFacts> facts = os::sysv_facts(queue);
  if (!facts) return facts.failure();
  os::SysvSettings settings{
      .uid = facts->uid, .gid = facts->gid, .mode = options.mode & ~os::creation_mask(), .most_bytes = room.bytes};
  Result<void> done = os::change_sysv_queue(queue, settings);
  if (done.is(Errc::permission_denied) && !room.insisted) {
    settings.most_bytes = std::min(room.bytes, room.usual);
    done = os::change_sysv_queue(queue, settings);
  }
  return done;
}

}  // namespace

Result<int> find_sysv(const std::string& text, std::optional<Access> access) noexcept {
  const Result<SysvKey> key = or_no_memory([&] { return parse_sysv_key(text); });
  if (!key) return key.failure();
  switch (key->kind) {
    case SysvKey::Kind::fresh: return Failure{Errc::not_found, ENOENT};
    case SysvKey::Kind::identifier: {
      const int queue = static_cast<int>(key->number);
      const bool reads = access && *access != Access::write_only;
      const Result<os::SysvFacts> facts = reads ? os::sysv_facts(queue) : facts_of_sysv(queue);
      if (facts.is(Errc::queue_removed)) return Failure{Errc::not_found, ENOENT};
      if (!facts) return facts.failure();
      return queue;
    }
    default: break;
  }
  const Result<std::int32_t> number = key_number(*key);
  if (!number) return number.failure();
  return os::open_sysv_queue({.key = *number, .mode = access ? bits_of(*access) : 0});
}

// Until it has its size only its owner can open it.
Result<int> make_sysv(const std::string& text, const OpenOptions& options) noexcept {
  const Result<SysvKey> key = or_no_memory([&] { return parse_sysv_key(text); });
  if (!key) return key.failure();
  if (key->kind == SysvKey::Kind::identifier) return Failure{Errc::invalid_argument, EINVAL};
  os::SysvOpening opening{.create = true, .exclusive = true, .mode = kOwnerOnly};
  if (key->kind != SysvKey::Kind::fresh) {
    const Result<std::int32_t> number = key_number(*key);
    if (!number) return number.failure();
    opening.key = *number;
    // One that is there is told before its size is judged.
    if (os::open_sysv_queue({.key = *number, .mode = 0})) return Failure{Errc::already_exists, EEXIST};
  }
  const Result<Room> room = room_for(options);
  if (!room) return room.failure();
  Result<int> queue = os::open_sysv_queue(opening);
  if (!queue) return queue;
  const Result<void> furnished = furnish(*queue, options, *room);
  if (furnished) return queue;
  (void)os::remove_sysv_queue(*queue);
  return furnished.failure();
}

Result<os::SysvFacts> facts_of_sysv(int queue) noexcept {
  Result<os::SysvFacts> facts = os::sysv_facts(queue);
  if (!facts.is(Errc::permission_denied)) return facts;
  const Result<std::vector<os::SysvFacts>> all = os::list_sysv_queues();
  if (!all) return facts;
  for (const os::SysvFacts& one : *all) {
    if (one.queue == queue) return one;
  }
  return facts;
}

Attributes attributes_of(const os::SysvFacts& facts, const os::SysvLimits& limits) noexcept {
  const std::uint64_t size = std::max<std::uint64_t>(std::min(limits.message_size, facts.most_bytes), 1);
  return {.capacity = facts.most_bytes / size, .message_size = size, .depth = facts.messages, .nonblocking = false};
}

namespace {

// Between looking and creating somebody else may create it, or remove it: then once more.
Result<int> open_or_create(const std::string& key, const OpenOptions& options) noexcept {
  constexpr int kMostTurns = 100;
  for (int turn = 0; turn < kMostTurns; ++turn) {
    const Result<int> found = find_sysv(key, options.access);
    if (!found.is(Errc::not_found)) return found;
    const Result<int> made = make_sysv(key, options);
    if (!made.is(Errc::already_exists)) return made;
  }
  return Failure{Errc::not_found, ENOENT};
}

}  // namespace

Result<int> find_or_make_sysv(const std::string& key, Creation creation, const OpenOptions& options) noexcept {
  switch (creation) {
    case Creation::open: return find_sysv(key, options.access);
    case Creation::create: return make_sysv(key, options);
    case Creation::open_or_create: break;
  }
  return open_or_create(key, options);
}

Statistics statistics_of(const os::SysvFacts& facts) noexcept {
  const auto time = [](std::int64_t seconds) { return Statistics::Time(std::chrono::seconds(seconds)); };
  Statistics found;
  found.created = time(facts.changed_s);
  found.last_send = time(facts.last_send_s);
  found.last_receive = time(facts.last_receive_s);
  found.last_sender_pid = facts.last_sender_pid;
  found.last_receiver_pid = facts.last_receiver_pid;
  return found;
}

std::string name_of_sysv(const std::string& key, int queue) {
  const Result<SysvKey> parsed = parse_sysv_key(key);
  const bool nameless = parsed && parsed->kind == SysvKey::Kind::fresh;
  const SysvKey number{SysvKey::Kind::identifier, static_cast<std::uint32_t>(queue), {}};
  return text_of(Address{Home::sysv, nameless ? text_of(number) : key});
}

}  // namespace mqxx::backend
