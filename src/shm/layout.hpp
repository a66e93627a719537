// Every byte that two processes agree on. One drawing; docs/layout.md explains it, the assertions pin it. All in one
// file, however long, so that nobody looks for the rest.
//
//  offset                what
//  0        +-----------------------------+
//           | Header                      |  identity, the two sides, the user count          kHeaderBytes
//  1024     +-----------------------------+
//           | arrived ring                |  senders -> receivers: slots that hold a new message
//           | returned ring               |  receivers -> senders: slots that are free again
//           +-----------------------------+
//           | next[capacity]              |  links of the lists below, one 32-bit slot number each
//           +-----------------------------+
//           | User[kMaxUsers]             |  who has the queue open
//           +-----------------------------+  page
//           | IndexPage[64]               |  what is queued, by priority: 512 priorities a page
//           +-----------------------------+  page
//           | slot 0: SlotHeader, payload |  stride bytes each
//           | slot 1 ...                  |
//           +-----------------------------+  page
//           | zeros, and the seal         |  the last word of the file: gone, or zero, once the file was cut anywhere
//           +-----------------------------+
//
// The file is sparse: only the header, the rings and the seal are reserved when a queue is created, the rest before its
// first use.
//
// Words: a slot is free, writing (its owner writes the message), queued, or reading (its owner reads it).
// The numbered invariants hold whenever nobody holds a lock and no owner of one has died; check.cpp tests each:
//  I1  identity: magic, format, fingerprint, bounds and size of the file fit each other, and the seal is there.
//  I2  every slot below `fresh` has one of the four states; slots from `fresh` on were never used.
//  I3  each queued slot stands exactly once in the arrived ring or in the index, and nothing else stands there.
//  I4  each free slot below `fresh` stands exactly once in the returned ring or on one of the two free lists, and
//      nothing else does.
//  I5  a priority's bits are set exactly when its list is not empty.
//  I6  entries of the arrived ring up to run_end have priority run_priority, and the index is empty while there are
//      any; within one list sequences rise, and every slot of it has the list's priority.
//  I7  sent - received is the number of queued slots.
//  I8  0 <= length <= message_size for queued and reading slots.
//  I9  writing and reading slots name a user whose counts say so.
//  I10 what is in use is reserved: each watermark lies in its region and covers `fresh`.
//  I11 `watched` counts the pollers and the registration, and `pollers` the polls of the users; while one of those
//      lives, the doorbell says what the queue is (W1, W2 of watch.cpp).
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <mqxx/types.hpp>

#include "base/result.hpp"
#include "os/lock.hpp"

namespace mqxx::shm {

/// A field of shared memory. Relaxed loads and stores: the locks order them, and an atomic cannot be read twice where
/// the code reads it once, so a value that was checked is the value that is used, whatever another process writes
/// meanwhile.
template <class T>
class Shared {
  static_assert(std::atomic<T>::is_always_lock_free, "a lock inside libatomic is not shared");

