// Output: what mq writes. Standard output takes results only, unbuffered; standard error takes one line a problem.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mqxx::cli {

/// Writes all bytes to standard output. @throws Complaint, or BrokenPipe when nobody reads any more
void write_out(std::span<const std::byte> bytes);
void write_out(std::string_view text);

/// One line on standard error, after "mq: ".
void complain(std::string_view sentence);

/// The text with its control characters as \xNN: a name must not break a line or drive a terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace mqxx::cli
