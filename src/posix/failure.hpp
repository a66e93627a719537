// Failures of the engine as POSIX tells them: -1 (or nullptr) and errno.
#pragma once

#include <cerrno>
#include <type_traits>

#include "base/error.hpp"
#include "base/result.hpp"

namespace mqxx::posix {

inline int errno_of(Failure failure) noexcept {
  if (failure.code == Errc::system_error) return failure.detail;
  if (failure.code == Errc::too_many_files && failure.detail != 0) return failure.detail;  // EMFILE or ENFILE
  return error_row(failure.code).os_errno;
}

template <class T>
T refuse(int error) noexcept {
  errno = error;
  if constexpr (std::is_pointer_v<T>) {
    return nullptr;
  } else {
    return -1;
  }
}
template <class T>
T refuse(Failure failure) noexcept {
  return refuse<T>(errno_of(failure));
}

}  // namespace mqxx::posix
