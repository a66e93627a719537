// Status: the exit statuses of mq, and how failures become one of them.
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>

namespace mqxx::cli {

/// Scripts rely on these numbers; docs/man/mq.1.scd and `mq --help` show the same table.
enum class Status : int {
  done = 0,
  failed = 1,
  timed_out = 2,
  not_found = 3,
  exists = 4,
  full = 5,
  empty = 6,
  denied = 7,
  damaged = 8,
  usage = 64,
};

/// What went wrong in mq itself. Failures of the library travel as mqxx::Error.
class Complaint : public std::runtime_error {
 public:
  Complaint(Status status, const std::string& sentence) : std::runtime_error(sentence), status_(status) {}
  [[nodiscard]] Status status() const { return status_; }

 private:
  Status status_;
};

/// Nobody reads standard output any more: mq ends as by SIGPIPE, without a word.
struct BrokenPipe {};

[[nodiscard]] Status status_of(const std::error_code& code);

/// The table for `mq --help`.
[[nodiscard]] const char* status_help();

}  // namespace mqxx::cli