 public:
  T get() const noexcept { return value_.load(std::memory_order_relaxed); }
  void set(T value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Only under the lock that guards the field: not one atomic step.
  void add(T change) noexcept { set(static_cast<T>(get() + change)); }
  std::atomic<T>& atomic() noexcept { return value_; }
  const std::atomic<T>& atomic() const noexcept { return value_; }

 private:
  std::atomic<T> value_;
};

inline constexpr std::uint64_t kMagic = 0x0a45554551787871;  // "qxxQUEUE", then a newline, read as bytes
inline constexpr std::uint32_t kFormat = 3;
inline constexpr std::uint32_t kSeal = 0x6c616573;  // "seal"; no byte is zero, so that no part of it can be missed
inline constexpr std::uint64_t kHeaderBytes = 1024;
inline constexpr std::uint64_t kPage = 4096;  // of the layout, whatever the machine's pages are
inline constexpr std::uint64_t kLine = 64;
inline constexpr std::uint32_t kMaxUsers = 65536;
inline constexpr std::uint32_t kMaxRing = 1024;  // entries; senders sort what outgrows it
inline constexpr std::uint32_t kMinRing = 16;
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 46;  // fits an address space of 47 bits
inline constexpr std::uint32_t kNoSlot = 0xffffffff;                    // instead of a slot: there is none
inline constexpr std::uint32_t kDamaged = 0xfffffffe;  // instead of a slot: what should name one does not
inline constexpr std::uint32_t kNoUser = 0xffffffff;

// ---- Identity: written once, before the queue has a name
//  0        8        12           16           20            24        32       40        48       56       64
//  +--------+--------+------------+------------+-------------+---------+--------+---------+--------+--------+
//  | magic  | format | fingerprint| capacity   | message_size| bytes   |instance| created | pid,mode| zero  |
//  +--------+--------+------------+------------+-------------+---------+--------+---------+--------+--------+
struct Identity {
  Shared<std::uint64_t> magic;
  Shared<std::uint32_t> format;
  Shared<std::uint32_t> fingerprint;
  Shared<std::uint32_t> capacity;
  Shared<std::uint32_t> message_size;
  Shared<std::uint64_t> file_bytes;
  Shared<std::uint64_t> instance;  // random: tells a queue from its successor of the same name
  Shared<std::int64_t> created_ns;
  Shared<std::int32_t> creator_pid;
  Shared<std::uint32_t> mode;
  Shared<std::uint64_t> reserved;
  Shared<std::uint32_t> name_size;
  char name[316];  // with its slash
};
static_assert(offsetof(Identity, fingerprint) == 12 && offsetof(Identity, file_bytes) == 24);
static_assert(offsetof(Identity, name_size) == 64 && sizeof(Identity) == 384);

// ---- The two sides. Each is written under its own lock; lines that only one side touches stay in that side's cache.
// -----

/// Where the threads of one side sleep. Written under the *other* side's lock, by whoever might wake them; a thread
/// that goes to sleep holds both locks when it registers, so no wake-up is lost and the fast path needs no fence.
struct Sleepers {
  std::atomic<std::uint32_t> word;     // changes with every wake-up
  Shared<std::uint32_t> waiting;       // registered, and neither woken nor gone
  Shared<std::uint32_t> counted_from;  // who registered when word was less is not counted any more
  Shared<std::uint32_t> unused;
};

struct alignas(64) SenderSide {
  os::LockWord lock;
  Shared<std::uint64_t> arrived_tail;   // next position to write in the arrived ring
  Shared<std::uint64_t> arrived_limit;  // position up to which the ring is known to have room
  Shared<std::uint32_t> fresh;          // slots from here on were never used
  Shared<std::uint32_t> free_head;      // list of free slots, or kNoSlot
  // line 1
  Shared<std::uint64_t> returned_head;  // next position to read in the returned ring
  Shared<std::uint64_t> sent;           // messages that became queued
  Shared<std::uint64_t> sent_bytes;
  Shared<std::uint64_t> sequence;  // of the next message
  Shared<std::int64_t> last_ns;    // of the first send in the second of the last
  Shared<std::int32_t> last_pid;
  Shared<std::uint32_t> last_priority;
  Shared<std::uint32_t> writing;     // slots in that state
  Shared<std::uint32_t> user_count;  // entries ever used in the user table
  Shared<std::uint64_t> joined;      // users so far
  // line 2
  Shared<std::uint64_t> index_pages;    // bit p: IndexPage p is reserved
  Shared<std::uint64_t> next_reserved;  // file offsets up to which each region is reserved
  Shared<std::uint64_t> users_reserved;
  Shared<std::uint64_t> slots_reserved;
  Shared<std::uint64_t> recoveries;
  Sleepers receivers;
  Shared<std::uint64_t> unused_line2;
};
static_assert(sizeof(SenderSide) == 192 && offsetof(SenderSide, returned_head) == 64);
static_assert(offsetof(SenderSide, index_pages) == 128);

struct alignas(64) ReceiverSide {
  os::LockWord lock;
  Shared<std::uint64_t> arrived_head;    // next position to read in the arrived ring
  Shared<std::uint64_t> returned_tail;   // next position to write in the returned ring
  Shared<std::uint64_t> returned_limit;  // position up to which that ring is known to have room
  // line 1
  Shared<std::uint64_t> top;        // bit p: IndexPage p holds a message
  Shared<std::uint32_t> indexed;    // messages in the index
  Shared<std::uint32_t> free_head;  // free slots that did not fit the returned ring
  Shared<std::uint64_t> received;
  Shared<std::uint64_t> received_bytes;
  Shared<std::uint64_t> high_water;
  Shared<std::int64_t> last_ns;
  Shared<std::int32_t> last_pid;
  Shared<std::uint32_t> run_priority;
  Shared<std::uint32_t> reading;
  Shared<std::uint32_t> mixed;  // receives that sort at once, for arrivals of one priority were looked for in vain
  // line 2
  Sleepers senders;
  Shared<std::uint64_t> run_end;  // entries [arrived_head, run_end) were looked at and have the priority run_priority
  Shared<std::uint64_t> run_changes;  // Changes::of_priority before they were looked at
  Shared<std::uint64_t> unused[4];
};
static_assert(sizeof(ReceiverSide) == 192 && offsetof(ReceiverSide, top) == 64);
static_assert(offsetof(ReceiverSide, senders) == 128);

/// What each side must know of the other all the time. A line of its own, because it changes seldom: both have a copy
/// at hand.
struct alignas(64) Common {
  Shared<std::uint64_t> unused_word;
  Shared<std::int32_t> sender_cpu;  // where each side was last seen to run; -1: not yet
  Shared<std::int32_t> receiver_cpu;
  Shared<std::uint32_t> watched;  // both locks: somebody polls, or is registered; then every call takes both locks
};

/// Of its own line: where priorities are mixed it changes with every message, and then nobody reads it.
struct alignas(64) Changes {
  // Senders' lock: grows after a message was listed whose priority is not its predecessor's.
  Shared<std::uint64_t> of_priority;
};

/// What a registration has become, for the helper thread of the registered process.
struct Firing {
  Shared<std::uint32_t> number;  // of the registration
  Shared<std::int32_t> pid;      // of the sender; 0: the signal was raised by the sender himself
  Shared<std::uint32_t> uid;
};

/// Who wants to be told of messages: pollers through the doorbell, one process through a registration (mq_notify). Both
/// locks.
struct alignas(64) Watch {
  Shared<std::uint32_t> bell;     // what the doorbell says: os::Bell
  Shared<std::uint32_t> pollers;  // sum over the users
  Shared<std::uint32_t> edges;    // users that want to be told of every message, not of changes alone
  Shared<std::uint32_t> calls;    // while somebody polls, to look now and then whether he lives
  // The registration
  Shared<std::uint32_t> kind;    // Notice
  Shared<std::uint32_t> number;  // changes with every registration
  Shared<std::uint32_t> user;
  Shared<std::int32_t> pid;
  Shared<std::int32_t> signal;
  std::atomic<std::uint32_t> changed;  // futex of the helpers: grows with every change of the registration
  Shared<std::uint64_t> value;         // sigev_value
  Shared<std::uint64_t> joined;        // of the user
  Firing firings[5];                   // by number; an older one that was overwritten is told without its sender
  Shared<std::uint32_t> unused;
};
static_assert(sizeof(Watch) == 128 && sizeof(Firing) == 12);
inline constexpr std::uint32_t kFirings = 5;

struct Header {
  Identity identity;
  SenderSide sender;
  ReceiverSide receiver;
  Common common;
  Watch watch;
  Changes changes;
};
static_assert(offsetof(Header, sender) == 384 && offsetof(Header, receiver) == 576);
static_assert(sizeof(Header) == kHeaderBytes && std::is_standard_layout_v<Header>);

// ---- Ring entries
//  63          48 47      32 31         0      lap: position / ring size + 1, modulo 2^16. An entry is there for the
//  reader of
//  +-------------+----------+------------+     position p when its lap is p's; the reader needs no shared counter.
//  | lap         | priority | slot       |
//  +-------------+----------+------------+
struct RingEntry {
  std::uint64_t bits;

