#include "cli/move/new_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.hpp"
#include "cli/status.hpp"

namespace mqxx::cli {
namespace {

constexpr mode_t kPermissions = 0777;
constexpr mode_t kUsualMode = 0666;

/// The umask can only be read by setting it.
mode_t mode_of_new_files() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return kUsualMode & ~mask;
}

}  // namespace

NewFile::NewFile(std::string path) : path_(path == "-" ? "" : std::move(path)), name_(path_) {
  if (is_stdout()) {
    name_ = "standard output";
    descriptor_ = STDOUT_FILENO;
    return;
  }
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail("open", errno);
    return;
  }
  temporary_ = path_ + ".XXXXXX";
  descriptor_ = ::mkstemp(temporary_.data());
  if (descriptor_ < 0) {
    const int error = errno;
    temporary_.clear();
    fail("create", error);
  }
  ::fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
  ::fchmod(descriptor_, exists ? status.st_mode & kPermissions : mode_of_new_files());
}

NewFile::~NewFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (!is_stdout() && descriptor_ >= 0) ::close(descriptor_);
}

void NewFile::write(std::string_view bytes) {
  if (is_stdout()) {
    write_out(bytes);
    return;
  }
  while (!bytes.empty()) {
    const ssize_t size = ::write(descriptor_, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EPIPE) throw BrokenPipe();
    if (size < 0) fail("write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

void NewFile::commit() {
  if (!is_regular()) return;
  if (::fsync(descriptor_) != 0) fail("write", errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("create", errno);
  temporary_.clear();
}

void NewFile::fail(const char* what, int error) const {
  const Status status = error == EACCES || error == EPERM ? Status::denied : Status::failed;
  throw Complaint(status, fmt::format("{} '{}': {}", what, path_, std::generic_category().message(error)));
}

}  // namespace mqxx::cli
