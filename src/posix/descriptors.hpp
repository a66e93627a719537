// Descriptors: which file descriptors of this process are queues, and of which.
//
//   D1  an entry is one word, an OpenQueue and the access mode. No system call is needed to find it; so everything that
//       gives a descriptor number a new meaning (close, dup2, ...) passes through here.
//   D2  a number without an entry may still be a queue, inherited by exec or received from another process: a
//       description carries a mark that tells (adopt()).
//   D3  the library's own descriptors are in the table too: the program can neither close nor replace them.
//   D4  in the child of a vfork nothing changes here: the memory is its parent's.
// Thread safety: all of it. Only find() may be called where a signal handler may have interrupted the others.
#pragma once

#include <atomic>
#include <cstdint>

#include "posix/calling.hpp"
#include "posix/open_queue.hpp"

namespace mqxx::posix {

/// The low bits of an entry: O_RDONLY, O_WRONLY, O_RDWR, or the mode 3 of Linux that allows neither.
inline constexpr std::uintptr_t kAccessBits = 3;
constexpr bool may_receive(std::uintptr_t access) noexcept { return access == 0 || access == 2; }
constexpr bool may_send(std::uintptr_t access) noexcept { return access == 1 || access == 2; }

struct Found {
  OpenQueue* queue = nullptr;
  std::uintptr_t access = 0;
};

inline constexpr int kChunkBits = 10;
inline constexpr int kChunks = 1 << 11;  // two million descriptors, more than Linux allows
using Chunk = std::atomic<std::uintptr_t>[1 << kChunkBits];
extern std::atomic<Chunk*> g_chunks[kChunks];

/// The entry as it is at this moment; 0: none.
inline std::uintptr_t entry_of(int fd) noexcept {
  if (fd < 0 || fd >> kChunkBits >= kChunks) return 0;
  const Chunk* chunk = g_chunks[fd >> kChunkBits].load(std::memory_order_acquire);
  return chunk == nullptr ? 0 : (*chunk)[fd & ((1 << kChunkBits) - 1)].load(std::memory_order_acquire);
}
/// What F_GETFL said last; a guess, that saves asking.
inline constexpr std::uintptr_t kNonblockingBit = 4;
void expect_nonblocking(int fd, bool nonblocking) noexcept;
/// That its status line was read.
inline constexpr std::uintptr_t kReadBit = 8;
inline constexpr std::uintptr_t kHints = kNonblockingBit | kReadBit;
void note_read(int fd) noexcept;
inline bool was_read(int fd) noexcept { return (entry_of(fd) & kReadBit) != 0; }
inline bool expects_nonblocking(int fd) noexcept { return (entry_of(fd) & kNonblockingBit) != 0; }
inline OpenQueue* queue_of(std::uintptr_t entry) noexcept {
  // An entry is a pointer with marks in its low bits (D1).
  return reinterpret_cast<OpenQueue*>(entry & ~(kAccessBits | kHints));  // NOLINT(performance-no-int-to-ptr)
}

/// The entry of the library's own descriptors.
bool is_private(std::uintptr_t entry) noexcept;

/// What `fd` means, and that for as long as `calling` lives. queue is nullptr, and errno EBADF or EDEADLK, when it is
/// no queue.
Found find_slowly(int fd, Calling& calling) noexcept;
inline Found find(int fd, Calling& calling) noexcept {
  const std::uintptr_t entry = entry_of(fd);
  if (entry != 0 && calling.possible()) [[likely]] {
    calling.use(queue_of(entry));
    if (((entry_of(fd) ^ entry) & ~kHints) == 0 && !is_private(entry)) [[likely]]
      return {queue_of(entry), entry & kAccessBits};
  }
  return find_slowly(fd, calling);
}

/// A new description of the queue, whose doorbell `bell` is from now on the program's descriptor.
/// @return the descriptor; -1 and errno
int enter(shm::Visit visit, int access) noexcept;
/// Whether it is a queue after all (D2); then it has an entry.
bool adopt(int fd) noexcept;
/// Looks at everything that the program was started with.
void adopt_inherited() noexcept;

/// Keeps the queue of a descriptor open until let_go(), whatever becomes of the descriptor. nullptr: no queue.
OpenQueue* hold(int fd) noexcept;
void let_go(OpenQueue* queue) noexcept;

/// For the interposed calls. `fd` has an entry.
int close_entry(int fd) noexcept;
/// `to` has just become a duplicate of `from`, whatever it was before.
void follow_duplicate(int from, int to) noexcept;
/// Whatever `fd` was here, it is not any more.
void forget(int fd) noexcept;
/// The numbers worth looking at are below.
int end_of_descriptors() noexcept;
/// Whether the memory is another process's (D4).
bool in_vfork_child() noexcept;

/// Room for the library's own descriptors out of the program's way: of its small numbers, and of its limit on them
/// where that may be raised for a moment.
class HeadRoom {
 public:
  HeadRoom() noexcept;
  HeadRoom(const HeadRoom&) = delete;
  HeadRoom& operator=(const HeadRoom&) = delete;
  ~HeadRoom();
  /// A duplicate there; -1 when there is no number left at all.
  [[nodiscard]] UniqueFd move(int fd) const noexcept;

 private:
  int least_ = 0;
  std::uint64_t before_ = 0;  // the limit, if it was raised
};
void make_private(int fd) noexcept;
void release_private(int fd) noexcept;

/// Guards the table and the list of open queues. Not taken, false, where this thread has it already: in a signal
/// handler.
class TableLock {
 public:
  TableLock() noexcept;
  TableLock(const TableLock&) = delete;
  TableLock& operator=(const TableLock&) = delete;
  ~TableLock();
  explicit operator bool() const noexcept { return held_; }

 private:
  bool held_;
};

/// Maps every open queue, as long as this process has the rights with which it opened them.
void map_all() noexcept;

/// Finds in every open queue that is mapped what dead processes left undone.
void look_at_all() noexcept;

/// Destroys what nobody uses any more.
void destroy_retired() noexcept;

}  // namespace mqxx::posix
