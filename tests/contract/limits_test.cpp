// mqxx::limits: what it says is so.
#include <algorithm>
#include <set>

#include <sys/resource.h>
#include <unistd.h>

#include "contract/backend_contract.hpp"
#include "support/child.hpp"

namespace mqxx::test {
namespace {

/// nullptr where this system has no such limit.
const Limit* find(const std::vector<Limit>& all, std::string_view home, std::string_view what) {
  const auto same = [&](const Limit& limit) { return limit.home == home && limit.what == what; };
  const auto found = std::ranges::find_if(all, same);
  return found == all.end() ? nullptr : &*found;
}

TEST(Limits, HaveOneNameEachAndSayWhatTheyAre) {
  const PrivateDirectory directory;
  std::set<std::string> seen;
  for (const Limit& limit : limits()) {
    EXPECT_TRUE(seen.insert(limit.home + ' ' + limit.what).second) << limit.home << ' ' << limit.what;
    EXPECT_NE(limit.meaning, "");
    EXPECT_NE(limit.unit, "");
    EXPECT_TRUE(limit.symbol.starts_with('E')) << limit.symbol;
    EXPECT_TRUE(limit.error);
    EXPECT_EQ(limit.setting.empty(), limit.remedy.empty()) << limit.what << ": what can be set can be raised";
  }
}

TEST(Limits, OfSharedMemoryAreThoseThatCreationHas) {
  const PrivateDirectory directory;
  const std::vector<Limit> all = limits();
  const Limit* const capacity = find(all, "/", "capacity");
  ASSERT_NE(capacity, nullptr);
  EXPECT_EQ(capacity->most, kMaxCapacity);
  EXPECT_TRUE(fails_with(Errc::invalid_capacity, [&] {
    (void)Queue::create("/q", {.capacity = static_cast<std::size_t>(*capacity->most) + 1});
  }));
  EXPECT_EQ(capacity->error, make_error_code(Errc::invalid_capacity));
}

TEST(Limits, OfMemoryCountWhatAQueueOccupies) {
  const PrivateDirectory directory;
  const std::vector<Limit> all = limits();
  const Limit* const memory = find(all, "/", "memory");
  ASSERT_NE(memory, nullptr);
  ASSERT_TRUE(memory->most && memory->used);
  EXPECT_LE(*memory->used, *memory->most);
}

TEST(Limits, OfTheProcessFollowIt) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit lower{1 << 20, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &lower), 0);
  const std::vector<Limit> all = limits();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  const Limit* const file = find(all, "/", "file_bytes");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->most, std::uint64_t{1} << 20);
}

TEST_P(BackendContract, AQueueCountsAgainstTheLimitOfQueuesAndOfBytes) {
  const std::vector<Limit> now = limits();
  const Limit* const known = find(now, home().prefix, "queues");
  if (known == nullptr || !known->used) GTEST_SKIP() << "nobody counts the queues of this home here";
  if (!home().tag.empty() && home().can.names) GTEST_SKIP() << "others may create queues meanwhile";
  // The kernel counts by the real user, which the tests have changed, and queues belong to the effective one.
  Child child([&] {
    ASSERT_EQ(::setreuid(::geteuid(), static_cast<uid_t>(-1)), 0);
    const std::vector<Limit> before = limits();
    const Queue queue = make(2, 64);
    const std::vector<Limit> after = limits();
    const auto used = [&](const std::vector<Limit>& all, const char* what) {
      return *find(all, home().prefix, what)->used;
    };
    if (home().can.names) {
      EXPECT_EQ(used(after, "queues"), used(before, "queues") + 1);
    }
    if (find(before, home().prefix, "user_bytes") == nullptr) return;
    constexpr std::uint64_t kCharge = 2 * (64 + 48) + 2 * 48;  // as the kernel computes it
    EXPECT_EQ(used(after, "user_bytes"), used(before, "user_bytes") + kCharge);
    const std::string line = queue.name() + ": 2 x (64 + 48) + 2 x 48 = 320";
    EXPECT_EQ(std::ranges::count(find(after, home().prefix, "user_bytes")->sum, line), 1);
  });
  expect_well(child);
  (void)at();  // removed after the test
}

}  // namespace
}  // namespace mqxx::test
