// Places: the queues that a storm rages over, all at once. Each is the edge of something.
#pragma once

#include <array>
#include <cstddef>

namespace mqxx::test {

struct Place {
  const char* name;
  std::size_t capacity;
  std::size_t message_size;
  bool loans;  ///< receivers may take loans, which go back into the queue when a receiver dies: order says nothing then
};

inline constexpr std::array<Place, 5> kPlaces{{
    {"/storm-one", 1, 64, false},        // full or empty, always
    {"/storm-ten", 10, 256, false},      // what a kernel's queue would hold
    {"/storm-large", 8, 12'000, false},  // small messages and those that are copied outside the lock
    {"/storm-loans", 64, 6'000, true},   // written and read in place
    {"/storm-deep", 3'000, 128, false},  // deeper than the rings between senders and receivers are long
}};

/// Messages of so many bytes are on loan while they are copied (docs/design.md, Large messages).
inline constexpr std::size_t kOutsideTheLock = 4096;

}  // namespace mqxx::test
