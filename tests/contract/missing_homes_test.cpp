// What a port says of the homes that it lacks.
#include <gtest/gtest.h>

#include <mqxx/inspect.hpp>
#include <mqxx/queue.hpp>

#include "support/failures.hpp"

namespace mqxx::test {
namespace {

TEST(MissingHomes, QueuesOfTheKernelAreRefusedByName) {
  const auto open = [] { (void)Queue::open_or_create("kernel:/q"); };
  EXPECT_TRUE(says(sentence_of(open), "kernel:/q", "ENOSYS")) << sentence_of(open);
  std::error_code ec;
  (void)Queue::open("kernel:/q", {}, ec);
  EXPECT_EQ(ec, std::errc::function_not_supported);
  Queue::unlink("kernel:/q", ec);
  EXPECT_EQ(ec, std::errc::function_not_supported);
  (void)Queue::from_fd(0, ec);
  EXPECT_EQ(ec, std::errc::function_not_supported);
  EXPECT_TRUE(says(sentence_of([] { (void)list("kernel:"); }), "list", "ENOSYS"));
}

}  // namespace
}  // namespace mqxx::test
