#include "os/limits.hpp"

#include <cerrno>

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

std::uint64_t soft_limit(int resource) noexcept {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  return limit.rlim_cur;
}

}  // namespace

ProcessLimits process_limits() noexcept {
  return {.descriptors = soft_limit(RLIMIT_NOFILE),
          .file_bytes = soft_limit(RLIMIT_FSIZE),
          .address_bytes = soft_limit(RLIMIT_AS)};
}

Result<Space> space(const std::string& directory) noexcept {
  struct statvfs status {};
  if (statvfs(directory.c_str(), &status) != 0) return failure_from_errno(errno);
  const auto block = static_cast<std::uint64_t>(status.f_frsize);
  return Space{.bytes = status.f_blocks * block,
               .bytes_left = (geteuid() == 0 ? status.f_bfree : status.f_bavail) * block,
               .files = status.f_files,
               .files_left = status.f_ffree};
}

}  // namespace mqxx::os
