// From a failure below to the exception above: one sentence with operation, queue, fact, numbers, symbol and way out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <mqxx/error.hpp>
#include <mqxx/types.hpp>

#include "base/result.hpp"

namespace mqxx::api {

/// The numbers that the sentences of a call need. Only what its failures can speak of is set.
struct Facts {
  std::size_t size = 0;   // of the message or the buffer
  std::size_t limit = 0;  // the queue's message size
  Priority priority = 0;
  std::size_t capacity = 0;      // asked for
  std::size_t message_size = 0;  // asked for
  std::string_view words = {};   // to be said instead, where the caller knows better than the code
};

[[noreturn]] void throw_failure(Failure failure, std::string_view operation, std::string_view name, const Facts& facts);
std::string sentence(Failure failure, std::string_view operation, std::string_view name, const Facts& facts);

template <class T>
T value_or_throw(Result<T> result, std::string_view operation, std::string_view name, const Facts& facts = {}) {
  if (!result) [[unlikely]]
    throw_failure(result.failure(), operation, name, facts);
  return std::move(*result);
}
inline void success_or_throw(const Result<void>& result, std::string_view operation, std::string_view name,
                             const Facts& facts = {}) {
  if (!result) [[unlikely]]
    throw_failure(result.failure(), operation, name, facts);
}

}  // namespace mqxx::api
