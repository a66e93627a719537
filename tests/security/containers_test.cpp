// Processes of different containers share a directory, and nothing else: each is process 1 of its own PID namespace, so
// their TIDs are equal, and none can ask after another by number.
#include <atomic>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/container.hpp"
#include "support/queue_test.hpp"
#include "support/seed.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

class Containers : public QueueTest {
 protected:
  void SetUp() override {
    if (!can_contain()) GTEST_SKIP() << "namespaces can be made by root only, and not everywhere";
  }
};

TEST_F(Containers, PassMessagesBothWays) {
  Queue there = Queue::create("/there", {.capacity = 4, .message_size = 64});
  Queue back = Queue::create("/back", {.capacity = 4, .message_size = 64});
  Child container = in_container([] {
    ASSERT_EQ(::getpid(), 1);
    Queue in = Queue::open("/there");
    Queue out = Queue::open("/back");
    for (int i = 0; i < 100; ++i) out.send(in.receive().text());
  });
  for (int i = 0; i < 100; ++i) {
    there.send(std::to_string(i));
    ASSERT_EQ(back.receive().text(), std::to_string(i));
  }
  expect_well(container);
}

TEST_F(Containers, LoanOfOneThatDiedComesBackToOneWhoseProcessHasTheSameNumber) {
  Queue queue = Queue::create("/q", {.capacity = 1, .message_size = 8});
  Child holder = in_container([] {
    Queue own = Queue::open("/q");
    const SendLoan loan = own.loan(1);
    for (;;) ::pause();
  });
  wait_until([&] { return queue.statistics().loans == 1; });
  Child heir = in_container([] {
    Queue own = Queue::open("/q");
    EXPECT_FALSE(own.try_send("x")) << "its owner lives";
    EXPECT_TRUE(own.send_for("x", 30s));
  });
  wait_until([&] { return queue.statistics().waiting_senders == 1; });
  holder.kill();
  expect_well(heir);
}

TEST_F(Containers, ReceiverAsleepInOneIsWokenFromAnother) {
  Queue queue = Queue::create("/q", {.capacity = 1, .message_size = 8});
  Child sleeper = in_container([] { EXPECT_EQ(Queue::open("/q").receive().text(), "wake"); });
  wait_until([&] { return queue.statistics().waiting_receivers == 1; });
  Child waker = in_container([] { Queue::open("/q").send("wake"); });
  expect_well(waker);
  expect_well(sleeper);
}

/// What each worker sent and was told that it was sent, and how often each message came.
struct Books {
  static constexpr std::uint32_t kWorkers = 2;
  static constexpr std::uint32_t kMost = 4'000'000;
  SharedArray<std::atomic<std::uint32_t>> sent{kWorkers};
  SharedArray<std::atomic<std::uint8_t>> came{std::size_t{kWorkers} * kMost};
  SharedArray<std::atomic<std::uint32_t>> stop{1};
};

constexpr std::uint32_t kVictim = Books::kWorkers;  // whose messages are not counted, since it is killed

std::string stamp(std::uint32_t worker, std::uint32_t number) {
  return std::to_string(worker) + ' ' + std::to_string(number);
}

void enter(const Books& books, const std::string& text) {
  std::uint32_t worker = 0;
  std::uint32_t number = 0;
  ASSERT_EQ(std::sscanf(text.c_str(), "%u %u", &worker, &number), 2) << "torn: " << text;
  if (worker == kVictim) return;
  ASSERT_LT(worker, Books::kWorkers);
  ASSERT_LT(number, Books::kMost);
  EXPECT_EQ(books.came[std::size_t{worker} * Books::kMost + number].fetch_add(1), 0) << "doubled: " << text;
}

void work(const Books& books, std::uint32_t worker) {
  Queue queue = Queue::open("/q");
  std::uint32_t next = 0;
  while (books.stop[0].load() == 0) {
    if (next < Books::kMost && queue.try_send(stamp(worker, next), next % 3)) books.sent[worker].store(++next);
    if (const std::optional<Message> message = queue.try_receive()) enter(books, text_of(*message));
  }
}

// The death of one that has the number of a lock's owner must not be taken for the owner's: then two would be inside at
// once, and messages be lost, doubled or torn.
TEST_F(Containers, DeathsOfSendersWhoShareTheirNumberWithTheOwnerLoseNothing) {
  constexpr int kKills = 60;
  Random random(fresh_seed());
  Queue queue = Queue::create("/q", {.capacity = 8, .message_size = 32});
  const Books books;
  std::vector<Child> workers;
  for (std::uint32_t i = 0; i < Books::kWorkers; ++i) workers.push_back(in_container([&, i] { work(books, i); }));
  for (int i = 0; i < kKills; ++i) {
    Child victim = in_container([] {
      Queue own = Queue::open("/q");
      for (std::uint32_t n = 0;; ++n) (void)own.try_send(stamp(kVictim, n));
    });
    ::usleep(static_cast<useconds_t>(10'000 + random.below(20'000)));
    victim.kill();
  }
  books.stop[0].store(1);
  for (Child& worker : workers) expect_well(worker);
  while (const std::optional<Message> message = queue.try_receive()) enter(books, text_of(*message));
  EXPECT_EQ(broken_invariants("/q"), "");
  std::uint64_t missing = 0;
  std::uint64_t messages = 0;
  for (std::uint32_t worker = 0; worker < Books::kWorkers; ++worker) {
    messages += books.sent[worker].load();
    for (std::uint32_t n = 0; n < books.sent[worker].load(); ++n) {
      if (books.came[std::size_t{worker} * Books::kMost + n].load() == 0) ++missing;
    }
  }
  EXPECT_EQ(missing, 0U) << "of " << messages;
  EXPECT_GT(messages, 0U);
  RecordProperty("messages", std::to_string(messages));
  RecordProperty("recoveries", std::to_string(queue.statistics().recoveries));
}

}  // namespace
}  // namespace mqxx::test
