#include "cli/input.hpp"

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>

#include <unistd.h>

#include "cli/status.hpp"

namespace mqxx::cli {
namespace {

/// What is there now, waiting for something; empty at the end.
std::string_view read_some(std::span<char> room) {
  ssize_t size = 0;
  do {
    size = ::read(STDIN_FILENO, room.data(), room.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    throw Complaint(Status::failed, "read standard input: " + std::generic_category().message(errno));
  }
  return {room.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string read_all(std::size_t longest) {
  std::array<char, 65536> buffer{};
  std::string all;
  while (all.size() <= longest) {
    const std::string_view some = read_some(std::span(buffer).first(std::min(buffer.size(), longest + 1 - all.size())));
    if (some.empty()) break;
    all += some;
  }
  return all;
}

std::optional<std::string> LineReader::next() {
  std::string line;
  bool any = false;
  while (line.size() <= longest_) {
    if (unread_.empty()) unread_ = read_some(buffer_);
    if (unread_.empty()) break;
    any = true;
    const std::size_t end = unread_.find('\n');
    line += unread_.substr(0, std::min(end, longest_ + 1 - line.size()));
    if (end != std::string_view::npos && line.size() <= longest_) {
      unread_.remove_prefix(end + 1);
      return line;
    }
    unread_ = {};
  }
  if (!any) return std::nullopt;
  return line;
}

}  // namespace mqxx::cli
