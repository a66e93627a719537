#include "base/sysv_key.hpp"

#include <gtest/gtest.h>

namespace mqxx {
namespace {

using Kind = SysvKey::Kind;

TEST(SysvKey, ANumberIsAKeyInDecimalsOrHexadecimal) {
  EXPECT_EQ(parse_sysv_key("1234")->number, 1234u);
  EXPECT_EQ(parse_sysv_key("0xDEADC0DE")->number, 0xdeadc0deu);
  EXPECT_EQ(parse_sysv_key("4294967295")->number, 0xffffffffu);
  EXPECT_EQ(parse_sysv_key("1")->kind, Kind::key);
}

TEST(SysvKey, PrivateAndIdentifiersHaveWordsOfTheirOwn) {
  EXPECT_EQ(parse_sysv_key("private")->kind, Kind::fresh);
  EXPECT_EQ(parse_sysv_key("id=0")->kind, Kind::identifier);
  EXPECT_EQ(parse_sysv_key("id=65539")->number, 65539u);
}

TEST(SysvKey, AFileHasAProjectOfOneCharacterOrANumber) {
  const Result<SysvKey> letter = parse_sysv_key("/srv/orders:A");
  EXPECT_EQ(letter->kind, Kind::file);
  EXPECT_EQ(letter->path, "/srv/orders");
  EXPECT_EQ(letter->number, unsigned{'A'});
  EXPECT_EQ(parse_sysv_key("/srv:7")->number, unsigned{'7'}) << "one character is that character";
  EXPECT_EQ(parse_sysv_key("/srv:0x7")->number, 7u);
  EXPECT_EQ(parse_sysv_key("/srv:65")->number, 65u);
  EXPECT_EQ(parse_sysv_key("/srv:255")->number, 255u);
  EXPECT_EQ(parse_sysv_key("./here:x")->path, "./here");
  EXPECT_EQ(parse_sysv_key("/with:colon:x")->path, "/with:colon") << "the last colon counts";
}

TEST(SysvKey, ItsTextNamesItAgain) {
  for (const char* text : {"0x00000001", "0xdeadc0de", "private", "id=0", "id=2147483647", "/srv/orders:A", "/srv:7",
                           "/srv:0x07", "/:~"}) {
    EXPECT_EQ(text_of(*parse_sysv_key(text)), text);
  }
  EXPECT_EQ(text_of(*parse_sysv_key("7")), "0x00000007");
  EXPECT_EQ(text_of(*parse_sysv_key("/srv:65")), "/srv:A");
  EXPECT_EQ(text_of(*parse_sysv_key("/srv:200")), "/srv:0xc8");
  EXPECT_EQ(text_of(*parse_sysv_key("/srv: ")), "/srv:0x20") << "what cannot be seen is a number";
}

TEST(SysvKey, WhatIsNoKeyIsRefused) {
  using namespace std::string_view_literals;
  for (const std::string_view bad :
       {""sv,       "0"sv,          "0x"sv,       "0x0"sv,     "-1"sv,       "+1"sv,
        "010"sv,    "4294967296"sv, "12a"sv,      "0xg"sv,     "1 "sv,       " 1"sv,
        "orders"sv, "Private"sv,    "id="sv,      "id=-1"sv,   "id=x"sv,     "id=2147483648"sv,
        "/srv"sv,   "/srv:"sv,      "/srv:256"sv, "/srv:00"sv, "/srv:0x0"sv, "/srv:ab"sv,
        ":/x"sv,    "a:b/c"sv,      "/a\0b:x"sv,  "1\0"sv}) {
    EXPECT_TRUE(parse_sysv_key(bad).is(Errc::invalid_name)) << bad;
  }
}

}  // namespace
}  // namespace mqxx
