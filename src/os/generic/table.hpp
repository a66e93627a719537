// Table: entries that threads take and give back while others look at them, signal handlers among them. One word of
// each entry says whose it is; memory is never given back.
//   T1  who took an entry writes it, and then sets it; nobody else reads it before.
//   T2  a look at an entry may come too late: what is read may be of the next one. Who cares asks the system once more.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace mqxx::os {

enum class Taken : std::uint32_t { no, being_written, set };

/// Entry has a member `std::atomic<Taken> taken`, and zeros for the rest.
template <class Entry>
class Table {
 public:
  constexpr Table() noexcept = default;

  /// null: no memory. The caller writes the entry and stores Taken::set in it, releasing.
  Entry* take() noexcept {
    for (Chunk* chunk = &first_; chunk != nullptr; chunk = chunk->next.load(std::memory_order_acquire)) {
      for (Entry& entry : chunk->entries) {
        Taken free = Taken::no;
        if (entry.taken.load(std::memory_order_relaxed) == free &&
            entry.taken.compare_exchange_strong(free, Taken::being_written, std::memory_order_acquire)) {
          return &entry;
        }
      }
      if (chunk->next.load(std::memory_order_acquire) == nullptr && !grow(*chunk)) return nullptr;
    }
    return nullptr;
  }

  /// The first set entry for which `fits` is true, or null.
  template <class Fits>
  Entry* find(Fits fits) noexcept {
    for (Chunk* chunk = &first_; chunk != nullptr; chunk = chunk->next.load(std::memory_order_acquire)) {
      for (Entry& entry : chunk->entries) {
        // Acquire: meets the release of who set it (T1).
        if (entry.taken.load(std::memory_order_acquire) == Taken::set && fits(entry)) return &entry;
      }
    }
    return nullptr;
  }

 private:
  struct Chunk {
    static constexpr std::size_t kEntries = 64;
    std::array<Entry, kEntries> entries{};
    std::atomic<Chunk*> next{nullptr};
  };

  static bool grow(Chunk& last) noexcept {
    auto* made = new (std::nothrow) Chunk;
    if (made == nullptr) return false;
    Chunk* none = nullptr;
    if (!last.next.compare_exchange_strong(none, made, std::memory_order_release)) delete made;
    return true;
  }

  Chunk first_;
};

}  // namespace mqxx::os
