// LoanCopy: what a loan is in homes that have no slots to lend: a message in memory of this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include <mqxx/types.hpp>

namespace mqxx::backend {

/// The bytes lie right behind it. Its address is the number of the slot.
class alignas(32) LoanCopy {
 public:
  /// Null without memory.
  static LoanCopy* make(std::size_t size) noexcept {
    void* const memory = ::operator new (sizeof(LoanCopy) + size, std::align_val_t{alignof(LoanCopy)}, std::nothrow);
    return memory == nullptr ? nullptr : ::new (memory) LoanCopy;
  }
  static LoanCopy* at(std::uint64_t slot) noexcept {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): slot() made the number of a pointer
    return reinterpret_cast<LoanCopy*>(static_cast<std::uintptr_t>(slot));
  }
  static void destroy(LoanCopy* copy) noexcept { ::operator delete (copy, std::align_val_t{alignof(LoanCopy)}); }

  std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  std::span<std::byte> bytes() noexcept { return {data(), received.size}; }
  [[nodiscard]] std::uint64_t slot() const noexcept { return reinterpret_cast<std::uintptr_t>(this); }

  Received received;
  long type = 0;  ///< of a System V message, which more than one priority may have

 private:
  LoanCopy() = default;
};
static_assert(sizeof(Received) + 2 * sizeof(long) <= sizeof(LoanCopy),
              "a long of padding in front of the bytes is the system's while it works on them");

}  // namespace mqxx::backend
