#include "posix/descriptors.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/process.hpp"
#include "posix/failure.hpp"
#include "posix/system.hpp"

namespace mqxx::posix {

constinit std::atomic<Chunk*> g_chunks[kChunks] = {};

namespace {

// The mark of a description (D2), with its access mode: the signal that it would raise if it raised any. A FIFO does
// not, unless somebody asks it to with O_ASYNC, which queues ignore.
constexpr int kMark = 61;
constexpr int kAccessModes = 4;

constexpr int kOutOfTheWay = 768;
constexpr rlim_t kMostLimit = 4096;

pthread_mutex_t g_lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
std::atomic<int> g_end{0};
OpenQueue* g_retired = nullptr;
alignas(64) constinit char g_private = 0;

// By inode. Never destroyed: threads may still call while the program ends.
std::unordered_multimap<std::uint64_t, OpenQueue*>& open_queues() {
  static auto& queues = *new std::unordered_multimap<std::uint64_t, OpenQueue*>;
  return queues;
}

std::atomic<std::uintptr_t>* place_in_table(int fd) noexcept {
  if (fd < 0 || fd >> kChunkBits >= kChunks) return nullptr;
  std::atomic<Chunk*>& at = g_chunks[fd >> kChunkBits];
  Chunk* chunk = at.load(std::memory_order_acquire);
  if (chunk == nullptr) {
    auto* made = static_cast<Chunk*>(std::calloc(1, sizeof(Chunk)));  // all zero: no entries
    if (made == nullptr) return nullptr;
    if (at.compare_exchange_strong(chunk, made, std::memory_order_acq_rel)) {
      chunk = made;
    } else {
      std::free(made);
    }
  }
  int end = g_end.load(std::memory_order_relaxed);
  while (end <= fd && !g_end.compare_exchange_weak(end, fd + 1, std::memory_order_relaxed)) {
  }
  return &(*chunk)[fd & ((1 << kChunkBits) - 1)];
}

// REQUIRES: the lock. @return the queue if nobody is left who holds it
OpenQueue* drop(OpenQueue* queue) noexcept {
  if (--queue->descriptors > 0) return nullptr;
  const auto [begin, end] = open_queues().equal_range(queue->place().inode);
  const auto at = std::find_if(begin, end, [&](const auto& known) { return known.second == queue; });
  if (at != end) open_queues().erase(at);
  return queue;
}

// REQUIRES: the lock.
OpenQueue* drop(std::uintptr_t entry) noexcept {
  return entry == 0 || is_private(entry) ? nullptr : drop(queue_of(entry));
}

void end_of(OpenQueue* queue) noexcept {
  if (queue == nullptr) return;
  const os::Uncancelled uncancelled;
  queue->notifier().stop(*queue);
  {
    const TableLock lock;
    // Not in a handler that interrupted one of these functions: then it stays for ever.
    if (!lock) return;
    queue->next_retired = g_retired;  // from now on any thread may destroy it
    g_retired = queue;
  }
  destroy_retired();
}

// REQUIRES: the lock.
OpenQueue* known_or_new(const shm::Place& place) {
  const auto [begin, end] = open_queues().equal_range(place.inode);
  const auto at =
      std::find_if(begin, end, [&](const auto& known) { return known.second->place().directory == place.directory; });
  if (at != end) return at->second;
  auto made = std::make_unique<OpenQueue>(place);
  open_queues().emplace(place.inode, made.get());
  return made.release();
}

// Gives `fd` a meaning, instead of what it may have meant before.
bool give_meaning(int fd, const shm::Place& place, int access) noexcept {
  OpenQueue* last = nullptr;
  try {
    const TableLock lock;
    std::atomic<std::uintptr_t>* at = place_in_table(fd);
    if (!lock || at == nullptr) return refuse<int>(lock ? ENOMEM : EDEADLK) == 0;
    OpenQueue* queue = known_or_new(place);
    ++queue->descriptors;
    last = drop(at->exchange(reinterpret_cast<std::uintptr_t>(queue) | static_cast<std::uintptr_t>(access),
                             std::memory_order_acq_rel));
  } catch (const std::bad_alloc&) {
    return refuse<int>(ENOMEM) == 0;
  }
  end_of(last);
  return true;
}

// Where the kernel says that the file of a descriptor is, or was.
std::string path_of(int fd) {
  std::array<char, 64> link{};
  std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  std::array<char, 4096> path{};
  const ssize_t size = readlink(link.data(), path.data(), path.size());
  if (size <= 0 || static_cast<std::size_t>(size) == path.size()) return {};
  std::string_view found(path.data(), static_cast<std::size_t>(size));
  constexpr std::string_view kDeleted = " (deleted)";
  if (found.ends_with(kDeleted)) found.remove_suffix(kDeleted.size());
  return std::string(found);
}

// Not taken where a handler forks that interrupted one of these functions.
thread_local bool t_locked_for_fork = false;
void before_fork() noexcept { t_locked_for_fork = pthread_mutex_lock(&g_lock) == 0; }
void after_fork_in_parent() noexcept {
  if (t_locked_for_fork) pthread_mutex_unlock(&g_lock);
}
void after_fork_in_child() noexcept {
  g_lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;  // its owner had another number
  forget_other_threads();
  for (const auto& [inode, queue] : open_queues()) {
    queue->notifier().forget_helper();
    if (queue->queue_if_mapped() != nullptr) queue->queue_if_mapped()->begin_in_child();
    queue->join_epoll_again();
  }
}

__attribute__((constructor)) void begin() noexcept {
  const int error = errno;
  (void)open_queues();
  system::resolve();
  prepare_marks();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  adopt_inherited();
  errno = error;
}

// At a normal end: what was unlinked goes with its last user. (What a killed process leaves is found by the next that
// creates a queue.)
__attribute__((destructor)) void end() noexcept {
  for (int fd = 0, last = end_of_descriptors(); fd < last; ++fd) {
    if (entry_of(fd) != 0 && !is_private(entry_of(fd)) && os::abandoned(fd)) (void)close_entry(fd);
  }
}

}  // namespace

TableLock::TableLock() noexcept : held_(pthread_mutex_lock(&g_lock) == 0) {}
TableLock::~TableLock() {
  if (held_) pthread_mutex_unlock(&g_lock);
}

bool is_private(std::uintptr_t entry) noexcept { return entry == reinterpret_cast<std::uintptr_t>(&g_private); }

namespace {

// A guess that is lost when something else changes the entry at the same time is made again.
void hint(int fd, std::uintptr_t bit, bool set) noexcept {
  std::uintptr_t entry = entry_of(fd);
  const std::uintptr_t wanted = set ? entry | bit : entry & ~bit;
  if (entry == 0 || entry == wanted || is_private(entry)) return;
  place_in_table(fd)->compare_exchange_strong(entry, wanted, std::memory_order_acq_rel);
}

}  // namespace

void expect_nonblocking(int fd, bool nonblocking) noexcept { hint(fd, kNonblockingBit, nonblocking); }
void note_read(int fd) noexcept { hint(fd, kReadBit, true); }

int end_of_descriptors() noexcept { return g_end.load(std::memory_order_relaxed); }

bool in_vfork_child() noexcept { return getpid() != os::process_id(); }

Found find_slowly(int fd, Calling& calling) noexcept {
  if (!calling.possible()) return refuse<int>(Calling::refusal()), Found{};
  for (;;) {
    const std::uintptr_t entry = entry_of(fd);
    if (entry == 0) {
      if (!adopt(fd)) return refuse<int>(EBADF), Found{};
      continue;
    }
    if (is_private(entry)) return refuse<int>(EBADF), Found{};
    calling.use(queue_of(entry));
    if (((entry_of(fd) ^ entry) & ~kHints) == 0) return {queue_of(entry), entry & kAccessBits};
  }
}

int enter(shm::Visit visit, int access) noexcept {
  const int fd = visit.bell.get();
  (void)system::fcntl(fd, F_SETSIG, kMark + access);
  if (!give_meaning(fd, visit.place, access)) return -1;
  return visit.bell.release();
}

bool adopt(int fd) noexcept {
  const os::Uncancelled uncancelled;
  const int error = errno;
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) return false;
  const int access = system::fcntl(fd, F_GETSIG, 0) - kMark;
  if (access < 0 || access >= kAccessModes || in_vfork_child()) return false;
  try {
    const Result<shm::Place> place = shm::place_of_bell(path_of(fd));
    struct stat bell {};
    if (!place || stat(place->bell().c_str(), &bell) != 0) return false;
    if (bell.st_ino != status.st_ino || bell.st_dev != status.st_dev) return false;
    if (!give_meaning(fd, *place, access)) return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
  errno = error;
  return true;
}

void adopt_inherited() noexcept {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_files(opendir("/proc/self/fd"), closedir);
  if (!open_files) return;
  while (const dirent* file = readdir(open_files.get())) {
    if (file->d_name[0] != '.') (void)adopt(static_cast<int>(std::strtol(file->d_name, nullptr, 10)));
  }
}

OpenQueue* hold(int fd) noexcept {
  const TableLock lock;
  const std::uintptr_t entry = entry_of(fd);
  if (!lock || entry == 0 || is_private(entry)) return nullptr;
  ++queue_of(entry)->descriptors;
  return queue_of(entry);
}

void let_go(OpenQueue* queue) noexcept {
  OpenQueue* last = nullptr;
  {
    const TableLock lock;
    if (lock) last = drop(queue);
  }
  end_of(last);
}

namespace {

// A registration ends when its process closes any descriptor of the queue, as on Linux.
void end_notice(int fd) noexcept {
  Calling calling;
  const std::uintptr_t entry = entry_of(fd);
  if (entry == 0 || is_private(entry) || !calling.possible()) return;
  calling.use(queue_of(entry));
  if (entry_of(fd) != entry) return;
  const shm::Queue* mapped = queue_of(entry)->queue_if_mapped();
  if (mapped != nullptr && mapped->notice_is_ours()) queue_of(entry)->notifier().cancel(*queue_of(entry));
}

}  // namespace

int close_entry(int fd) noexcept {
  const os::Uncancelled uncancelled;
  if (is_private(entry_of(fd))) return refuse<int>(EBADF);
  const int error = errno;
  OpenQueue* queue = os::abandoned(fd) ? hold(fd) : nullptr;
  forget(fd);
  (void)system::close(fd);  // a FIFO has nothing to lose by it
  if (queue != nullptr) {
    const Result<shm::Place> place = or_no_memory([&] { return Result<shm::Place>(queue->place()); });
    let_go(queue);
    if (place) (void)shm::remove_unused(*place);  // else somebody's sweep() will
  }
  errno = error;
  return 0;
}

void forget(int fd) noexcept {
  if (entry_of(fd) == 0) return;
  end_notice(fd);
  OpenQueue* last = nullptr;
  {
    const TableLock lock;
    const std::uintptr_t entry = place_in_table(fd)->exchange(0, std::memory_order_acq_rel);
    // Without the lock, in a handler that interrupted one of these functions: the queue stays open for ever.
    if (lock) last = drop(entry);
  }
  end_of(last);
}

void follow_duplicate(int from, int to) noexcept {
  end_notice(to);
  OpenQueue* last = nullptr;
  {
    const TableLock lock;
    const std::uintptr_t entry = entry_of(from);
    std::atomic<std::uintptr_t>* at = place_in_table(to);
    if (at == nullptr) return;  // adopted when it is used
    const bool queue = lock && entry != 0 && !is_private(entry);
    if (queue) ++queue_of(entry)->descriptors;
    const std::uintptr_t before = at->exchange(queue ? entry : 0, std::memory_order_acq_rel);
    if (lock) last = drop(before);
  }
  end_of(last);
}

HeadRoom::HeadRoom() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  least_ = static_cast<int>(std::min<rlim_t>(limit.rlim_cur / 4 * 3, kOutOfTheWay));
  // Beyond the limit, where the program's own numbers never come; but not so far that the kernel's table grows large.
  if (limit.rlim_cur > kMostLimit || limit.rlim_cur + kMostLimit > limit.rlim_max) return;
  const rlimit raised{limit.rlim_cur + kMostLimit, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) return;
  before_ = limit.rlim_cur;
  least_ = static_cast<int>(limit.rlim_cur);
}

