// No memory: the k-th allocation of an operation fails, for every k until it succeeds. no_memory, nothing half done,
// and never the end of the program.
#include <functional>
#include <new>

#include <gtest/gtest.h>

#include "faults/allocation.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

class NoMemory : public QueueTest {
 protected:
  /// Runs `call` with ever more allocations allowed, until none fails. Each time it must succeed, or say no_memory, or
  /// throw std::bad_alloc where its result is the caller's own object; then `after` looks at what is left.
  static void fail_each(
      const char* what, const std::function<std::error_code()>& call, const std::function<void()>& after = [] {}) {
    constexpr long kMost = 1000;
    long count = 0;
    for (; count < kMost; ++count) {
      SCOPED_TRACE(testing::Message() << what << ", allocation " << count + 1);
      std::error_code code;
      bool failed = false;
      {
        const Allocations limited(count);
        try {
          code = call();
        } catch (const std::bad_alloc&) {
          code = make_error_code(Errc::no_memory);
        }
        failed = limited.failed();
      }
      if (!failed) {
        EXPECT_FALSE(code) << code.message();
        return;
      }
      if (code) {
        EXPECT_EQ(code, Errc::no_memory) << code.message();
        after();
      }
    }
    FAIL() << what << " never succeeds";
  }
};

// Names that no short string holds.
constexpr const char* kName = "/a-name-of-a-queue-that-is-longer-than-what-fits-a-short-string";

TEST_F(NoMemory, CreatingFailsAndLeavesNothing) {
  // What a first opening of the process does once is done.
  Queue::create("/first").unlink();
  fail_each(
      "create",
      [] {
        std::error_code ec;
        const Queue queue = Queue::create(kName, {.exclusive = false}, ec);
        return ec;
      },
      [this] {
        EXPECT_EQ(directory_.file_count(), 0U);
        std::error_code ec;
        Queue::unlink(kName, ec);
      });
  Queue::unlink(kName);
}

TEST_F(NoMemory, OpeningFailsAndTheQueueStaysUsable) {
  Queue queue = Queue::create(kName);
  queue.send("x");
  fail_each("open", [] {
    std::error_code ec;
    const Queue again = Queue::open(kName, {}, ec);
    return ec;
  });
  EXPECT_EQ(broken_invariants(kName), "");
  EXPECT_EQ(queue.receive().text(), "x");
}

TEST_F(NoMemory, UnlinkingFailsAndCanBeDoneAgain) {
  Queue queue = Queue::create(kName);
  fail_each("unlink", [] {
    std::error_code ec;
    Queue::unlink(kName, ec);
    // What was removed before memory ended is removed.
    return ec == Errc::not_found ? std::error_code() : ec;
  });
  EXPECT_TRUE(fails_with(Errc::not_found, [] { (void)Queue::open(kName); }));
}

TEST_F(NoMemory, ReceivingFailsAndTheMessageStays) {
  Queue queue = Queue::create(kName);
  queue.send(std::string(500, 'x'));
  fail_each(
      "receive",
      [&] {
        std::error_code ec;
        (void)queue.try_receive(ec);
        return ec;
      },
      [&] { EXPECT_EQ(queue.attributes().depth, 1U); });
  EXPECT_EQ(queue.attributes().depth, 0U);
}

TEST_F(NoMemory, SendingAndReceivingIntoABufferNeedNone) {
  Queue queue = Queue::create(kName, {.capacity = 100, .message_size = 10'000});
  std::vector<std::byte> buffer = buffer_for(queue);
  const std::string text(10'000, 'x');
  const Allocations none(0);
  for (Priority priority = 0; priority < 10; ++priority) queue.send(text, priority);
  for (int i = 0; i < 10; ++i) (void)queue.receive(buffer);
  queue.loan(10'000).send();
  queue.receive_loan().release();
  EXPECT_FALSE(none.failed());
}

TEST_F(NoMemory, LookingFailsAndChangesNothing) {
  Queue queue = Queue::create(kName);
  queue.send("x");
  fail_each("peek", [&] {
    std::error_code ec;
    (void)queue.peek(10, ec);
    return ec;
  });
  const auto as_code = [](const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    return std::error_code();
  };
  fail_each("check", [&] { return as_code([] { (void)check(kName); }); });
  fail_each("describe", [&] { return as_code([] { (void)describe(kName); }); });
  fail_each("list", [&] { return as_code([] { (void)list(); }); });
  EXPECT_EQ(broken_invariants(kName), "");
}

TEST_F(NoMemory, ClosingTheLastOfARemovedQueueNeedsNoneToBeSafe) {
  for (long count = 0; count < 20; ++count) {
    Queue queue = Queue::create(kName);
    queue.unlink();
    const Allocations limited(count);
    queue.close();
  }
}

}  // namespace
}  // namespace mqxx::test
