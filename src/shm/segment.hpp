// Segment: the file of one queue, mapped. Publishing, attaching, and the typed places in it.
//
// Thread safety: the accessors are pure arithmetic on facts that never change; what they point to has the rules of
// layout.hpp.
//   G1  geometry() was computed from checked numbers and fits the mapping; nothing below it is read from shared bytes
//   again. G2  accessors demand an index in range (ours to check); contents are another process's (the caller's to
//   check).
#pragma once

#include <string>

#include "base/assert.hpp"
#include "base/fence.hpp"
#include "base/prefetch.hpp"
#include "base/unique_fd.hpp"
#include "os/doorbell.hpp"
#include "os/guard.hpp"
#include "os/memory.hpp"
#include "shm/layout.hpp"
#include "shm/place.hpp"

namespace mqxx::shm {

/// One ring as reader and writer see it.
class Ring {
 public:
  Ring(std::byte* at, const Geometry& geometry) noexcept
      : entries_(reinterpret_cast<Shared<std::uint64_t>*>(at)),
        mask_(geometry.ring_entries - 1),
        shift_(geometry.ring_shift) {}

  /// HB2 hand-over: release. Meets the acquire in read(): who sees the entry sees the slot's contents and its mark.
  void write(std::uint64_t position, Priority priority, std::uint32_t slot) const noexcept {
    entries_[position & mask_].atomic().store(RingEntry::make(lap(position), priority, slot).bits,
                                              std::memory_order_release);
  }
  /// Whether the entry for this position has been written.
  bool read(std::uint64_t position, RingEntry& entry) const noexcept {
    entry.bits = entries_[position & mask_].atomic().load(std::memory_order_acquire);  // HB2
    return entry.lap() == lap(position);
  }
  /// The line will be written soon: ask for it now, and do something else meanwhile.
  void prefetch_to_write(std::uint64_t position) const noexcept {
    mqxx::prefetch_to_write(&entries_[position & mask_]);
  }
  void clear() const noexcept {
    for (std::uint64_t i = 0; i <= mask_; ++i) entries_[i].set(0);
  }
  [[nodiscard]] std::uint64_t size() const noexcept { return mask_ + 1; }

 private:
  [[nodiscard]] std::uint16_t lap(std::uint64_t position) const noexcept {
    return static_cast<std::uint16_t>((position >> shift_) + 1);
  }

