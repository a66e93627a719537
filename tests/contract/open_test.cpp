// Opening, creating, closing and removing.
#include <thread>

#include <sys/stat.h>

#include "contract/backend_contract.hpp"

namespace mqxx::test {
namespace {

TEST_P(BackendContract, CreateGivesTheSizesThatWereAskedFor) {
  MQXX_NEEDS(exact_sizes);
  Queue queue = Queue::create(at(), {.capacity = 7, .message_size = 33});
  EXPECT_TRUE(queue.is_open());
  EXPECT_EQ(queue.attributes().capacity, 7u);
  EXPECT_EQ(queue.attributes().message_size, 33u);
  EXPECT_EQ(queue.attributes().depth, 0u);
  EXPECT_FALSE(queue.attributes().nonblocking);
  EXPECT_EQ(queue.access(), Access::read_write);
}

TEST_P(BackendContract, CreateWithoutOptionsTakesTheDefaults) {
  Queue queue = Queue::create(at());
  const Attributes attributes = queue.attributes();
  if (can().exact_sizes) {
    EXPECT_EQ(attributes.capacity, OpenOptions{}.capacity);
    EXPECT_EQ(attributes.message_size, OpenOptions{}.message_size);
  } else {  // as much of them as this user may have
    EXPECT_LE(attributes.capacity * attributes.message_size, OpenOptions{}.capacity * OpenOptions{}.message_size);
    EXPECT_GE(attributes.capacity, 1u);
  }
}

TEST_P(BackendContract, CreateIsExclusiveByDefault) {
  Queue first = make();
  first.send("kept");
  EXPECT_TRUE(fails_with(Errc::already_exists, [&] { (void)Queue::create(at()); }));
  EXPECT_EQ(drained(first), std::vector<std::string>{"kept"});
}

TEST_P(BackendContract, CreateThatIsNotExclusiveOpensTheExistingQueue) {
  Queue first = make(1, 16);
  first.send("there");
  Queue second = Queue::create(at(), {.capacity = 9, .message_size = 99, .exclusive = false});
  EXPECT_EQ(second.attributes().capacity, 1u);
  EXPECT_EQ(second.attributes().message_size, 16u);
  EXPECT_EQ(second.receive().text(), "there");
}

TEST_P(BackendContract, OpenOrCreateCreatesAMissingQueue) {
  Queue queue = Queue::open_or_create(at(), {.capacity = 1, .message_size = 5});
  EXPECT_EQ(queue.attributes().capacity, 1u);
  EXPECT_EQ(queue.attributes().message_size, 5u);
}

TEST_P(BackendContract, OpenOrCreateKeepsTheSizesOfAnExistingQueue) {
  const Queue first = make(1, 16);
  const Queue second = Queue::open_or_create(at(), {.capacity = 9, .message_size = 99});
  EXPECT_EQ(second.attributes().capacity, 1u);
  EXPECT_EQ(second.attributes().message_size, 16u);
}

TEST_P(BackendContract, OpenOrCreateOfAnExistingQueueDoesNotJudgeTheSizes) {
  const Queue first = make(1, 16);
  const Queue second = Queue::open_or_create(at(), {.capacity = 0, .message_size = 0});
  EXPECT_EQ(second.attributes().capacity, 1u);
}

TEST_P(BackendContract, OpenIgnoresTheSizesInItsOptions) {
  const Queue first = make(1, 16);
  const Queue second = Queue::open(at(), {.capacity = 0, .message_size = 0});
  EXPECT_EQ(second.attributes().capacity, 1u);
  EXPECT_EQ(second.attributes().message_size, 16u);
}

TEST_P(BackendContract, OpenOfAMissingQueueIsNotFoundAndCreatesNothing) {
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(at("missing")); }));
  expect_nothing_left();
}

TEST_P(BackendContract, TwoHandlesOfOneNameAreOneQueue) {
  Queue first = make();
  Queue second = Queue::open(at());
  first.send("from the first");
  EXPECT_EQ(second.receive().text(), "from the first");
  second.send("from the second");
  EXPECT_EQ(first.receive().text(), "from the second");
}

TEST_P(BackendContract, ManyThreadsThatOpenOrCreateGetOneQueue) {
  constexpr int kThreads = 8;
  const std::string address = at();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      Queue queue = Queue::open_or_create(address, {.capacity = kThreads, .message_size = 8});
      queue.send("x");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Queue::open(address).attributes().depth, std::size_t{kThreads});
}

