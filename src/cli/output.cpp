#include "cli/output.hpp"

#include <array>
#include <cerrno>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/status.hpp"

namespace mqxx::cli {
namespace {

constexpr std::size_t kMostPieces = 3;

bool g_quiet = false;  // set before there is a second thread

/// Writes the pieces one behind the other, and stops at the first error.
Written write_all(int fd, std::span<iovec> pieces) {
  Written written;
  while (!pieces.empty()) {
    const ssize_t size = ::writev(fd, pieces.data(), static_cast<int>(pieces.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      written.error = errno;
      return written;
    }
    written.size += static_cast<std::size_t>(size);
    auto rest = static_cast<std::size_t>(size);
    while (!pieces.empty() && rest >= pieces.front().iov_len) {
      rest -= pieces.front().iov_len;
      pieces = pieces.subspan(1);
    }
    if (pieces.empty()) break;
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + rest;
    pieces.front().iov_len -= rest;
  }
  return written;
}

Written write_all(int fd, std::initializer_list<std::string_view> texts) {
  std::array<iovec, kMostPieces> pieces{};
  std::size_t count = 0;
  for (const std::string_view text : texts) {
    if (text.empty()) continue;
    pieces[count++] = {const_cast<char*>(text.data()), text.size()};  // writev(2) reads only, and asks for no const
  }
  return write_all(fd, std::span(pieces).first(count));
}

}  // namespace

Written try_write_out(std::initializer_list<std::string_view> pieces) { return write_all(STDOUT_FILENO, pieces); }

void fail_to_write(int error) {
  if (error == EPIPE) throw BrokenPipe();
  throw Complaint(Status::failed, "write standard output: " + std::generic_category().message(error));
}

void write_out(std::span<const std::byte> bytes) {
  write_out(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void write_out(std::string_view text) {
  const Written written = try_write_out({text});
  if (written.error != 0) fail_to_write(written.error);
}

bool is_terminal_out() { return ::isatty(STDOUT_FILENO) == 1; }

void be_quiet() { g_quiet = true; }
bool is_quiet() { return g_quiet; }

void write_error(std::string_view text) {
  if (g_quiet) return;
  static_cast<void>(write_all(STDERR_FILENO, {text}));  // if it fails, there is nowhere to say so
}

void complain(std::string_view sentence) { write_error(fmt::format("mq: {}\n", printable(sentence))); }

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
