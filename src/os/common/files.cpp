// Files, as far as every POSIX system has the same calls for them. What a port adds stands in files.hpp.
#include "os/common/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

FileFacts to_facts(const struct stat& status) noexcept {
  return {.size = static_cast<std::uint64_t>(status.st_size),
          .memory_bytes = static_cast<std::uint64_t>(status.st_blocks) * 512,
          .device = status.st_dev,
          .inode = status.st_ino,
          .uid = status.st_uid,
          .gid = status.st_gid,
          .mode = status.st_mode & 07777U,
          .links = status.st_nlink,
          .changed_ns = std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec,
          .regular = S_ISREG(status.st_mode)};
}

// Above this limit the kernel raises SIGXFSZ where a file would grow, which ends a program that does not expect it.
bool above_limit(std::uint64_t size) noexcept {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur;
}

}  // namespace

Result<UnnamedFile> create_temporary(const std::string& directory, std::uint32_t mode) {
  for (int tries = 0; tries < 16; ++tries) {
    std::array<char, 40> name{};
    std::snprintf(name.data(), name.size(), "/mqxx-new.%016llx", static_cast<unsigned long long>(random_number()));
    std::string path = directory + name.data();
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (fd) return UnnamedFile{std::move(fd), std::move(path)};
    if (errno != EEXIST) break;
  }
  return failure_from_errno(errno);
}

Result<void> publish_temporary(const UnnamedFile& file, const std::string& path) noexcept {
  if (link(file.temporary.c_str(), path.c_str()) != 0) return failure_from_errno(errno);
  (void)::unlink(file.temporary.c_str());
  return {};
}

UnnamedFile::~UnnamedFile() {
  if (!temporary.empty()) ::unlink(temporary.c_str());
}

Result<UniqueFd> open_file(const std::string& path) noexcept {
  // O_NONBLOCK: a FIFO at the path must not hold us up. Not O_CREAT: fs.protected_regular refuses that in sticky
  // directories.
  UniqueFd fd(open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return failure_from_errno(errno);
  return fd;
}

Result<void> link_file(const std::string& from, const std::string& to) noexcept {
  if (link(from.c_str(), to.c_str()) != 0) return failure_from_errno(errno);
  return {};
}

Result<void> remove_file(const std::string& path) noexcept {
  if (::unlink(path.c_str()) != 0) return failure_from_errno(errno);
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& directory) noexcept try {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (!stream) return failure_from_errno(errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    names.emplace_back(entry->d_name);
  }
  if (errno != 0) return failure_from_errno(errno);
  return names;
} catch (const std::bad_alloc&) {
  return Errc::no_memory;
}

bool directory_exists(const std::string& directory) noexcept {
  struct stat status {};
  return stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<FileFacts> facts(int fd) noexcept {
  struct stat status {};
  if (fstat(fd, &status) != 0) return failure_from_errno(errno);
  return to_facts(status);
}

Result<FileFacts> facts(const std::string& path) noexcept {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return failure_from_errno(errno);
  return to_facts(status);
}

Result<void> set_mode(int fd, std::uint32_t mode) noexcept {
  if (fchmod(fd, mode) != 0) return failure_from_errno(errno);
  return {};
}

Result<void> resize(int fd, std::uint64_t size) noexcept {
  if (above_limit(size)) return failure_from_errno(EFBIG);
  if (ftruncate(fd, static_cast<off_t>(size)) != 0) return failure_from_errno(errno);
  return {};
}

Result<void> reserve(int fd, std::uint64_t offset, std::uint64_t size) noexcept {
  if (above_limit(offset + size)) {
    const Result<FileFacts> known = facts(fd);
    if (!known || known->size < offset + size) return failure_from_errno(EFBIG);
  }
  // An interrupted piece is undone by kernels before the middle of 2025, so that under a fast timer a large one would
  // never end: it gets smaller with each interruption, down to what always ends.
  constexpr std::uint64_t kSmallest = 4096;
  for (std::uint64_t piece = size; size != 0;) {
    const int error = reserve_piece(fd, offset, std::min(piece, size));
    if (error == EINTR) {
      piece = std::max(piece / 2, kSmallest);
      continue;
    }
    if (error != 0) return failure_from_errno(error);
    offset += std::min(piece, size);
    size -= std::min(piece, size);
  }
  return {};
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> into) noexcept {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure_from_errno(errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> from) noexcept {
  std::size_t done = 0;
  while (done < from.size()) {
    const ssize_t put = pwrite(fd, from.data() + done, from.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return failure_from_errno(put < 0 ? errno : ENOSPC);
    done += static_cast<std::size_t>(put);
  }
  return {};
}

}  // namespace mqxx::os
