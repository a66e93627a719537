#include "cli/status.hpp"

#include <mqxx/error.hpp>

namespace mqxx::cli {
namespace {

Status status_of(Errc code) {
  switch (code) {
    case Errc::timed_out: return Status::timed_out;
    case Errc::not_found:
    case Errc::queue_removed: return Status::not_found;
    case Errc::already_exists: return Status::exists;
    case Errc::permission_denied: return Status::denied;
    case Errc::not_a_queue:
    case Errc::layout_mismatch:
    case Errc::queue_damaged: return Status::damaged;
    case Errc::invalid_name:
    case Errc::name_too_long:
    case Errc::invalid_capacity:
    case Errc::invalid_message_size:
    case Errc::queue_too_large:
    case Errc::invalid_priority: return Status::usage;
    default: return Status::failed;
  }
}

}  // namespace

Status status_of(const std::error_code& code) {
  if (code.category() == error_category()) return status_of(static_cast<Errc>(code.value()));
  if (code == std::errc::no_such_file_or_directory) return Status::not_found;
  if (code == std::errc::permission_denied) return Status::denied;
  return Status::failed;
}

const char* status_help() {
  return "Exit status:\n"
         "    0  done\n"
         "    1  failed for a reason that is not listed here\n"
         "    2  the timeout passed first\n"
         "    3  there is no such queue, or no longer\n"
         "    4  the queue exists already (create --exclusive)\n"
         "    5  the queue is full (send --nonblock)\n"
         "    6  the queue is empty (receive --nonblock, peek)\n"
         "    7  permission denied\n"
         "    8  not a queue, made by another build, or damaged\n"
         "   64  wrong use: a bad command, option, name, size or priority\n"
         "  130  interrupted by Ctrl-C; 141: nobody read the output (both as the shell numbers signals)\n";
}

}  // namespace mqxx::cli