TEST_P(BackendContract, OfManyThreadsThatCreateExactlyOneSucceeds) {
  const std::string address = at();
  std::atomic<int> created{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      std::error_code ec;
      const Queue queue = Queue::create(address, {}, ec);
      EXPECT_EQ(queue.is_open(), !ec);
      if (ec) {
        EXPECT_EQ(ec, Errc::already_exists);
      } else {
        ++created;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, 1);
}

TEST_P(BackendContract, TheTwinsOfOpenAndCreateReportWithoutThrowing) {
  std::error_code ec = stale_code();
  Queue queue = Queue::create(at(), {.capacity = 4, .message_size = 4}, ec);
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_TRUE(queue.is_open());

  ec.clear();
  EXPECT_FALSE(Queue::create(at(), {}, ec).is_open());
  EXPECT_EQ(ec, Errc::already_exists);

  ec = stale_code();
  EXPECT_TRUE(Queue::open(at(), {}, ec).is_open());
  EXPECT_FALSE(ec) << ec.message();

  ec.clear();
  EXPECT_FALSE(Queue::open(at("missing"), {}, ec).is_open());
  EXPECT_EQ(ec, Errc::not_found);

  ec = stale_code();
  EXPECT_TRUE(Queue::open_or_create(at("other"), {}, ec).is_open());
  EXPECT_FALSE(ec) << ec.message();

  ec.clear();
  EXPECT_FALSE(Queue::open_or_create("", {}, ec).is_open());
  EXPECT_EQ(ec, Errc::invalid_name);

  ec = stale_code();
  Queue::unlink(at("other"), ec);
  EXPECT_FALSE(ec) << ec.message();
  Queue::unlink(at("other"), ec);
  EXPECT_EQ(ec, Errc::not_found);
}

// ---- Removing --------------------------------------------------------------------------------------------------

TEST_P(BackendContract, UnlinkRemovesTheNameAtOnce) {
  const Queue queue = make();
  Queue::unlink(at());
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(at()); }));
}

TEST_P(BackendContract, UnlinkOfAMissingQueueIsNotFound) {
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { Queue::unlink(at("missing")); }));
}

TEST_P(BackendContract, AnUnlinkedQueueLivesUntilItIsClosed) {
  MQXX_NEEDS(lives_on);
  Queue first = make();
  Queue second = Queue::open(at());
  first.send("before");
  Queue::unlink(at());
  first.send("after");
  EXPECT_EQ(drained(second), (std::vector<std::string>{"before", "after"}));
}

TEST_P(BackendContract, ANameCanBeCreatedAnewAtOnceAndMeansAnotherQueue) {
  MQXX_NEEDS(lives_on);
  Queue old_queue = make(3, 16);
  old_queue.send("old");
  Queue::unlink(at());
  Queue new_queue = make(5, 32);
  new_queue.send("new");
  EXPECT_EQ(new_queue.attributes().capacity, 5u);
  EXPECT_EQ(old_queue.attributes().capacity, 3u);
  EXPECT_EQ(drained(old_queue), std::vector<std::string>{"old"});
  EXPECT_EQ(drained(new_queue), std::vector<std::string>{"new"});
  old_queue.send("to the old one");
  EXPECT_FALSE(new_queue.try_receive());
}

TEST_P(BackendContract, UnlinkOfAHandleRemovesItsOwnName) {
  Queue queue = make();
  queue.unlink();
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(at()); }));
}

TEST_P(BackendContract, UnlinkOfAHandleWhoseNameIsGoneIsNotFound) {
  Queue queue = make();
  Queue::unlink(at());
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { queue.unlink(); }));
}

TEST_P(BackendContract, UnlinkOfAHandleNeverRemovesAnotherQueueOfItsName) {
  Queue old_queue = make();
  Queue::unlink(at());
  Queue new_queue = make();
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { old_queue.unlink(); }));
  new_queue.send("still there");
  EXPECT_EQ(Queue::open(at()).receive().text(), "still there");
  new_queue.unlink();
}

TEST_P(BackendContract, MessagesOutliveEveryHandle) {
  make().send("persistent", 7);
  Queue queue = Queue::open(at());
  const Message message = queue.receive();
  EXPECT_EQ(message.text(), "persistent");
  EXPECT_EQ(message.priority(), 7u);
}

TEST_P(BackendContract, NothingIsLeftInTheDirectoryAfterUnlinkAndClose) {
  for (int i = 0; i < 3; ++i) {
    Queue queue = make();
    queue.send("x");
    queue.unlink();
  }
  expect_nothing_left();
}

