// The register: one file of the machine, which every process of this port has open from its first queue to its end.
//
// Locks of fcntl(2) on its bytes say who lives, since the system drops them at a death, however it comes:
//   R1  a process holds the byte of its number. Numbers are counted up, so one of the dead comes back after 2^30
//       processes only.
//   R2  a process holds the byte of each of its claims (os/process.hpp).
// Such locks belong to the process, and all of them end when it closes any descriptor of the file. So
//   R3  the descriptor is opened once, never closed, and handed to nobody.
//   R4  a process does not see its own locks: what it has itself, it keeps in mind.
// In the file are places to sleep: see wait.cpp. Everybody may write to it, so nothing in it is believed: who scribbles
// there can make others wake or sleep at the wrong time, and look up by themselves; he cannot make two own one lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/result.hpp"

namespace mqxx::os {

//  31                         2 1   0    0: free; the phase otherwise. One word, so that no death leaves it in between.
//  +---------------------------+-----+
//  | number of the process     |phase|
//  +---------------------------+-----+
enum class Phase : std::uint32_t { taken = 1, asleep = 2, woken = 3 };
struct Place {
  std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> unused;
  std::atomic<std::uint64_t> file;  // what its owner sleeps on: SharedAddress
  std::atomic<std::uint64_t> offset;
  std::atomic<std::uint64_t> ticket;  // the less, the longer asleep
};
static_assert(sizeof(Place) == 32 && std::atomic<std::uint64_t>::is_always_lock_free);

//  0         8         12       16        24         64
//  +---------+---------+--------+---------+----------+------------------
//  | magic   | numbers | used   | tickets | zero     | places ...
//  +---------+---------+--------+---------+----------+------------------
struct alignas(64) Register {
  static constexpr std::uint32_t kPlaces = 4094;  // a file of 128 KiB, reserved when it is made
  std::atomic<std::uint64_t> magic;
  std::atomic<std::uint32_t> numbers;  // given out so far
  std::atomic<std::uint32_t> used;     // places ever taken: those from here on are free
  std::atomic<std::uint64_t> tickets;
  std::array<Place, kPlaces> places;
};
static_assert(sizeof(Register) == 131072);

/// null where it cannot be opened, or is not what it should be.
Register* shared_register() noexcept;
/// Names the register, so that processes with different ones refuse each other's queues; 0: there is none.
std::uint64_t register_identity() noexcept;

/// This process's, in 1 .. 2^30 - 1; 0 where there is no register, or the program has closed its descriptor.
std::uint32_t process_number() noexcept;
/// Whether a process of that number lives. A question that fails counts as life.
bool is_alive(std::uint32_t number) noexcept;

/// Of R2. would_block: another process has it.
Result<void> hold_claim(std::uint64_t file, std::uint32_t number) noexcept;
void drop_claim(std::uint64_t file, std::uint32_t number) noexcept;
/// By another process.
bool claim_is_held(std::uint64_t file, std::uint32_t number) noexcept;

}  // namespace mqxx::os
