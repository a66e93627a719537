// A sample of what mqxx-crash does in full: deaths at random instructions, the same operations and the same questions.
// And proof that these questions have teeth: faults that are planted must be found.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <functional>
#include <iostream>
#include <set>
#include <span>
#include <string>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "campaign.hpp"
#include "support/seed.hpp"
#include "tracer.hpp"

namespace mqxx::crash {
namespace {

constexpr std::size_t kKills = 12;
constexpr std::size_t kKillsBesideSleepers = 5;  // for each may have to look up by itself

bool may_trace() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string test_name(const Operation& operation) {
  std::string name;
  bool begins = true;
  for (const char c : operation.name) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (letter) name += begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    begins = !letter;
  }
  return name;
}

class EveryInstruction : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    if (!may_trace()) GTEST_SKIP() << "ptrace is not allowed here";
  }
};

class Deaths : public EveryInstruction {};
class PlantedFaults : public EveryInstruction {};

/// How many bytes a child has set when it is killed before instruction `k` of setting them all by `rep stosb`.
std::ptrdiff_t bytes_set(std::span<char> shared, std::size_t k, const Trace* trace, Trace* recorded = nullptr) {
  std::fill(shared.begin(), shared.end(), '\0');
  Victim victim([shared]() -> std::function<void()> {
    return [shared] {
      void* to = shared.data();
      std::size_t count = shared.size();
      asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"('x') : "memory");
    };
  });
  EXPECT_TRUE(victim.begin());
  if (recorded != nullptr) {
    *recorded = victim.record([] { return false; });
  } else {
    EXPECT_EQ(victim.advance(k, trace, [] {}), Victim::At::place) << "instruction " << k;
  }
  victim.kill();
  return std::count(shared.begin(), shared.end(), 'x');
}

// The way into the middle of `rep stosb` leads through a smaller count (tracer.hpp, V2).
TEST(Victim, StopsInTheMiddleOfARepeatedInstructionAsIfItHadBeenStepped) {
  if (!may_trace()) GTEST_SKIP() << "ptrace is not allowed here";
  constexpr std::size_t kBytes = 60;
  void* const memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::span<char> shared(static_cast<char*>(memory), kBytes);
  Trace trace;
  ASSERT_EQ(bytes_set(shared, 0, nullptr, &trace), std::ptrdiff_t{kBytes});
  std::set<std::ptrdiff_t> seen;
  for (std::size_t k = 0; k < trace.places.size(); ++k) {
    const std::ptrdiff_t set = bytes_set(shared, k, &trace);
    EXPECT_EQ(set, bytes_set(shared, k, nullptr)) << "instruction " << k;
    seen.insert(set);
  }
  EXPECT_EQ(seen.size(), kBytes + 1) << "from none to all";
  ::munmap(memory, kBytes);
}

TEST_P(Deaths, LeaveAQueueThatIsWholeToTheSurvivors) {
  const Operation& operation = operations()[GetParam()];
  const std::uint64_t seed = test::fresh_seed();
  std::cout << "seed " << seed << "; again with MQXX_SEED=" << seed << '\n';
  const Report report;
  const bool sleeps = operation.setting.sleeper != Sleeper::nobody;
  attack(operation, {.kills = sleeps ? kKillsBesideSleepers : kKills, .seed = seed}, report);
  EXPECT_EQ(report.figures().findings, 0U) << operation.name << "\n" << report.text();
  EXPECT_GE(report.figures().kills, kKillsBesideSleepers / 2);
}

TEST_P(PlantedFaults, AreFound) {
  const Operation& fault = planted_faults()[GetParam()];
  const Report report;
  attack(fault, {.patience = std::chrono::seconds(2)}, report);
  EXPECT_GT(report.figures().findings, 0U) << fault.name;
  EXPECT_LT(report.figures().bad, report.figures().kills) << fault.name << ": before and after it all is well";
}

INSTANTIATE_TEST_SUITE_P(Shm, Deaths, testing::Range(std::size_t{0}, operations().size()),
                         [](const auto& parameter) { return test_name(operations()[parameter.param]); });
INSTANTIATE_TEST_SUITE_P(Shm, PlantedFaults, testing::Range(std::size_t{0}, planted_faults().size()),
                         [](const auto& parameter) { return test_name(planted_faults()[parameter.param]); });

}  // namespace
}  // namespace mqxx::crash