TEST_P(BackendContract, AQueueCanBeOpenedAndClosedAThousandTimes) {
  Queue queue = make();
  for (int i = 0; i < 1000; ++i) {
    Queue other = Queue::open(at());
    other.send(std::to_string(i));
    ASSERT_EQ(queue.receive().text(), std::to_string(i));
  }
}

// ---- Handles ---------------------------------------------------------------------------------------------------

TEST_P(BackendContract, AMovedHandleIsTheSameQueueAndLeavesAClosedOne) {
  Queue first = make();
  first.send("kept");
  Queue second = std::move(first);
  EXPECT_FALSE(first.is_open());  // NOLINT(bugprone-use-after-move): that state is a promise
  EXPECT_TRUE(second.is_open());
  EXPECT_TRUE(fails_with(Errc::closed, [&] { first.send("x"); }));
  first = std::move(second);
  EXPECT_EQ(first.receive().text(), "kept");
}

TEST_P(BackendContract, CloseClosesThisHandleOnly) {
  Queue first = make();
  Queue second = Queue::open(at());
  Queue third = first.duplicate();
  first.close();
  first.close();
  EXPECT_FALSE(first.is_open());
  second.send("x");
  EXPECT_EQ(third.receive().text(), "x");
}

TEST_P(BackendContract, ADuplicateSharesNonblockingWithItsOrigin) {
  Queue first = make();
  Queue second = first.duplicate();
  second.set_nonblocking(true);
  EXPECT_TRUE(first.is_nonblocking());
  EXPECT_TRUE(first.attributes().nonblocking);
  first.set_nonblocking(false);
  EXPECT_FALSE(second.is_nonblocking());
}

TEST_P(BackendContract, AnotherOpenHasANonblockingOfItsOwn) {
  Queue first = make();
  Queue second = Queue::open(at(), {.nonblocking = true});
  EXPECT_TRUE(second.is_nonblocking());
  EXPECT_FALSE(first.is_nonblocking());
  first.set_nonblocking(true);
  second.set_nonblocking(false);
  EXPECT_TRUE(first.is_nonblocking());
  EXPECT_FALSE(second.is_nonblocking());
}

TEST_P(BackendContract, CreateCanMakeANonblockingHandle) {
  const Queue queue = Queue::create(at(), {.nonblocking = true});
  EXPECT_TRUE(queue.is_nonblocking());
  EXPECT_TRUE(queue.attributes().nonblocking);
}

TEST_P(BackendContract, ADuplicateKeepsAccessAndName) {
  const Queue queue = make();
  const Queue reader = Queue::open(at(), {.access = Access::read_only});
  const Queue copy = reader.duplicate();
  EXPECT_EQ(copy.access(), Access::read_only);
  EXPECT_EQ(copy.name(), reader.name());
}

TEST_P(BackendContract, EveryCallOnAClosedHandleSaysClosed) {
  Queue queue = make();
  queue.close();
  EXPECT_EQ(queue.name(), "");
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)queue.duplicate(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { queue.unlink(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)queue.attributes(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)queue.statistics(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { (void)queue.peek(); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { queue.set_nonblocking(true); }));
  EXPECT_TRUE(fails_with(Errc::closed, [&] { drained(queue); }));

  std::error_code ec;
  (void)queue.attributes(ec);
  EXPECT_EQ(ec, Errc::closed);
  ec.clear();
  (void)queue.statistics(ec);
  EXPECT_EQ(ec, Errc::closed);
  ec.clear();
  (void)queue.peek(1, ec);
  EXPECT_EQ(ec, Errc::closed);
  ec.clear();
  queue.set_nonblocking(true, ec);
  EXPECT_EQ(ec, Errc::closed);
}

TEST_P(BackendContract, AHandleThatWasNeverOpenedIsClosed) {
  Queue queue;
  EXPECT_FALSE(queue.is_open());
  EXPECT_EQ(queue.name(), "");
  EXPECT_TRUE(fails_with(Errc::closed, [&] { queue.send("x"); }));
}

TEST_P(BackendContract, ModeIsWhatWasAskedForLessTheUmask) {
  const mode_t before = ::umask(022);
  const Queue queue = Queue::create(at(), {.mode = 0666});
  ::umask(before);
  EXPECT_EQ(describe(at()).mode, 0644u);
}

}  // namespace
}  // namespace mqxx::test
