// Output: what mq writes. Standard output takes results only, unbuffered; standard error takes one line a problem.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace mqxx::cli {

/// Writes all bytes to standard output. @throws Complaint, or BrokenPipe when nobody reads any more
void write_out(std::span<const std::byte> bytes);
void write_out(std::string_view text);

/// How much was written, and the errno of what ended it, or 0.
struct Written {
  std::size_t size = 0;
  int error = 0;
};
/// Writes a few pieces one behind the other to standard output, in one write as far as the system allows.
[[nodiscard]] Written try_write_out(std::initializer_list<std::string_view> pieces);
/// @throws Complaint  or BrokenPipe, for the errno of a write to standard output
[[noreturn]] void fail_to_write(int error);

[[nodiscard]] bool is_terminal_out();

/// To standard error, as it is.
void write_error(std::string_view text);

/// From now on nothing goes to standard error: --quiet. The exit status says what happened.
void be_quiet();
[[nodiscard]] bool is_quiet();

/// One line on standard error, after "mq: ".
void complain(std::string_view sentence);

/// The text with its control characters as \xNN: a name must not break a line or drive a terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace mqxx::cli
