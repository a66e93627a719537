// Thousands of queues in one loop.
#include <memory>

#include <sys/resource.h>

#include "loop/loop_test.hpp"
#include "support/seed.hpp"

namespace mqxx::test {
namespace {

constexpr std::size_t kDescriptorsEach = 4;  // more than a queue needs

/// As many as the test wants or the system allows.
std::size_t allowed(std::size_t queues) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlim_t wanted = queues * kDescriptorsEach + 100;
  if (files.rlim_cur < wanted) {
    files.rlim_cur = std::min<rlim_t>(wanted, files.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &files);
  }
  return files.rlim_cur < wanted ? (files.rlim_cur - 100) / kDescriptorsEach : queues;
}

TEST_F(LoopTest, ThousandsOfQueuesAreToldApartAndAllOfThemAreServed) {
  constexpr std::size_t kFewest = 300;  // more than are told of in one turn
  const std::size_t count = allowed(static_cast<std::size_t>(scaled(2000)));
  if (count < kFewest) GTEST_SKIP() << "RLIMIT_NOFILE leaves room for " << count << " queues, this needs " << kFewest;
  std::vector<Queue> queues;
  std::vector<std::string> received(count);
  std::vector<Watch> watches(count);
  for (std::size_t i = 0; i < count; ++i) {
    queues.push_back(Queue::create("/many" + std::to_string(i), {.capacity = 4, .message_size = 16}));
    queues.back().unlink();
    watches[i] = loop_.on_message(queues[i], [&, i](const Message& message) { received[i] += message.text(); });
  }

  Random random(fresh_seed());
  for (int round = 0; round < 20; ++round) {
    const std::size_t one = random.below(count);
    queues[one].send("x");
    loop_.run_for(0ms);
    EXPECT_EQ(received[one], "x");
    received[one].clear();
  }

  for (Queue& queue : queues) queue.send("y");
  for (std::size_t turns = 0; turns < count; ++turns) loop_.run_for(0ms);
  EXPECT_EQ(received, std::vector<std::string>(count, "y")) << "also those that found no room in the first turns";

  queues.clear();
  for (std::size_t i = 0; i < count; i += 2) watches[i].cancel();
  EXPECT_EQ(loop_.run_for(0ms), LoopEnded::timed_out);
}

}  // namespace
}  // namespace mqxx::test
