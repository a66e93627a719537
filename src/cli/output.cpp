#include "cli/output.hpp"

#include <cerrno>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/status.hpp"

namespace mqxx::cli {
namespace {

/// 0, or the errno of the write that failed.
int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

void write_out(std::span<const std::byte> bytes) {
  const int error = write_all(STDOUT_FILENO, bytes);
  if (error == EPIPE) throw BrokenPipe();
  if (error == 0) return;
  throw Complaint(Status::failed, "write standard output: " + std::generic_category().message(error));
}

void write_out(std::string_view text) { write_out(std::as_bytes(std::span(text))); }

void complain(std::string_view sentence) {
  const std::string line = fmt::format("mq: {}\n", printable(sentence));
  write_all(STDERR_FILENO, std::as_bytes(std::span(line)));  // if it fails, there is nowhere to say so
}

std::string printable(std::string_view text) {
  constexpr unsigned char kDelete = 0x7f;
  std::string result;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < ' ' || byte == kDelete) {
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", byte);
    } else {
      result += character;
    }
  }
  return result;
}

}  // namespace mqxx::cli
