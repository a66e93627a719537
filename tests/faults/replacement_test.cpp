// The file of a queue removed, replaced or made inaccessible under live processes: who has it open goes on.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

class Replacement : public QueueTest {
 protected:
  /// Another process sends, and then receives, through a handle that was opened before.
  static void expect_alive(Queue& queue) {
    Child sender([&] { send_numbers(queue, 30); });
    for (int i = 0; i < 30; ++i) EXPECT_EQ(queue.receive().text(), std::to_string(i));
    expect_well(sender);
    Child receiver([&] {
      for (int i = 0; i < 30; ++i) EXPECT_EQ(queue.receive().text(), std::to_string(i));
    });
    send_numbers(queue, 30);
    expect_well(receiver);
  }
};

TEST_F(Replacement, AFileThatIsRemovedByHandLeavesTheOpenQueueAsItIs) {
  Queue queue = Queue::create("/q");
  std::filesystem::remove(directory_.path() / "mqxx.q");
  expect_alive(queue);
  EXPECT_TRUE(fails_with(Errc::not_found, [] { (void)Queue::open("/q"); }));
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { queue.unlink(); }));
  Queue next = Queue::create("/q");
  next.send("next");
  EXPECT_EQ(queue.attributes().depth, 0U);
}

TEST_F(Replacement, EverythingRemovedByHandLeavesTheOpenQueueAsItIs) {
  Queue queue = Queue::create("/q", {.capacity = 10, .message_size = 10'000});
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    std::filesystem::remove(entry.path());
  }
  expect_alive(queue);
  queue.send(std::string(10'000, 'x'));
  EXPECT_EQ(queue.receive().size(), 10'000U);
}

TEST_F(Replacement, AFileThatIsReplacedIsSeenByWhoOpensNext) {
  Queue queue = Queue::create("/q");
  const std::filesystem::path file = directory_.path() / "mqxx.q";
  std::ofstream(directory_.path() / "other") << std::string(5000, 'x');
  std::filesystem::rename(directory_.path() / "other", file);
  expect_alive(queue);
  EXPECT_TRUE(fails_with(Errc::not_a_queue, [] { (void)Queue::open("/q"); }));
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { queue.unlink(); })) << "the name means another file";
  EXPECT_TRUE(std::filesystem::exists(file));
}

// It goes on for who has it, and is not opened under a name that it was not given (docs/security.md).
TEST_F(Replacement, AQueueThatTakesTheNameOfAnotherIsNotOpenedThere) {
  Queue first = Queue::create("/q");
  Queue second = Queue::create("/r");
  second.send("of the second");
  std::filesystem::rename(directory_.path() / "mqxx.r", directory_.path() / "mqxx.q");
  EXPECT_TRUE(fails_with(Errc::queue_damaged, [] { (void)Queue::open("/q"); }));
  EXPECT_EQ(second.receive().text(), "of the second");
  expect_alive(first);
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { first.unlink(); }));
}

TEST_F(Replacement, AFileWithoutAnyRightsGoesOnForWhoHasItAndIsDeniedToOthers) {
  directory_.share_with_everybody();
  Child user([&] {
    become_ordinary_user();
    Queue queue = Queue::create("/q", {.capacity = 10, .message_size = 10'000});
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      ASSERT_EQ(::chmod(entry.path().c_str(), 0), 0);
    }
    // In this process: a child of fork would have to open the file anew to own slots (docs/design.md).
    queue.send(std::string(10'000, 'x'));
    EXPECT_EQ(queue.receive().size(), 10'000U);
    EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)Queue::open("/q"); }));
    queue.unlink();
  });
  expect_well(user);
}

}  // namespace
}  // namespace mqxx::test