  Shared<std::uint64_t>* entries_;
  std::uint64_t mask_;
  std::uint32_t shift_;
};

/// Whose a queue's file was when it was opened.
struct Owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

class Segment {
 public:
  Segment() noexcept = default;
  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  [[nodiscard]] const Geometry& geometry() const noexcept { return geometry_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const Owner& owner() const noexcept { return owner_; }
  /// Another descriptor of the same file instead. REQUIRES: nobody has joined the queue through this segment.
  void renumber(UniqueFd fd) noexcept { fd_ = std::move(fd); }
  /// In the child of a fork: a file description of its own, under the same number, and mapped at the same place.
  Result<void> renew() noexcept;
  /// Whether all that was read and written before was there. false: the file was cut, or a page of it lost. Then it was
  /// zeros, perhaps, or reaches nobody, and it stays so.
  [[nodiscard]] bool intact() const noexcept {
    reads_are_done();
    return seal_->get() == kSeal;
  }
  /// Of the files that belong to the queue whatever its name: see Place.
  [[nodiscard]] const Place& place() const noexcept { return place_; }

  [[nodiscard]] Header& header() const noexcept { return *reinterpret_cast<Header*>(memory_); }
  [[nodiscard]] SenderSide& sender() const noexcept { return header().sender; }
  [[nodiscard]] ReceiverSide& receiver() const noexcept { return header().receiver; }
  [[nodiscard]] Ring arrived() const noexcept { return {memory_ + geometry_.arrived, geometry_}; }
  [[nodiscard]] Ring returned() const noexcept { return {memory_ + geometry_.returned, geometry_}; }
  [[nodiscard]] Shared<std::uint32_t>& next(std::uint32_t slot) const noexcept {
    MQXX_ASSERT(slot < geometry_.capacity);
    return reinterpret_cast<Shared<std::uint32_t>*>(memory_ + geometry_.next)[slot];
  }
  [[nodiscard]] User& user(std::uint32_t number) const noexcept {
    MQXX_ASSERT(number < kMaxUsers);
    return reinterpret_cast<User*>(memory_ + geometry_.users)[number];
  }
  [[nodiscard]] IndexPage& index_page(std::uint32_t page) const noexcept {
    MQXX_ASSERT(page < kIndexPages);
    return reinterpret_cast<IndexPage*>(memory_ + geometry_.index)[page];
  }
  [[nodiscard]] SlotHeader& slot(std::uint32_t number) const noexcept {
    MQXX_ASSERT(number < geometry_.capacity);
    return *reinterpret_cast<SlotHeader*>(memory_ + slot_offset(number));
  }
  [[nodiscard]] std::byte* payload(std::uint32_t number) const noexcept {
    return memory_ + slot_offset(number) + sizeof(SlotHeader);
  }
  /// Brings a slot's first two lines here: the first to be written, for its mark changes, the second to be read.
  void prefetch_slot(std::uint32_t number) const noexcept {
    const std::byte* slot = memory_ + slot_offset(number);
    mqxx::prefetch_to_write(slot);
    mqxx::prefetch_to_read(slot + 64);
  }
  [[nodiscard]] std::uint64_t slot_offset(std::uint32_t number) const noexcept {
    return geometry_.slots + number * geometry_.stride;
  }

 private:
  friend Result<Segment> map_segment(UniqueFd fd, const os::FileFacts& facts, Place place,
                                     const Geometry& geometry) noexcept;

  UniqueFd fd_;
  Owner owner_;
  Place place_;
  std::byte* memory_ = nullptr;
  const Shared<std::uint32_t>* seal_ = nullptr;
  os::Guard guard_;
  Geometry geometry_;
};

struct NewQueue {
  std::string name;  ///< with its slash
  std::uint64_t capacity = 0;
  std::uint64_t message_size = 0;
  std::uint32_t mode = 0;
};

/// Builds a queue out of sight and gives it its name in one step: nobody sees half a queue.
/// Fails with already_exists, invalid_capacity, invalid_message_size, queue_too_large, permission_denied, not_found
/// (the directory), no_space, ...
/// Where `names` are given, the queue goes again with them unless they are kept.
Result<Segment> publish(const NewQueue& queue, NewNames* names = nullptr) noexcept;

/// Opens what stands under the name and believes none of it unchecked (I1).
/// Fails with not_found, permission_denied, not_a_queue, layout_mismatch (detail: its format), queue_damaged, ...
Result<Segment> attach(const std::string& name) noexcept;
Result<Segment> attach_file(const std::string& path) noexcept;

/// A queue that is open only as far as its doorbell: it stays, and is not mapped.
struct Visit {
  Place place;
  UniqueFd bell;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;  ///< as its creator asked
};
/// What a visit found, for the next one: a file that has not changed since need not be read again.
struct Visited {
  std::string path;
  os::FileFacts facts;
  std::uint32_t mode = 0;
};
/// As publish() and attach(), at a fraction of their price.
Result<Visit> publish_unmapped(const NewQueue& queue, os::Blocking blocking) noexcept;
Result<Visit> visit(const std::string& name, os::Blocking blocking, Visited& last) noexcept;

/// A descriptor of its own for the queue's doorbell, which never blocks. Where the queue has lost its name, and with it
/// the doorbell, there is a new one, which only the queue's owner can make. Fails with permission_denied,
/// too_many_files, queue_damaged, ...
Result<UniqueFd> open_bell(const Segment& segment) noexcept;

/// The name in the header, with its slash; empty when it is not a name.
std::string stored_name(const Segment& segment);

}  // namespace mqxx::shm
