// Where the kernel shows its queues and their limits: the file system "mqueue", and files below /proc/sys.
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <mntent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/kernel_queue.hpp"

namespace mqxx::os {
namespace {

constexpr long kQueueFileSystem = 0x19800202;  // statfs(2), MQUEUE_MAGIC

/// A mount that nobody else sees, of this IPC namespace for sure; -1 without the right to make one.
UniqueFd private_mount() noexcept {
  const UniqueFd context(static_cast<int>(syscall(SYS_fsopen, "mqueue", FSOPEN_CLOEXEC)));
  if (!context || syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return UniqueFd(-1);
  return UniqueFd(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
}

/// Where an administrator has mounted it. Another mount may lie on top: the file system itself is asked.
UniqueFd public_mount() noexcept {
  const std::unique_ptr<FILE, int (*)(FILE*)> mounts(setmntent("/proc/self/mounts", "re"), endmntent);
  if (!mounts) return UniqueFd(-1);
  std::array<char, 4096> text{};
  mntent entry{};
  while (getmntent_r(mounts.get(), &entry, text.data(), static_cast<int>(text.size())) != nullptr) {
    if (std::string_view(entry.mnt_type) != "mqueue") continue;
    UniqueFd directory(open(entry.mnt_dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct statfs status {};
    if (directory && fstatfs(directory.get(), &status) == 0 && status.f_type == kQueueFileSystem) return directory;
  }
  return UniqueFd(-1);
}

Result<UniqueFd> queue_directory() noexcept {
  UniqueFd directory = private_mount();
  if (!directory) directory = public_mount();
  if (!directory) return Failure{Errc::permission_denied, EPERM};
  return directory;
}

Result<FileFacts> facts_in(const UniqueFd& directory, const char* name) noexcept {
  struct stat status {};
  if (fstatat(directory.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) return failure_from_errno(errno);
  FileFacts facts;
  facts.device = status.st_dev;
  facts.inode = status.st_ino;
  facts.uid = status.st_uid;
  facts.gid = status.st_gid;
  facts.mode = status.st_mode & 07777U;
  facts.links = status.st_nlink;
  return facts;
}

std::uint64_t number_in(const char* path) noexcept {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), std::fclose);
  unsigned long long number = 0;
  if (!file || std::fscanf(file.get(), "%llu", &number) != 1) return 0;
  return number;
}

}  // namespace

Result<std::vector<KernelEntry>> list_kernel_queues() noexcept {
  const Result<UniqueFd> mount = queue_directory();
  if (!mount) return mount.failure();
  UniqueFd readable(openat(mount->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable) return failure_from_errno(errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(readable.get()), closedir);
  if (!stream) return failure_from_errno(errno);
  (void)readable.release();  // the stream closes it
  std::vector<KernelEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    const Result<FileFacts> found = facts_in(*mount, entry->d_name);
    if (found) entries.push_back({std::string(name), *found});  // else it was removed meanwhile
  }
  if (errno != 0) return failure_from_errno(errno);
  return entries;
}

std::optional<KernelLimits> kernel_limits() noexcept {
  KernelLimits limits;
  limits.capacity = number_in("/proc/sys/fs/mqueue/msg_max");
  limits.message_size = number_in("/proc/sys/fs/mqueue/msgsize_max");
  limits.queues = number_in("/proc/sys/fs/mqueue/queues_max");
  rlimit bytes{};
  if (limits.capacity == 0 || limits.message_size == 0 || getrlimit(RLIMIT_MSGQUEUE, &bytes) != 0) return std::nullopt;
  limits.user_bytes = bytes.rlim_cur;
  return limits;
}

bool has_free_descriptor() noexcept { return UniqueFd(open("/", O_PATH | O_CLOEXEC)).get() >= 0; }

}  // namespace mqxx::os
