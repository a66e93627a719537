// Names: which file is whose, from the environment and from strings; and their end.
#include "shm/place.hpp"

#include <charconv>
#include <new>
#include <vector>

#include "base/address.hpp"
#include "os/doorbell.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"

namespace mqxx::shm {
namespace {

constexpr std::string_view kPrefix = "mqxx.";
constexpr std::string_view kHashedPrefix = "mqxx~";
constexpr std::size_t kHashDigits = 32;
static_assert(kPrefix.size() == kHashedPrefix.size());

// Of the files that go with the inode. Queue files begin with "mqxx." or "mqxx~", so no name leads here.
constexpr std::string_view kPlacePrefix = "mqxx-";
constexpr std::string_view kQueueSuffix = ".queue";
constexpr std::string_view kBellSuffix = ".bell";

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

}  // namespace

std::string directory() {
  const char* chosen = os::trusted_environment("MQXX_DIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : os::memory_directory();
}

std::string file_of(const std::string& name) {
  const std::string_view bare = std::string_view(name).substr(1);
  if (!has_hashed_file(name)) return directory() + '/' + std::string(kPrefix) + std::string(bare);
  return directory() + '/' + std::string(kHashedPrefix) + hash_digits(bare);
}

bool has_hashed_file(const std::string& name) noexcept { return kPrefix.size() + name.size() - 1 > kMaxNameSize; }

bool is_queue_file(const std::string& entry) { return entry.starts_with(kPrefix) || entry.starts_with(kHashedPrefix); }

std::string Place::queue() const {
  return directory + '/' + std::string(kPlacePrefix) + std::to_string(inode) + std::string(kQueueSuffix);
}

std::string Place::bell() const {
  return directory + '/' + std::string(kPlacePrefix) + std::to_string(inode) + std::string(kBellSuffix);
}

Result<Place> place_of_bell(const std::string& path) noexcept try {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return Errc::not_a_queue;
  const std::string_view entry = std::string_view(path).substr(slash + 1);
  if (!entry.starts_with(kPlacePrefix)) return Errc::not_a_queue;
  const char* digits = entry.data() + kPlacePrefix.size();
  Place place{path.substr(0, slash), 0};
  const auto [end, error] = std::from_chars(digits, entry.data() + entry.size(), place.inode);
  if (error != std::errc{} ||
      std::string_view(end, static_cast<std::size_t>(entry.data() + entry.size() - end)) != kBellSuffix) {
    return Errc::not_a_queue;
  }
  // The same number can be written with zeros in front, and then leads from one file to another.
  if (place.bell() != path) return Errc::not_a_queue;
  return place;
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

void NewNames::set(std::string name, std::string queue, std::string bell) noexcept {
  name_ = std::move(name);
  queue_ = std::move(queue);
  bell_ = std::move(bell);
}

NewNames::~NewNames() {
  if (name_.empty()) return;
  const Result<os::FileFacts> named = os::facts(name_);
  const Result<os::FileFacts> made = os::facts(queue_);
  if (named && made && named->inode == made->inode) (void)os::remove_file(name_);
  if (os::in_use(bell_)) {  // by somebody who was quick to open it, and who is its last user
    os::abandon(bell_);
    return;
  }
  (void)os::remove_file(queue_);
  (void)os::remove_file(bell_);
}

Result<void> remove(const std::string& name) noexcept try {
  const std::string path = file_of(name);
  const Result<os::FileFacts> facts = os::facts(path);
  if (!facts) return facts.failure();
  const Result<void> removed = os::remove_file(path);
  if (!removed) return removed;
  const Place place{directory(), facts->inode};
  if (remove_unused(place)) return {};
  // Who closes it from now on sees the mark; who closed it a moment ago did not, so look once more.
  os::abandon(place.bell());
  (void)remove_unused(place);
  return {};
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

// The second link and the name are all the links that a queue's file ever has.
bool has_name(const std::string& queue) noexcept {
  const Result<os::FileFacts> facts = os::facts(queue);
  return facts && facts->links > 1;
}

bool remove_unused(const Place& place) noexcept try {
  if (os::in_use(place.bell())) return false;
  if (has_name(place.queue())) return false;  // its creator died, or is about to go on, before the doorbell was adopted
  (void)os::remove_file(place.queue());       // in a sticky directory only its owner may; then his sweep() will
  (void)os::remove_file(place.bell());
  return true;
} catch (const std::bad_alloc&) {
  return false;  // the next sweep() has more luck
}

void sweep(const std::string& directory, std::int64_t age_ns) noexcept try {
  const Result<std::vector<std::string>> entries = os::list_directory(directory);
  if (!entries) return;
  for (const std::string& entry : *entries) {
    if (!entry.starts_with(kPlacePrefix) || !entry.ends_with(kBellSuffix)) continue;
    std::string path = directory;
    const Result<Place> place = place_of_bell(path.append("/").append(entry));
    if (!place || has_name(place->queue())) continue;
    // Marked or not: who took the name away may have died before he marked the doorbell, or had removed it too. Its
    // file changed when the name went; there is none before a creator has come so far.
    Result<os::FileFacts> facts = os::facts(place->queue());
    if (facts.is(Errc::not_found)) facts = os::facts(path);
    if (!facts || (age_ns != 0 && os::coarse_wall_ns() - facts->changed_ns < age_ns)) continue;
    (void)remove_unused(*place);
  }
} catch (const std::bad_alloc&) {
  // What is left stays for the next one.
}

}  // namespace mqxx::shm
