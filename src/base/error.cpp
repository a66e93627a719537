#include "base/error.hpp"

#include <array>
#include <cerrno>

namespace mqxx {
namespace {

constexpr std::array kRows{
    ErrorRow{Errc::would_block, EAGAIN, "EAGAIN", "the call would have to wait"},
    ErrorRow{Errc::timed_out, ETIMEDOUT, "ETIMEDOUT", "the deadline passed first"},
    ErrorRow{Errc::stopped, ECANCELED, "ECANCELED", "the caller's stop token ended the wait"},
    ErrorRow{Errc::interrupted, EINTR, "EINTR", "a signal handler ran"},
    ErrorRow{Errc::invalid_name, EINVAL, "EINVAL",
             "the name must be 1 to 255 bytes after its slash, without another slash or NUL, and not '.' or '..'"},
    ErrorRow{Errc::name_too_long, ENAMETOOLONG, "ENAMETOOLONG", "the name has more than 255 bytes after its slash"},
    ErrorRow{Errc::not_found, ENOENT, "ENOENT", "there is no such queue"},
    ErrorRow{Errc::already_exists, EEXIST, "EEXIST", "the queue exists already"},
    ErrorRow{Errc::permission_denied, EACCES, "EACCES", "permission denied"},
    ErrorRow{Errc::invalid_capacity, EINVAL, "EINVAL", "the capacity is out of bounds"},
    ErrorRow{Errc::invalid_message_size, EINVAL, "EINVAL", "the message size is out of bounds"},
    ErrorRow{Errc::queue_too_large, EOVERFLOW, "EOVERFLOW",
             "capacity times message size does not fit the address space"},
    ErrorRow{Errc::invalid_priority, EINVAL, "EINVAL", "the priority is above 32767"},
    ErrorRow{Errc::message_too_big, EMSGSIZE, "EMSGSIZE", "the message is larger than the queue takes"},
    ErrorRow{Errc::buffer_too_small, EMSGSIZE, "EMSGSIZE", "the buffer is smaller than the queue's message size"},
    ErrorRow{Errc::not_readable, EBADF, "EBADF", "the queue was opened write-only"},
    ErrorRow{Errc::not_writable, EBADF, "EBADF", "the queue was opened read-only"},
    ErrorRow{Errc::closed, EBADF, "EBADF", "the handle is closed"},
    ErrorRow{Errc::not_a_queue, EBADMSG, "EBADMSG", "the file is not a queue of mqxx"},
    ErrorRow{Errc::layout_mismatch, EPROTO, "EPROTO", "the queue was made by another build of mqxx"},
    ErrorRow{Errc::queue_damaged, EBADMSG, "EBADMSG", "the queue holds bytes that no mqxx wrote"},
    ErrorRow{Errc::queue_removed, EIDRM, "EIDRM", "the queue was removed"},
    ErrorRow{Errc::no_space, ENOSPC, "ENOSPC", "no space left for the queue's messages"},
    ErrorRow{Errc::no_memory, ENOMEM, "ENOMEM", "out of memory"},
    ErrorRow{Errc::too_many_files, EMFILE, "EMFILE", "too many open files"},
    ErrorRow{Errc::too_many_users, EUSERS, "EUSERS", "too many processes have the queue open"},
    ErrorRow{Errc::too_many_bytes, EMFILE, "EMFILE", "the kernel's queues of this user would take too many bytes"},
    ErrorRow{Errc::too_many_queues, ENOSPC, "ENOSPC", "the kernel has as many queues as it allows"},
    ErrorRow{Errc::already_registered, EBUSY, "EBUSY", "a process is registered already to be told of messages"},
    ErrorRow{Errc::would_deadlock, EDEADLK, "EDEADLK",
             "called from a signal handler that interrupted another call on a queue"},
    ErrorRow{Errc::type_mismatch, EINVAL, "EINVAL", "the message size is not the size of the type"},
    ErrorRow{Errc::unsupported, ENOTSUP, "ENOTSUP", "not possible for this kind of queue"},
    ErrorRow{Errc::invalid_argument, EINVAL, "EINVAL", "invalid argument"},
    ErrorRow{Errc::system_error, EIO, "EIO", "the operating system refused"},
};

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "mqxx"; }
  [[nodiscard]] std::string message(int value) const override {
    return std::string(error_row(static_cast<Errc>(value)).sentence);
  }
  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    return {error_row(static_cast<Errc>(value)).os_errno, std::generic_category()};
  }
};

}  // namespace

const ErrorRow& error_row(Errc code) noexcept {
  for (const ErrorRow& row : kRows) {
    if (row.code == code) return row;
  }
  return kRows.back();
}

std::string_view errno_symbol(int os_errno) noexcept {
  switch (os_errno) {
    case EPERM: return "EPERM";
    case EIO: return "EIO";
    case EFBIG: return "EFBIG";
    case EROFS: return "EROFS";
    case ELOOP: return "ELOOP";
    case ENOTDIR: return "ENOTDIR";
    case EISDIR: return "EISDIR";
    case EINVAL: return "EINVAL";
    case EFAULT: return "EFAULT";
    case ENOSYS: return "ENOSYS";
    case EDQUOT: return "EDQUOT";
    default: break;
  }
  for (const ErrorRow& row : kRows) {
    if (row.os_errno == os_errno) return row.symbol;
  }
  return "errno";
}

Failure failure_from_errno(int os_errno) noexcept {
  switch (os_errno) {
    case ENOENT: return {Errc::not_found, os_errno};
    case EEXIST: return {Errc::already_exists, os_errno};
    case EACCES:
    case EPERM: return {Errc::permission_denied, os_errno};
    case ENOSPC:
    case EDQUOT: return {Errc::no_space, os_errno};
    case ENOMEM: return {Errc::no_memory, os_errno};
    case EMFILE:
    case ENFILE: return {Errc::too_many_files, os_errno};
    case ENAMETOOLONG: return {Errc::name_too_long, os_errno};
    default: return {Errc::system_error, os_errno};
  }
}

std::error_code code_of(Failure failure) noexcept {
  if (failure.code == Errc::system_error) return {failure.detail, std::generic_category()};
  return make_error_code(failure.code);
}

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Errc code) noexcept { return {static_cast<int>(code), error_category()}; }

}  // namespace mqxx
