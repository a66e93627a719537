// Board: memory that all processes of a round share. Workers count on it, the parent watches, and each consumer
// keeps what it received for the proof, which is made after the time was taken.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "text.hpp"

namespace run {

/// Anonymous memory, zeroed, shared with children; pages are taken when they are touched.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t size);
  SharedMemory(SharedMemory&& other) noexcept : bytes_(other.bytes_) { other.bytes_ = {}; }
  SharedMemory& operator=(SharedMemory&&) = delete;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

/// One worker's counters, on a cache line of their own. Relaxed throughout: they order nothing, and what a worker wrote
/// before it exited is seen by the parent that waited for it.
struct alignas(64) Counter {
  std::atomic<std::uint64_t> messages;
  std::int64_t time_ns;  ///< steady clock: when a producer began, when a consumer ended
};

/// What one consumer received, record after record in order of arrival.
class Log {
 public:
  struct Record {
    std::uint32_t size;
    std::uint32_t priority;
    const std::byte* message;
  };

  /// Room for one delivery of everything; more than that is a failure, and told as one.
  explicit Log(const Plan& plan);

  /// Takes the pages for a fair share of `consumers` beforehand, so that page faults are not measured.
  void prepare(std::uint32_t consumers) const;

  /// Where to receive the next message. @throws std::runtime_error  more arrived than was sent
  [[nodiscard]] std::span<std::byte> room();
  /// Keeps the message that was received into room().
  void keep(std::size_t size, std::uint32_t priority);

  /// Calls `visit` with every record. REQUIRES: the consumer has ended.
  template <class Visit>
  void for_each(Visit&& visit) const;

 private:
  struct Prefix {
    std::uint32_t size;
    std::uint32_t priority;
    std::uint64_t reserved;  // keeps messages 16-byte aligned
  };
  static constexpr std::size_t kAlignment = 16;
  static std::size_t bytes_for(const Plan& plan);

  [[nodiscard]] std::size_t& used() const { return *reinterpret_cast<std::size_t*>(memory_.bytes().data()); }
  [[nodiscard]] Prefix* prefix_at(std::size_t offset) const {
    return reinterpret_cast<Prefix*>(memory_.bytes().data() + offset);
  }

  std::size_t longest_message_;
  SharedMemory memory_;
};

template <class Visit>
void Log::for_each(Visit&& visit) const {
  for (std::size_t offset = kAlignment; offset < used();) {
    const Prefix* const prefix = prefix_at(offset);
    const auto* const message = reinterpret_cast<const std::byte*>(prefix + 1);
    visit(Record{prefix->size, prefix->priority, message});
    offset += sizeof(Prefix) + (prefix->size + kAlignment - 1) / kAlignment * kAlignment;
  }
}

}  // namespace run
