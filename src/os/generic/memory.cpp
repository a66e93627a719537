#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/common/files.hpp"
#include "os/generic/claims.hpp"
#include "os/generic/regions.hpp"

namespace mqxx::os {

// Where there is memory under a name; elsewhere a disk's cache serves as well.
const char* memory_directory() noexcept { return directory_exists("/dev/shm") ? "/dev/shm" : "/tmp"; }

// POSIX has no call that keeps the size, so what lies behind the end is left alone. Who shortens the file just between
// the two calls makes it grow again.
int reserve_piece(int fd, std::uint64_t offset, std::uint64_t size) noexcept {
  struct stat status {};
  if (fstat(fd, &status) != 0) return errno;
  const std::uint64_t end = std::min(offset + size, static_cast<std::uint64_t>(status.st_size));
  if (end <= offset) return 0;
  return posix_fallocate(fd, static_cast<off_t>(offset), static_cast<off_t>(end - offset));
}

Result<UnnamedFile> create_unnamed(const std::string& directory, std::uint32_t mode) noexcept try {
  return create_temporary(directory, mode);
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

Result<void> publish(const UnnamedFile& file, const std::string& path) noexcept {
  return publish_temporary(file, path);
}

Result<void> set_owner(int fd, std::uint32_t uid, std::uint32_t gid) noexcept {
  if (fchown(fd, uid, gid) != 0) return failure_from_errno(errno);
  return {};
}

Result<std::byte*> map_shared(int fd, std::uint64_t size) noexcept {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return failure_from_errno(errno);
  auto* bytes = static_cast<std::byte*>(memory);
  if (add_region(bytes, size, fd)) return bytes;
  munmap(memory, size);
  return Errc::no_memory;
}

Result<void> map_over(std::byte* memory, int fd, std::uint64_t size) noexcept {
  void* const done = mmap(memory, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  if (done == MAP_FAILED) return failure_from_errno(errno);
  return {};
}

void unmap(std::byte* memory, std::uint64_t size) noexcept {
  const int fd = remove_region(memory);
  if (fd >= 0) drop_claims_of(fd);
  munmap(memory, size);
}

// Not a secret: unique on this machine is enough. Many systems have such a device, POSIX does not.
std::uint64_t random_number() noexcept {
  std::uint64_t number = 0;
  const UniqueFd source(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
  if (source && read(source.get(), &number, sizeof number) == sizeof number) return number;
  static std::atomic<std::uint64_t> count{0};
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return file_number(static_cast<std::uint64_t>(time.tv_nsec), static_cast<std::uint64_t>(getpid())) + ++count;
}

}  // namespace mqxx::os
