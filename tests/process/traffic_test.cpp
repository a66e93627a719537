// Many processes, one queue: every message arrives exactly once, whole, and in order within its producer and priority.
#include "process/traffic.hpp"

#include <gtest/gtest.h>

#include "support/queue_test.hpp"

namespace mqxx::test {

void PrintTo(const Traffic& traffic, std::ostream* out);
void PrintTo(const Traffic& traffic, std::ostream* out) { *out << traffic.name; }

namespace {

constexpr std::size_t kSmall = 64;
constexpr std::size_t kPages = 64 << 10;
constexpr std::size_t kHuge = 1 << 20;

class ProcessTraffic : public testing::TestWithParam<Traffic> {
 private:
  PrivateDirectory directory_;
  Watchdog watchdog_{std::chrono::seconds(110)};
};

TEST_P(ProcessTraffic, EveryMessageArrivesExactlyOnceWholeAndInOrder) { run_traffic(GetParam()); }

std::string traffic_name(const testing::TestParamInfo<Traffic>& info) { return info.param.name; }

Traffic traffic(std::string name, std::size_t capacity, std::size_t message_size, std::uint32_t producers,
                std::uint32_t consumers, int messages, By by = By::call, bool fork_before_open = true) {
  return {.name = std::move(name),
          .capacity = capacity,
          .message_size = message_size,
          .producers = producers,
          .consumers = consumers,
          .messages = static_cast<std::uint64_t>(scaled(messages)),
          .by = by,
          .fork_before_open = fork_before_open};
}

INSTANTIATE_TEST_SUITE_P(Settings, ProcessTraffic,
                         testing::Values(traffic("OneToOneThroughOne", 1, kSmall, 1, 1, 40000),
                                         traffic("OneToOneThroughTen", 10, kSmall, 1, 1, 400000),
                                         traffic("FourToFourThroughOne", 1, kSmall, 4, 4, 8000),
                                         traffic("FourToFourThroughTen", 10, kSmall, 4, 4, 80000),
                                         traffic("FourToFourThroughAThousand", 1000, kSmall, 4, 4, 160000),
                                         traffic("EightToOneThroughTen", 10, kSmall, 8, 1, 40000),
                                         traffic("OneToEightThroughTen", 10, kSmall, 1, 8, 200000),
                                         traffic("InheritedHandles", 10, kSmall, 3, 3, 80000, By::call, false),
                                         traffic("BatchesThroughTen", 10, kSmall, 3, 3, 120000, By::batch),
                                         traffic("BatchesThroughAThousand", 1000, kSmall, 3, 3, 240000, By::batch),
                                         traffic("LoansThroughOne", 1, kSmall, 2, 2, 12000, By::loan),
                                         traffic("LoansThroughTen", 10, kSmall, 3, 3, 80000, By::loan),
                                         traffic("PagesThroughTen", 10, kPages, 3, 3, 4000),
                                         traffic("PagesThroughOne", 1, kPages, 2, 2, 2000),
                                         traffic("PagesInBatches", 40, kPages, 2, 2, 4000, By::batch),
                                         traffic("PagesInLoansInherited", 10, kPages, 2, 2, 4000, By::loan, false),
                                         traffic("HugeThroughTen", 10, kHuge, 2, 2, 240),
                                         traffic("HugeThroughOneInherited", 1, kHuge, 2, 2, 160, By::call, false),
                                         traffic("HugeLoans", 3, kHuge, 2, 2, 240, By::loan)),
                         traffic_name);

}  // namespace
}  // namespace mqxx::test
