// What a port says of the homes that it lacks, the same for each of them and by name, and of event loops.
#include <chrono>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include <mqxx/event_loop.hpp>
#include <mqxx/inspect.hpp>
#include <mqxx/permissions.hpp>
#include <mqxx/queue.hpp>
#include <mqxx/sysv.hpp>
#include <mqxx/transfer.hpp>

#include "support/failures.hpp"

namespace mqxx::test {
namespace {

constexpr auto kNone = std::errc::function_not_supported;

class MissingHomes : public testing::TestWithParam<std::string> {};

TEST_P(MissingHomes, AreRefusedByName) {
  const std::string& name = GetParam();
  const auto open = [&] { (void)Queue::open_or_create(name); };
  EXPECT_TRUE(says(sentence_of(open), name, "ENOSYS")) << sentence_of(open);
  std::error_code ec;
  EXPECT_FALSE(Queue::open(name, {}, ec).is_open());
  EXPECT_EQ(ec, kNone);
  EXPECT_FALSE(Queue::create(name, {}, ec).is_open());
  EXPECT_EQ(ec, kNone);
  Queue::unlink(name, ec);
  EXPECT_EQ(ec, kNone);
}

TEST_P(MissingHomes, AreNeitherListedNorDescribed) {
  const std::string& name = GetParam();
  const std::string home = name.substr(0, name.find(':') + 1);
  EXPECT_TRUE(says(sentence_of([&] { (void)list(home); }), "list", "ENOSYS"));
  EXPECT_TRUE(says(sentence_of([&] { (void)describe(name); }), "describe", name, "ENOSYS"));
  EXPECT_TRUE(says(sentence_of([&] { change_mode(name, 0600); }), "chmod", name, "ENOSYS"));
}

INSTANTIATE_TEST_SUITE_P(, MissingHomes, testing::Values("kernel:/q", "sysv:0x00006d78", "sysv:/:q"));

TEST(MissingKernelHome, NoDescriptorIsAQueueOfTheKernel) {
  std::error_code ec;
  (void)Queue::from_fd(0, ec);
  EXPECT_EQ(ec, kNone);
}

TEST(MissingSysvHome, AQueueOfNoKeyCannotBeMade) {
  std::error_code ec;
  EXPECT_FALSE(Queue::create("sysv:private", {}, ec).is_open());
  EXPECT_EQ(ec, kNone);
}

TEST(MissingSysvHome, QueuesAsTheyAreAreRefusedToo) {
  constexpr sysv::Key kKey{0x6d78};
  std::error_code ec;
  EXPECT_FALSE(sysv::Queue::open(kKey, ec).is_open());
  EXPECT_EQ(ec, kNone);
  EXPECT_FALSE(sysv::Queue::create(sysv::kPrivate, {}, ec).is_open());
  EXPECT_EQ(ec, kNone);
  (void)sysv::key_of("/", 'q', ec);
  EXPECT_EQ(ec, kNone);
  EXPECT_TRUE(says(sentence_of([&] { (void)sysv::Queue::open_or_create(kKey); }), "sysv:0x00006d78", "ENOSYS"));
  EXPECT_TRUE(says(sentence_of([] { (void)sysv::list(); }), "ENOSYS"));
  EXPECT_TRUE(says(sentence_of([] { (void)sysv::limits(); }), "ENOSYS"));
  EXPECT_TRUE(says(sentence_of([] { (void)sysv::use(); }), "ENOSYS"));
}

TEST(MissingSysvHome, ACallOnANumberIsRefusedAndNeverWaits) {
  sysv::Queue queue = sysv::Queue::from_id(1);
  std::error_code ec;
  queue.send("x", 1, ec);
  EXPECT_EQ(ec, kNone);
  EXPECT_FALSE(queue.send("x", 1, Wait::for_duration(std::chrono::hours(1)), ec));
  EXPECT_EQ(ec, kNone);
  EXPECT_FALSE(queue.receive({}, Wait::forever(), ec));
  EXPECT_EQ(ec, kNone);
  EXPECT_FALSE(queue.peek(0, ec));
  EXPECT_EQ(ec, kNone);
  (void)queue.status(ec);
  EXPECT_EQ(ec, kNone);
  queue.change({.mode = 0600}, ec);
  EXPECT_EQ(ec, kNone);
  queue.remove(ec);
  EXPECT_EQ(ec, kNone);
}

TEST(MissingEventLoop, SaysThatThisPortHasNone) {
  const auto make = [] { const EventLoop loop; };
  EXPECT_TRUE(fails_with(Errc::unsupported, make));
  EXPECT_TRUE(says(sentence_of(make), "create", "event loop", "port", "ENOTSUP"));
}

}  // namespace
}  // namespace mqxx::test
