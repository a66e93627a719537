// mqxx-crash: kills a process at every instruction of every operation, and prints what came of it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <sys/personality.h>
#include <unistd.h>

#include "campaign.hpp"

namespace {

using namespace mqxx::crash;

constexpr const char* kUsage =
    "usage: mqxx-crash [--list] [--sample KILLS [SEED]] [--at INSTRUCTION] [OPERATION...]\n"
    "  An operation is named by its name, or several by a part of theirs; without one it is all of them.\n";

// Bound before the operation begins, and in the same place in every run: so each run takes the same instructions.
void begin_again_if_needed(char** arguments) {
  const bool bound = ::getenv("LD_BIND_NOW") != nullptr;
  const int personality = ::personality(0xffffffff);
  const bool fixed = personality < 0 || (personality & ADDR_NO_RANDOMIZE) != 0;
  if (bound && fixed) return;
  ::setenv("LD_BIND_NOW", "1", 1);
  if (!fixed) (void)::personality(static_cast<unsigned long>(personality) | ADDR_NO_RANDOMIZE);
  if (bound && (::personality(0xffffffff) & ADDR_NO_RANDOMIZE) == 0) return;  // refused: then it strays more often
  ::execv("/proc/self/exe", arguments);
}

struct Sum {
  std::uint64_t instructions = 0;
  std::uint64_t kills = 0;
  std::uint64_t inside = 0;
  std::uint64_t findings = 0;
};

void print(const Operation& operation, const Report& report, double seconds, Sum& sum) {
  const Figures& figures = report.figures();
  const double longest = static_cast<double>(figures.longest_ns) / 1e9;
  std::printf("| %-48s | %6lu | %6lu | %6lu | %5.2f | %4lu | %3lu | %5.0f |\n", operation.name.c_str(),
              figures.instructions.load(), figures.kills.load(), figures.inside.load(), longest, figures.swept.load(),
              figures.bad.load(), seconds);
  if (figures.strayed != 0) std::fprintf(stderr, "%s: %lu strayed\n", operation.name.c_str(), figures.strayed.load());
  std::fprintf(stderr, "%s", report.text().c_str());
  std::fflush(stdout);
  sum.instructions += figures.instructions;
  sum.kills += figures.kills;
  sum.inside += figures.inside;
  sum.findings += figures.findings;
}

bool chosen(const Operation& operation, const std::vector<std::string>& parts) {
  const auto means = [&](const std::string& part) {
    const bool is_name =
        std::any_of(operations().begin(), operations().end(), [&](const Operation& one) { return one.name == part; });
    return is_name ? operation.name == part : operation.name.find(part) != std::string::npos;
  };
  return parts.empty() || std::any_of(parts.begin(), parts.end(), means);
}

}  // namespace

int main(int count, char** arguments) {
  begin_again_if_needed(arguments);
  Plan plan;
  std::vector<std::string> parts;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--list") {
      for (const Operation& operation : operations()) std::printf("%s\n", operation.name.c_str());
      return 0;
    }
    if (argument == "--sample" && i + 1 < count) {
      plan.kills = std::strtoul(arguments[++i], nullptr, 10);
      if (i + 1 < count && std::strspn(arguments[i + 1], "0123456789") == std::strlen(arguments[i + 1])) {
        plan.seed = std::strtoull(arguments[++i], nullptr, 10);
      }
    } else if (argument == "--at" && i + 1 < count) {
      plan.only = std::strtoul(arguments[++i], nullptr, 10);
    } else if (argument.starts_with("-")) {
      std::fprintf(stderr, "%s", kUsage);
      return argument == "--help" ? 0 : 2;
    } else {
      parts.emplace_back(argument);
    }
  }
  plan.sweep = plan.kills == 0 && !plan.only;
  Sum sum;
  std::printf("| %-48s | %6s | %6s | %6s | %5s | %4s | %3s | %5s |\n", "operation", "instr.", "kills", "inside",
              "slept", "left", "bad", "s");
  std::printf("|%s|-------:|-------:|-------:|------:|-----:|----:|------:|\n", std::string(50, '-').c_str());
  for (const Operation& operation : operations()) {
    if (!chosen(operation, parts)) continue;
    const auto begun = std::chrono::steady_clock::now();
    const Report report;
    attack(operation, plan, report);
    print(operation, report, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(), sum);
  }
  std::printf("| %-48s | %6lu | %6lu | %6lu |       |      | %3lu |       |\n", "all", sum.instructions, sum.kills,
              sum.inside, sum.findings);
  return sum.kills == 0 || sum.findings != 0 ? 1 : 0;
}
