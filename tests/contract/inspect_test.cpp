// list, describe and check: looking without taking part.
#include <algorithm>
#include <fstream>
#include <iterator>

#include <unistd.h>

#include "contract/backend_contract.hpp"
#include "support/child.hpp"

namespace mqxx::test {
namespace {

TEST_P(BackendContract, ListIsEmptyWhereThereAreNoQueues) {
  MQXX_NEEDS(listing);
  EXPECT_TRUE(listed().empty());
}

TEST_P(BackendContract, ListShowsEveryQueueByName) {
  MQXX_NEEDS(listing);
  const Queue b = make(2, 8, "b");
  const Queue c = make(3, 8, "c");
  const Queue a = make(1, 8, "a");
  const std::vector<QueueInfo> infos = listed();
  ASSERT_EQ(infos.size(), 3u);
  EXPECT_TRUE(std::ranges::is_sorted(infos, {}, &QueueInfo::name));
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string address = at(std::string(1, static_cast<char>('a' + i)));
    const auto found = std::ranges::find(infos, address, &QueueInfo::name);
    ASSERT_NE(found, infos.end()) << address;
    EXPECT_EQ(found->attributes.capacity * found->attributes.message_size, (i + 1) * 8);
    EXPECT_FALSE(found->error);
  }
}

TEST_P(BackendContract, NamesAreThoseOfTheListAndSorted) {
  MQXX_NEEDS(listing);
  const Queue b = make(2, 8, "b");
  const Queue a = make(1, 8, "a");
  std::vector<std::string> listed_names;
  for (const QueueInfo& info : list(home().prefix)) listed_names.push_back(info.name);
  const std::vector<std::string> found = names(home().prefix);
  EXPECT_EQ(std::ranges::count(found, a.name()), 1);
  EXPECT_EQ(std::ranges::count(found, b.name()), 1);
  EXPECT_TRUE(std::ranges::is_sorted(found));
  // Other programs may create and remove queues of the kernel between the two looks.
  if (home().tag.empty()) {
    EXPECT_EQ(found, listed_names);
  }
}

TEST_P(BackendContract, NobodyIsRegisteredInANewQueue) {
  const Queue queue = make();
  const RegistrationInfo registration = describe(at()).registration;
  EXPECT_EQ(registration.how, RegistrationInfo::How::nobody);
  EXPECT_EQ(registration.pid, 0);
}

TEST_P(BackendContract, UsersHaveTheNamesOfTheirPrograms) {
  MQXX_NEEDS(users);
  const Queue queue = make();
  const QueueInfo info = describe(at());
  ASSERT_EQ(info.commands.size(), 1u);
  std::string own;
  if (can().commands) std::getline(std::ifstream("/proc/self/comm"), own);
  EXPECT_EQ(info.commands[0], own);
}

TEST_P(BackendContract, AnUnlinkedQueueIsNotListed) {
  MQXX_NEEDS(listing);
  Queue queue = make();
  queue.unlink();
  EXPECT_TRUE(listed().empty());
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)describe(at()); }));
}

TEST_P(BackendContract, DescribeTellsEverythingAboutAQueue) {
  Queue queue = Queue::create(at(), {.capacity = 1, .message_size = 100, .mode = 0600});
  queue.send("12345", 3);
  (void)queue.receive();
  queue.send("678");
  const QueueInfo info = describe(at());
  EXPECT_EQ(info.name, queue.name());
  EXPECT_EQ(info.uid, ::geteuid());
  EXPECT_EQ(info.gid, ::getegid());
  EXPECT_EQ(info.mode, 0600u);
  EXPECT_FALSE(info.error) << info.error.message();
  EXPECT_EQ(info.attributes.capacity, 1u);
  EXPECT_EQ(info.attributes.message_size, 100u);
  EXPECT_EQ(info.attributes.depth, 1u);
  EXPECT_EQ(info.queued_bytes, 3u);
  MQXX_NEEDS(statistics);
  EXPECT_TRUE(info.counted);
  EXPECT_GT(info.memory_bytes, 0u);
  EXPECT_EQ(info.statistics.messages_sent, 2u);
  EXPECT_EQ(info.statistics.messages_received, 1u);
  EXPECT_EQ(info.users, std::vector<std::int32_t>{::getpid()});
}

TEST_P(BackendContract, DescribeTakesNothingAndChangesNothing) {
  Queue queue = make();
  queue.send("x");
  (void)describe(at());
  if (can().listing) (void)listed();
  if (can().check) (void)check(at());
  EXPECT_EQ(queue.attributes().depth, 1u);
  MQXX_NEEDS(statistics);
  EXPECT_EQ(queue.statistics().messages_received, 0u);
  EXPECT_EQ(queue.statistics().last_receiver_pid, 0);
  EXPECT_EQ(describe(at()).users, std::vector<std::int32_t>{::getpid()});
}

TEST_P(BackendContract, UsersAreTheProcessesThatHaveTheQueueOpen) {
  MQXX_NEEDS(users);
  Queue queue = make();
  Queue steps = make(1, 8, "steps");
  Queue answers = make(1, 8, "answers");
  Child child([&] {
    {
      const Queue own = Queue::open(at());
      answers.send("open");
      (void)steps.receive();
    }
    answers.send("closed");
    (void)steps.receive();
  });
  (void)answers.receive();
  std::vector<std::int32_t> expected{::getpid(), child.pid()};
  std::vector<std::int32_t> users = describe(at()).users;
  std::ranges::sort(expected);
  std::ranges::sort(users);
  EXPECT_EQ(users, expected);
  steps.send("go on");
  steps.send("go on");
  expect_well(child);
  EXPECT_EQ(describe(at()).users, std::vector<std::int32_t>{::getpid()});
}

