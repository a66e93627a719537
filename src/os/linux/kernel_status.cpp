// What the kernel tells of its queues beside their attributes: the line that reading one gives, and /proc.
#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/kernel_queue.hpp"

namespace mqxx::os {
namespace {

/// The number behind `label` in the line; nullopt where it is not there.
std::optional<std::int64_t> number_behind(std::string_view line, std::string_view label) noexcept {
  const std::size_t at = line.find(label);
  if (at == line.npos) return std::nullopt;
  std::int64_t number = 0;
  const char* const begin = line.data() + at + label.size();
  const auto [end, error] = std::from_chars(begin, line.data() + line.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

KernelStatus::Notice notice_of(std::int64_t notify) noexcept {
  switch (notify) {
    case 0: return KernelStatus::Notice::signal;  // SIGEV_SIGNAL, SIGEV_NONE and SIGEV_THREAD are 0, 1 and 2
    case 2: return KernelStatus::Notice::thread;
    default: return KernelStatus::Notice::silent;
  }
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(int base, const char* path) noexcept {
  UniqueFd fd(openat(base, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return {nullptr, closedir};
  Directory directory(fdopendir(fd.get()), closedir);
  if (directory) (void)fd.release();  // the stream closes it
  return directory;
}

/// What one process has open of the queues on a device.
void add_users(std::vector<KernelUser>& users, int processes, const char* entry, std::uint64_t device) {
  const std::string_view text(entry);
  std::int32_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc{} || end != text.data() + text.size()) return;
  const Directory descriptors = open_directory(processes, (std::string(text) + "/fd").c_str());
  if (!descriptors) return;  // another user's, or gone
  for (const dirent* one = readdir(descriptors.get()); one != nullptr; one = readdir(descriptors.get())) {
    struct stat status {};
    if (one->d_name[0] == '.' || fstatat(dirfd(descriptors.get()), one->d_name, &status, 0) != 0) continue;
    if (status.st_dev == device && S_ISREG(status.st_mode)) users.push_back({device, status.st_ino, pid, 1});
  }
}

/// One entry for each process and queue, from one for each descriptor.
std::vector<KernelUser> counted(std::vector<KernelUser> descriptors) {
  std::ranges::sort(descriptors, {}, [](const KernelUser& user) { return std::tuple(user.inode, user.pid); });
  std::vector<KernelUser> users;
  for (const KernelUser& one : descriptors) {
    const bool known = !users.empty() && users.back().inode == one.inode && users.back().pid == one.pid;
    if (known) {
      ++users.back().descriptors;
    } else {
      users.push_back(one);
    }
  }
  return users;
}

}  // namespace

KernelStatus kernel_status(int queue) noexcept {
  std::array<char, 128> room{};
  const ssize_t size = pread(queue, room.data(), room.size(), 0);
  if (size <= 0) return {};
  const std::string_view line(room.data(), static_cast<std::size_t>(size));
  KernelStatus status;
  status.queued_bytes = static_cast<std::uint64_t>(number_behind(line, "QSIZE:").value_or(0));
  status.registered_pid = static_cast<std::int32_t>(number_behind(line, "NOTIFY_PID:").value_or(0));
  if (status.registered_pid == 0) return status;
  status.notice = notice_of(number_behind(line, "NOTIFY:").value_or(1));
  status.signal = static_cast<int>(number_behind(line, "SIGNO:").value_or(0));
  return status;
}

std::vector<KernelUser> kernel_users(std::uint64_t device) {
  std::vector<KernelUser> users;
  const Directory processes = open_directory(AT_FDCWD, "/proc");
  if (!processes) return users;
  for (const dirent* entry = readdir(processes.get()); entry != nullptr; entry = readdir(processes.get())) {
    add_users(users, dirfd(processes.get()), entry->d_name, device);
  }
  return counted(std::move(users));
}

}  // namespace mqxx::os
