// The one table Errc <-> errno <-> symbol <-> sentence, and the ways from one to the other.
#pragma once

#include <string_view>
#include <system_error>

#include "base/result.hpp"

namespace mqxx {

struct ErrorRow {
  Errc code;
  int os_errno;
  std::string_view symbol;    ///< "EMSGSIZE"
  std::string_view sentence;  ///< what is wrong, without names and numbers
};

/// REQUIRES: code is a value of Errc. An unknown one gets the row of system_error.
const ErrorRow& error_row(Errc code) noexcept;

/// The symbol of an errno that mqxx itself does not use is "errno N" to the caller; this knows the usual ones.
std::string_view errno_symbol(int os_errno) noexcept;

/// What open(2), mmap(2), fallocate(2) and their like mean to a user of queues.
Failure failure_from_errno(int os_errno) noexcept;

/// The public code: of the mqxx category, or the errno itself for a system_error.
std::error_code code_of(Failure failure) noexcept;

}  // namespace mqxx