  static constexpr RingEntry make(std::uint16_t lap, Priority priority, std::uint32_t slot) noexcept {
    return {std::uint64_t{lap} << 48 | std::uint64_t{priority & 0xffffU} << 32 | slot};
  }
  [[nodiscard]] constexpr std::uint16_t lap() const noexcept { return static_cast<std::uint16_t>(bits >> 48); }
  [[nodiscard]] constexpr Priority priority() const noexcept { return static_cast<std::uint16_t>(bits >> 32); }
  [[nodiscard]] constexpr std::uint32_t slot() const noexcept { return static_cast<std::uint32_t>(bits); }
};

// ---- Index: a circular list for each priority, found through two levels of bits and a page of words
inline constexpr std::uint32_t kIndexPages = 64;
inline constexpr std::uint32_t kPagePriorities = 512;
inline constexpr std::uint32_t kIndexPageBytes = 4096;
static_assert(kIndexPages * kPagePriorities == kMaxPriority + 1);

struct IndexPage {
  Shared<std::uint64_t> words[8];                // bit: that priority's list is not empty
  Shared<std::uint64_t> summary;                 // bit w: words[w] is not zero
  Shared<std::uint32_t> tails[kPagePriorities];  // slot + 1 of the youngest message, 0: none; its next is the oldest
  std::byte unused[kIndexPageBytes - 72 - 4 * kPagePriorities];
};
static_assert(sizeof(IndexPage) == kIndexPageBytes);

// ---- Users
struct User {
  Shared<std::int32_t> pid;  // 0: nobody
  Shared<std::uint32_t> pid_namespace;
  Shared<std::uint32_t> writing;  // slots that this user owns in that state; under the sender's lock
  Shared<std::uint32_t> reading;  // likewise; under the receiver's lock
  Shared<std::uint32_t> polls;    // under way, and one for an epoll instance; both locks
  Shared<std::uint32_t> edges;    // edge-triggered ones among them
  Shared<std::uint64_t> joined;   // tells this user from the next of the same number
};
static_assert(sizeof(User) == 32);

// ---- Slots
enum class SlotState : std::uint8_t { free = 0, writing = 1, queued = 2, reading = 3 };

//  0               8          16       20         24        32
//  +---------------+----------+--------+----------+---------+--------------
//  | mark          | sequence | length | priority | reserved| payload ...
//  +---------------+----------+--------+----------+---------+--------------
//  mark: the state in bits 0..7, the owning user in bits 32..63; one store changes both
struct alignas(32) SlotHeader {
  Shared<std::uint64_t> mark;
  Shared<std::uint64_t> sequence;
  Shared<std::uint32_t> length;
  Shared<std::uint32_t> priority;
  Shared<std::uint64_t> reserved_bytes;  // of a sparse slot, from its first byte
};
static_assert(sizeof(SlotHeader) == 32);

constexpr std::uint64_t make_mark(SlotState state, std::uint32_t user = 0) noexcept {
  return std::uint64_t{user} << 32 | static_cast<std::uint8_t>(state);
}
constexpr std::uint32_t mark_user(std::uint64_t mark) noexcept { return static_cast<std::uint32_t>(mark >> 32); }
constexpr std::uint32_t mark_state(std::uint64_t mark) noexcept { return static_cast<std::uint32_t>(mark); }

// ---- Geometry: where everything is, from the two numbers that say it all
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

struct Geometry {
  std::uint32_t capacity = 0;
  std::uint32_t message_size = 0;
  std::uint32_t ring_entries = 0;  // a power of two
  std::uint32_t ring_shift = 0;
  bool sparse = false;  // slots start on pages and are reserved one by one, as far as a message needs
  std::uint64_t stride = 0;
  std::uint64_t arrived = 0;  // file offsets
  std::uint64_t returned = 0;
  std::uint64_t next = 0;
  std::uint64_t users = 0;
  std::uint64_t index = 0;
  std::uint64_t slots = 0;
  std::uint64_t slots_end = 0;
  std::uint64_t seal = 0;
  std::uint64_t file_bytes = 0;
};

/// Fails with invalid_capacity, invalid_message_size or queue_too_large.
Result<Geometry> make_geometry(std::uint64_t capacity, std::uint64_t message_size) noexcept;

/// Differs between builds that cannot share a queue: lock, word size, byte order, page size of the layout.
std::uint32_t fingerprint() noexcept;

}  // namespace mqxx::shm
