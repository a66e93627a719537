#include "base/address.hpp"

#include <string>

#include <gtest/gtest.h>

namespace mqxx {
namespace {

TEST(Address, NameGetsItsSlash) {
  EXPECT_EQ(parse_address("orders")->name, "/orders");
  EXPECT_EQ(parse_address("/orders")->name, "/orders");
}

TEST(Address, PrefixNamesTheHome) {
  EXPECT_EQ(parse_address("/q")->home, Home::shm);
  EXPECT_EQ(parse_address("kernel:/q")->home, Home::kernel);
  EXPECT_EQ(parse_address("kernel:q")->name, "/q");
  EXPECT_EQ(parse_address("sysv:0xDEADC0DE")->home, Home::sysv);
  EXPECT_EQ(parse_address("sysv:0xDEADC0DE")->name, "0xdeadc0de");
  EXPECT_EQ(parse_address("/kernel:q")->home, Home::shm) << "behind a slash it is a name";
}

TEST(Address, WhatIsNoNameIsRefused) {
  using namespace std::string_view_literals;
  for (const std::string_view bad :
       {""sv, "/"sv, "//"sv, "/a/b"sv, "a/"sv, "."sv, "/.."sv, "a\0b"sv, "kernel:"sv, "sysv:"sv, "sysv:orders"sv}) {
    EXPECT_TRUE(parse_address(bad).is(Errc::invalid_name)) << bad;
  }
}

TEST(Address, ADifferentTextOfTheSameKeyIsTheSameAddress) {
  for (const char* text : {"sysv:1234", "sysv:0x4d2", "sysv:0X4D2", "sysv:0x000004d2"}) {
    EXPECT_EQ(text_of(*parse_address(text)), "sysv:0x000004d2") << text;
  }
}

TEST(Address, NameOf255BytesFitsAndOneMoreDoesNot) {
  const std::string longest(kMaxNameSize, 'x');
  EXPECT_TRUE(parse_address('/' + longest));
  EXPECT_TRUE(parse_address(longest));
  EXPECT_TRUE(parse_address(longest + 'x').is(Errc::name_too_long));
}

}  // namespace
}  // namespace mqxx
