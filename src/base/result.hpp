// Result<T>: a value, or why there is none. Everything below the public API answers with it; nothing there throws.
#pragma once

#include <new>
#include <optional>
#include <utility>

#include <mqxx/error.hpp>

namespace mqxx {

/// `detail` is the errno of a system_error, or the one number that the sentence of the code needs.
struct [[nodiscard]] Failure {
  Errc code{};
  int detail = 0;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept : value_(std::move(value)) {}
  Result(Errc code) noexcept : failure_{code, 0} {}
  Result(Failure failure) noexcept : failure_(failure) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  /// REQUIRES: *this is a value.
  T& operator*() noexcept { return *value_; }
  const T& operator*() const noexcept { return *value_; }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  /// REQUIRES: *this is a failure.
  [[nodiscard]] Failure failure() const noexcept { return failure_; }
  [[nodiscard]] bool is(Errc code) const noexcept { return !value_ && failure_.code == code; }

 private:
  std::optional<T> value_;
  Failure failure_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() noexcept = default;
  Result(Errc code) noexcept : failure_{code, 0} {}
  Result(Failure failure) noexcept : failure_(failure) {}

  explicit operator bool() const noexcept { return failure_.code == Errc{}; }
  [[nodiscard]] Failure failure() const noexcept { return failure_; }
  [[nodiscard]] bool is(Errc code) const noexcept { return failure_.code == code; }

 private:
  Failure failure_;
};

/// What `work` answers, or no_memory where it throws std::bad_alloc: making a path does.
template <class Work>
auto or_no_memory(Work work) noexcept -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Errc::no_memory;
  }
}

}  // namespace mqxx