TEST_P(BackendContract, AProcessWithSeveralHandlesIsOneUser) {
  MQXX_NEEDS(users);
  const Queue first = make();
  const Queue second = Queue::open(at());
  const Queue third = second.duplicate();
  EXPECT_EQ(describe(at()).users, std::vector<std::int32_t>{::getpid()});
}

TEST_P(BackendContract, AQueueThatNobodyHasOpenHasNoUsers) {
  MQXX_NEEDS(users);
  make().send("x");
  EXPECT_TRUE(describe(at()).users.empty());
  EXPECT_EQ(describe(at()).attributes.depth, 1u);
}

TEST_P(BackendContract, DescribeAndCheckOfAMissingQueueAreNotFound) {
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)describe(at("missing")); }));
  MQXX_NEEDS(check);
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)check(at("missing")); }));
}

TEST_P(BackendContract, CheckFindsNothingInAHealthyQueueWhateverWasDoneToIt) {
  MQXX_NEEDS(check);
  Queue queue = make(4, 100);
  EXPECT_EQ(broken_invariants(at()), "");
  send_numbers(queue, 4, 9);
  EXPECT_EQ(broken_invariants(at()), "");
  (void)queue.receive();
  EXPECT_EQ(broken_invariants(at()), "");
  SendLoan sending = queue.loan(50);
  ReceiveLoan receiving = queue.receive_loan();
  EXPECT_EQ(broken_invariants(at()), "");
  sending.send();
  receiving.put_back();
  EXPECT_EQ(broken_invariants(at()), "");
  EXPECT_EQ(drained(queue).size(), 4u);
  EXPECT_EQ(broken_invariants(at()), "");
  queue.close();
  EXPECT_EQ(broken_invariants(at()), "");
}

TEST_P(BackendContract, ManyThousandMessagesLaterTheQueueOccupiesNoMoreThanItsRoom) {
  MQXX_NEEDS(statistics);
  Queue queue = make(10, 1000);
  fill(queue);
  const std::uint64_t full = describe(at()).memory_bytes;
  for (int i = 0; i < 10000; ++i) {
    (void)queue.receive();
    queue.send("x", static_cast<Priority>(i % 10));
  }
  EXPECT_LE(describe(at()).memory_bytes, full);
}

// Memory grows with what was queued, not with capacity times size (here 16 GB).
TEST_P(BackendContract, AnEmptyQueueOfManyLargeMessagesOccupiesLittle) {
  MQXX_NEEDS(statistics);
  const Queue queue = make(1 << 14, 1 << 20);
  EXPECT_LT(describe(at()).memory_bytes, std::uint64_t{1} << 20);
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(List, ChangesNoByteOfAQueue) {
  const Watchdog watchdog{std::chrono::seconds(50)};
  const PrivateDirectory directory;
  Queue queue = Queue::create("/q", {.capacity = 4, .message_size = 8});
  queue.send("x", 3);
  queue.close();
  const std::string before = contents(directory.queue_file());
  EXPECT_EQ(list().at(0).attributes.depth, 1u);
  EXPECT_TRUE(contents(directory.queue_file()) == before);
}

TEST(Names, OfQueuesWhoseFilesAreNamedByAHashAreWhole) {
  const PrivateDirectory directory;
  const std::string name = '/' + std::string(255, 'n');
  const Queue queue = Queue::create(name);
  EXPECT_EQ(names(), std::vector<std::string>{name});
}

TEST(LayoutOfAFile, HasItsRegionsInOrderWithoutOverlapUpToItsEnd) {
  for (const auto& [capacity, message_size] : {std::pair{1, 1}, {10, 64}, {10, 8192}, {100000, 4064}}) {
    const Layout found = layout(static_cast<std::size_t>(capacity), static_cast<std::size_t>(message_size));
    std::uint64_t end = 0;
    for (const Region& region : found.regions) {
      EXPECT_GE(region.offset, end) << region.name;
      EXPECT_LT(region.offset - end, 4096u) << region.name << ": no gap but for alignment";
      end = region.offset + region.size;
    }
    EXPECT_EQ(end, found.file_bytes);
  }
}

TEST(LayoutOfAFile, IsThatOfTheFile) {
  const PrivateDirectory directory;
  const Queue queue = Queue::create("/q", {.capacity = 17, .message_size = 300});
  EXPECT_EQ(std::filesystem::file_size(directory.queue_file()), layout(17, 300).file_bytes);
}

TEST(LayoutOfAFile, OfImpossibleSizesIsRefused) {
  EXPECT_TRUE(fails_with(Errc::invalid_capacity, [] { (void)layout(0, 1); }));
  EXPECT_TRUE(fails_with(Errc::invalid_message_size, [] { (void)layout(1, 0); }));
  EXPECT_TRUE(fails_with(Errc::queue_too_large, [] { (void)layout(kMaxCapacity, kMaxMessageSize); }));
}

TEST_P(BackendContract, TheQueueDirectoryIsTheOneOfTheEnvironment) {
  EXPECT_EQ(queue_directory(), directory_.path().string());
}

}  // namespace
}  // namespace mqxx::test
