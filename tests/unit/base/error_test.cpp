#include "base/error.hpp"

#include <cerrno>
#include <set>

#include <gtest/gtest.h>

namespace mqxx {
namespace {

constexpr int kLast = static_cast<int>(Errc::system_error);

TEST(ErrorTable, EveryCodeHasARowOfItsOwn) {
  for (int value = 1; value <= kLast; ++value) {
    const ErrorRow& row = error_row(static_cast<Errc>(value));
    EXPECT_EQ(static_cast<int>(row.code), value);
    EXPECT_NE(row.os_errno, 0);
    EXPECT_FALSE(row.sentence.empty());
    EXPECT_EQ(row.symbol.front(), 'E');
  }
}

TEST(ErrorTable, CodeEqualsItsErrnoAsAStandardCondition) {
  EXPECT_EQ(make_error_code(Errc::message_too_big), std::errc::message_size);
  EXPECT_EQ(make_error_code(Errc::not_found), std::errc::no_such_file_or_directory);
  EXPECT_EQ(make_error_code(Errc::timed_out), std::errc::timed_out);
  EXPECT_NE(make_error_code(Errc::not_found), std::errc::file_exists);
}

TEST(ErrorTable, ErrnoOfFileCallsFindsItsCodeAndKeepsItself) {
  EXPECT_EQ(failure_from_errno(ENOSPC).code, Errc::no_space);
  EXPECT_EQ(failure_from_errno(EPERM).code, Errc::permission_denied);
  EXPECT_EQ(failure_from_errno(EFBIG).code, Errc::system_error);
  EXPECT_EQ(code_of(failure_from_errno(EFBIG)), std::error_code(EFBIG, std::generic_category()));
}

TEST(ErrorTable, CategoryIsNamed) { EXPECT_STREQ(error_category().name(), "mqxx"); }

}  // namespace
}  // namespace mqxx
