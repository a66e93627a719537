#include "os/memory.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/common/files.hpp"

namespace mqxx::os {

const char* memory_directory() noexcept { return "/dev/shm"; }

int reserve_piece(int fd, std::uint64_t offset, std::uint64_t size) noexcept {
  const auto begin = static_cast<off_t>(offset);
  const auto bytes = static_cast<off_t>(size);
  // The size stays: a file that somebody shortens must not grow again, with zeros where messages were.
  if (fallocate(fd, FALLOC_FL_KEEP_SIZE, begin, bytes) == 0) return 0;
  return errno == EOPNOTSUPP ? posix_fallocate(fd, begin, bytes) : errno;
}

Result<UnnamedFile> create_unnamed(const std::string& directory, std::uint32_t mode) noexcept try {
  UniqueFd fd(open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, mode));
  if (fd) return UnnamedFile{std::move(fd), {}};
  if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) return create_temporary(directory, mode);
  return failure_from_errno(errno);
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

Result<void> publish(const UnnamedFile& file, const std::string& path) noexcept {
  if (!file.temporary.empty()) return publish_temporary(file, path);
  std::array<char, 64> source{};
  std::snprintf(source.data(), source.size(), "/proc/self/fd/%d", file.fd.get());
  if (linkat(AT_FDCWD, source.data(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
  // Without /proc:
  if (errno == ENOENT && linkat(file.fd.get(), "", AT_FDCWD, path.c_str(), AT_EMPTY_PATH) == 0) return {};
  return failure_from_errno(errno);
}

Result<void> set_owner(int fd, std::uint32_t uid, std::uint32_t gid) noexcept {
  // Not fchown: src/posix stands in front of that.
  if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0) return failure_from_errno(errno);
  return {};
}

Result<std::byte*> map_shared(int fd, std::uint64_t size) noexcept {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return failure_from_errno(errno);
  return static_cast<std::byte*>(memory);
}

Result<void> map_over(std::byte* memory, int fd, std::uint64_t size) noexcept {
  void* const done = mmap(memory, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  if (done == MAP_FAILED) return failure_from_errno(errno);
  return {};
}

void unmap(std::byte* memory, std::uint64_t size) noexcept { munmap(memory, size); }

std::uint64_t random_number() noexcept {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number) return number;
  // Before the pool is ready: unique on this machine is enough, nobody relies on it as a secret.
  static std::atomic<std::uint64_t> count{0};
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (static_cast<std::uint64_t>(time.tv_nsec) << 32) ^ (static_cast<std::uint64_t>(getpid()) << 8) ^ ++count;
}

}  // namespace mqxx::os
