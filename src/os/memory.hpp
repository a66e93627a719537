// Files of memory: made, published, mapped, reserved. Every path is absolute or relative to the working directory.
//
//  - open_file refuses symbolic links and never blocks, whatever lies at the path.
//  - create_unnamed makes an empty file that nobody sees; publish gives it its name in one step, or fails with
//  already_exists
//    and leaves what is there alone. A file that dies before that leaves nothing behind where the system allows it.
//  - reserve makes a range safe to touch: afterwards an access cannot fail for want of memory. no_space otherwise; what
//  was
//    there keeps its contents, new bytes are zero, and the file stays as long as it is. It may be called again for the
//    same range.
//  - resize neither reserves nor fills memory, and fails, rather than raises a signal, above the process's file-size
//  limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace mqxx::os {

struct FileFacts {
  std::uint64_t size = 0;
  std::uint64_t memory_bytes = 0;  ///< reserved or written
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;       ///< permission bits
  std::uint64_t links = 0;      ///< names
  std::int64_t changed_ns = 0;  ///< when any of this changed last, since 1970
  bool regular = false;
};

/// `temporary` is its name where the system has no unnamed files; the destructor removes that one.
struct UnnamedFile {
  UnnamedFile(UniqueFd file, std::string name) noexcept : fd(std::move(file)), temporary(std::move(name)) {}
  UnnamedFile(UnnamedFile&& other) noexcept : fd(std::move(other.fd)), temporary(std::exchange(other.temporary, {})) {}
  UnnamedFile& operator=(UnnamedFile&&) = delete;
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;
  ~UnnamedFile();

  UniqueFd fd;
  std::string temporary;
};

/// Where files of memory lie when nobody says otherwise.
const char* memory_directory() noexcept;

Result<UniqueFd> open_file(const std::string& path) noexcept;
Result<UnnamedFile> create_unnamed(const std::string& directory, std::uint32_t mode) noexcept;
Result<void> publish(const UnnamedFile& file, const std::string& path) noexcept;
/// One more name for a file. Fails with already_exists, not_found.
Result<void> link_file(const std::string& from, const std::string& to) noexcept;
Result<void> remove_file(const std::string& path) noexcept;
Result<std::vector<std::string>> list_directory(const std::string& directory) noexcept;
bool directory_exists(const std::string& directory) noexcept;

Result<FileFacts> facts(int fd) noexcept;
Result<FileFacts> facts(const std::string& path) noexcept;
Result<void> set_mode(int fd, std::uint32_t mode) noexcept;
Result<void> set_owner(int fd, std::uint32_t uid, std::uint32_t gid) noexcept;
Result<void> resize(int fd, std::uint64_t size) noexcept;
Result<void> reserve(int fd, std::uint64_t offset, std::uint64_t size) noexcept;
/// Bytes read: fewer than asked for only at the end of the file.
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> into) noexcept;
Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> from) noexcept;

Result<std::byte*> map_shared(int fd, std::uint64_t size) noexcept;
/// The same in place of a mapping that was inherited, which would keep its file description, and the claims on it,
/// alive.
Result<void> map_over(std::byte* memory, int fd, std::uint64_t size) noexcept;
void unmap(std::byte* memory, std::uint64_t size) noexcept;

std::uint64_t random_number() noexcept;

}  // namespace mqxx::os
