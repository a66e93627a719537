// Random calls in one thread, on a queue and on the model: the same answers, thousands of times.
#include <gtest/gtest.h>

#include "model/schedule.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

class AgainstTheModel : public testing::TestWithParam<Setting> {
 private:
  PrivateDirectory directory_;
  Watchdog watchdog_{std::chrono::seconds(100)};
};

TEST_P(AgainstTheModel, ScheduleOfAFixedSeedGivesTheSameAnswers) { Schedule(GetParam(), fixed_seed(20240229)).run(); }

TEST_P(AgainstTheModel, ScheduleOfAFreshSeedGivesTheSameAnswers) { Schedule(GetParam(), fresh_seed()).run(); }

std::string setting_name(const testing::TestParamInfo<Setting>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Settings, AgainstTheModel,
    testing::Values(Setting{"OneMessage", 1, 64, Priorities::few, scaled(30000)},
                    Setting{"TwoMessages", 2, 1, Priorities::extremes, scaled(30000)},
                    Setting{"TenOfOnePriority", 10, 100, Priorities::one, scaled(50000)},
                    Setting{"ThreeHundredOfOnePriority", 300, 40, Priorities::one, scaled(30000)},
                    Setting{"TenOfFewPriorities", 10, 100, Priorities::few, scaled(50000)},
                    Setting{"TenOfAllPriorities", 10, 100, Priorities::all, scaled(50000)},
                    Setting{"AWordOfThemAndOne", 65, 33, Priorities::extremes, scaled(30000)},
                    Setting{"AThousandOfAllPriorities", 1000, 48, Priorities::all, scaled(50000)},
                    Setting{"AThousandOfRisingPriorities", 1000, 48, Priorities::rising, scaled(30000)},
                    Setting{"FiveThousandOfFewPriorities", 5000, 16, Priorities::few, scaled(50000)},
                    Setting{"LargeMessages", 20, 20000, Priorities::few, scaled(10000)},
                    Setting{"VeryLargeMessages", 4, 1 << 20, Priorities::all, scaled(400)}),
    setting_name);

}  // namespace
}  // namespace mqxx::test
