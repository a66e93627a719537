#include "os/generic/regions.hpp"

#include <sys/stat.h>

#include "os/generic/table.hpp"

namespace mqxx::os {
namespace {

struct Region {
  std::atomic<Taken> taken;
  std::atomic<std::uintptr_t> begin;
  std::atomic<std::uintptr_t> end;
  std::atomic<std::uint64_t> file;
  std::atomic<int> fd;
};

constinit Table<Region> g_regions;

std::uintptr_t number_of(const void* address) noexcept { return reinterpret_cast<std::uintptr_t>(address); }

// The finalizer of SplitMix64: every bit of the input changes about half of the bits.
std::uint64_t mixed(std::uint64_t bits) noexcept {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

}  // namespace

std::uint64_t file_number(std::uint64_t device, std::uint64_t inode) noexcept {
  const std::uint64_t number = mixed(mixed(device) + inode);
  return number == 0 ? 1 : number;
}

std::uint64_t file_number(int fd) noexcept {
  struct stat status {};
  return fstat(fd, &status) != 0 ? 0 : file_number(status.st_dev, status.st_ino);
}

bool add_region(const std::byte* memory, std::uint64_t size, int fd) noexcept {
  const std::uint64_t file = file_number(fd);
  Region* region = file == 0 ? nullptr : g_regions.take();
  if (region == nullptr) return false;
  region->begin.store(number_of(memory), std::memory_order_relaxed);
  region->end.store(number_of(memory) + size, std::memory_order_relaxed);
  region->file.store(file, std::memory_order_relaxed);
  region->fd.store(fd, std::memory_order_relaxed);
  region->taken.store(Taken::set, std::memory_order_release);
  return true;
}

int remove_region(const std::byte* memory) noexcept {
  Region* region = g_regions.find(
      [memory](const Region& r) { return r.begin.load(std::memory_order_relaxed) == number_of(memory); });
  if (region == nullptr) return -1;
  const int fd = region->fd.load(std::memory_order_relaxed);
  region->taken.store(Taken::no, std::memory_order_release);
  return fd;
}

SharedAddress shared_address(const void* address) noexcept {
  const std::uintptr_t number = number_of(address);
  const Region* region = g_regions.find([number](const Region& r) {
    return r.begin.load(std::memory_order_relaxed) <= number && number < r.end.load(std::memory_order_relaxed);
  });
  if (region == nullptr) return {0, number};
  return {region->file.load(std::memory_order_relaxed), number - region->begin.load(std::memory_order_relaxed)};
}

}  // namespace mqxx::os
