#include "cli/input.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/status.hpp"

namespace mqxx::cli {
namespace {

constexpr std::size_t kFirstSize = std::size_t{256} << 10U;

}  // namespace

Input::Input(int descriptor, std::string name)
    : descriptor_(descriptor),
      name_(std::move(name)),
      size_(kFirstSize),
      buffer_(std::make_unique_for_overwrite<char[]>(size_)) {}

bool Input::more() {
  if (begin_ > 0) {
    end_ -= begin_;
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_);
    begin_ = 0;
  }
  if (end_ == size_) {
    auto larger = std::make_unique_for_overwrite<char[]>(2 * size_);
    std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
    size_ *= 2;
  }
  ssize_t count = 0;
  do {
    count = ::read(descriptor_, buffer_.get() + end_, size_ - end_);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    throw Complaint(Status::failed, fmt::format("read {}: {}", name_, std::generic_category().message(errno)));
  }
  end_ += static_cast<std::size_t>(count);
  read_ += static_cast<std::uint64_t>(count);
  return count > 0;
}

std::uint64_t Input::expected() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  const off_t here = ::lseek(descriptor_, 0, SEEK_CUR);
  return here < 0 || here > status.st_size ? 0 : static_cast<std::uint64_t>(status.st_size - here);
}

bool Input::is_terminal() const { return ::isatty(descriptor_) == 1; }

}  // namespace mqxx::cli
