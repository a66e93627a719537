// Names: which are taken, which are refused, and that the slash is optional.
#include "contract/backend_contract.hpp"

namespace mqxx::test {
namespace {

TEST_P(BackendContract, ANameWithoutItsSlashMeansTheSameQueue) {
  MQXX_NEEDS(names);
  const std::string address = at("orders");
  std::string bare = address;
  bare.erase(home().prefix.size(), 1);
  Queue first = Queue::create(bare);
  Queue second = Queue::open(address);
  first.send("x");
  EXPECT_EQ(second.receive().text(), "x");
  EXPECT_EQ(first.name(), second.name());
  EXPECT_EQ(first.name(), address);
  Queue::unlink(bare);
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(address); }));
}

TEST_P(BackendContract, NamesOf255BytesAfterTheSlashWork) {
  MQXX_NEEDS(names);
  for (const char first : {'a', '-'}) {
    const std::string name(255, first);
    Queue queue = make(2, 8, name);
    EXPECT_EQ(queue.name().size(), home().prefix.size() + 256);
    queue.send("long");
    EXPECT_EQ(Queue::open(at(name)).receive().text(), "long");
    queue.unlink();
    EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(at(name)); }));
  }
}

TEST_P(BackendContract, LongNamesThatDifferInTheirLastByteAreDifferentQueues) {
  MQXX_NEEDS(names);
  const std::string stem(254, 'n');
  Queue first = make(2, 8, stem + "1");
  Queue second = make(2, 8, stem + "2");
  first.send("1");
  EXPECT_FALSE(second.try_receive());
  EXPECT_EQ(first.receive().text(), "1");
}

TEST_P(BackendContract, ANameOf256BytesIsTooLong) {
  MQXX_NEEDS(names);
  const std::string address = home().prefix + "/" + std::string(256, 'a');
  EXPECT_TRUE(fails_with(Errc::name_too_long, [&] { (void)Queue::create(address); }));
  EXPECT_TRUE(fails_with(Errc::name_too_long, [&] { (void)Queue::open(address); }));
  EXPECT_TRUE(fails_with(Errc::name_too_long, [&] { Queue::unlink(address); }));
  expect_nothing_left();
}

TEST_P(BackendContract, OddBytesInNamesAreOrdinary) {
  MQXX_NEEDS(names);
  const std::vector<std::string> names{"with space",
                                       " leading space",
                                       "trailing space ",
                                       "new\nline",
                                       "tab\tstop",
                                       ".hidden",
                                       "...",
                                       "..two",
                                       "-rf",
                                       "*?[a]",
                                       "caf\xC3\xA9",
                                       "\xE2\x82\xAC",
                                       "\xFF\xFE",
                                       "back\\slash",
                                       "quote\"'`$(x)",
                                       "\x01\x7F",
                                       "%s%n",
                                       "name.tmp",
                                       "kernel",
                                       "colon:inside",
                                       "UPPER",
                                       "upper",
                                       "~",
                                       "#1"};
  for (const std::string& name : names) {
    SCOPED_TRACE(testing::PrintToString(name));
    Queue queue = make(2, 8, name);
    EXPECT_EQ(queue.name(), at(name));
    queue.send("x");
    EXPECT_EQ(Queue::open(at(name)).receive().text(), "x");
  }
  // All at once: each name is a queue of its own.
  for (const std::string& name : names) {
    Queue queue = Queue::open(at(name));
    ASSERT_TRUE(queue.try_send(name.substr(0, 8)));
  }
  for (const std::string& name : names) {
    Queue queue = Queue::open(at(name));
    EXPECT_EQ(drained(queue), std::vector{name.substr(0, 8)});
  }
  if (can().listing) {
    EXPECT_EQ(listed().size(), names.size());
  }
}

TEST_P(BackendContract, BadNamesAreRefusedByEveryCallThatTakesOne) {
  MQXX_NEEDS(names);
  using namespace std::string_literals;
  const std::vector<std::string> names{"",   "/", "//",  "//a", "/a/",    "/a/b", "a/b",
                                       "/.", ".", "/..", "..",  "/a\0b"s, "\0"s,  "/\0"s};
  for (const std::string& bad : names) {
    SCOPED_TRACE(testing::PrintToString(bad));
    const std::string address = home().prefix + bad;
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { (void)Queue::create(address); }));
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { (void)Queue::open(address); }));
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { (void)Queue::open_or_create(address); }));
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { Queue::unlink(address); }));
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { (void)describe(address); }));
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { (void)check(address); }));
  }
  expect_nothing_left();
}

}  // namespace
}  // namespace mqxx::test
