// What a failing call threw, as something that EXPECT_TRUE can print.
#pragma once

#include <exception>
#include <string>

#include <gtest/gtest.h>

#include <mqxx/error.hpp>

namespace mqxx::test {

/// Does `call` throw an mqxx::Error of this code? `EXPECT_TRUE(fails_with(Errc::closed, [&] { queue.send("x"); }))`
template <class Call>
testing::AssertionResult fails_with(Errc expected, Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    if (error.code() == expected) return testing::AssertionSuccess() << error.what();
    return testing::AssertionFailure() << "failed with another error: " << error.what() << " ["
                                       << error.code().message() << "], not with ["
                                       << make_error_code(expected).message() << "]";
  } catch (const std::exception& error) {
    return testing::AssertionFailure() << "threw something that is no mqxx::Error: " << error.what();
  }
  return testing::AssertionFailure() << "did not fail, but should: " << make_error_code(expected).message();
}

/// The sentence of the error that `call` throws; "" when it throws none.
template <class Call>
std::string sentence_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

/// Are all of `parts` in the sentence? An error must name the operation, the queue and both numbers.
template <class... Parts>
testing::AssertionResult says(const std::string& sentence, const Parts&... parts) {
  testing::AssertionResult result = testing::AssertionSuccess();
  const auto require = [&](const std::string& part) {
    if (result && sentence.find(part) == std::string::npos) {
      result = testing::AssertionFailure() << "'" << part << "' is not in: " << sentence;
    }
  };
  (require(std::string(parts)), ...);
  return result;
}

/// A code that no call has set: twins must clear it on success.
inline std::error_code stale_code() { return make_error_code(Errc::unsupported); }

}  // namespace mqxx::test