HeadRoom::~HeadRoom() {
  rlimit limit{};
  if (before_ == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_cur != before_ + kMostLimit) return;  // the program has set another meanwhile
  limit.rlim_cur = before_;
  (void)setrlimit(RLIMIT_NOFILE, &limit);  // lowering is always allowed
}

UniqueFd HeadRoom::move(int fd) const noexcept {
  const auto duplicate = [fd](int least) { return UniqueFd(system::fcntl(fd, F_DUPFD_CLOEXEC, least)); };
  UniqueFd moved = duplicate(least_);
  return moved ? std::move(moved) : duplicate(0);
}

void make_private(int fd) noexcept {
  std::atomic<std::uintptr_t>* at = place_in_table(fd);
  if (at != nullptr) at->store(reinterpret_cast<std::uintptr_t>(&g_private), std::memory_order_release);
}

void release_private(int fd) noexcept {
  if (is_private(entry_of(fd))) place_in_table(fd)->store(0, std::memory_order_release);
}

namespace {

template <class Visit>
void for_each_queue(Visit visit) noexcept {
  const int error = errno;
  for (int fd = 0, end = end_of_descriptors(); fd < end; ++fd) {
    if (entry_of(fd) == 0 || is_private(entry_of(fd))) continue;
    OpenQueue* queue = hold(fd);
    if (queue == nullptr) continue;
    visit(*queue);
    let_go(queue);
  }
  errno = error;
}

}  // namespace

void map_all() noexcept {
  // What cannot be mapped now is told by the call that needs it.
  for_each_queue([](OpenQueue& queue) { (void)queue.queue(); });
}

void look_at_all() noexcept {
  for_each_queue([](OpenQueue& queue) {
    if (queue.queue_if_mapped() != nullptr) queue.queue_if_mapped()->look();
  });
}

void destroy_retired() noexcept {
  for (;;) {
    OpenQueue* unused = nullptr;
    {
      const TableLock lock;
      if (!lock || g_retired == nullptr || !order_marks()) return;
      for (OpenQueue** at = &g_retired; *at != nullptr; at = &(*at)->next_retired) {
        if (in_use(*at)) continue;
        unused = *at;
        *at = unused->next_retired;
        break;
      }
    }
    if (unused == nullptr) return;
    delete unused;
  }
}

}  // namespace mqxx::posix
