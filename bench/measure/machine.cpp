#include "measure/machine.hpp"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <fstream>
#include <thread>

#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "measure/clock.hpp"
#include "peer.hpp"

namespace bench {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "Clang " __clang_version__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif
constexpr int kBursts = 5;
constexpr int kRoundTripsOfBurst = 4000;
constexpr int kSystemCalls = 20000;
constexpr std::int64_t kWatchTime = 500'000'000;  // ns

std::string value_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t colon = line.find(':');
    if (line.rfind(key, 0) != 0 || colon == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "unknown";
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

/// Two threads hand one number to and fro.
double one_burst_ns(int first_cpu, int second_cpu) {
  alignas(128) std::atomic<int> turn{0};
  std::thread other([&] {
    pin_to(second_cpu);
    for (int i = 0; i < kRoundTripsOfBurst; ++i) {
      while (turn.load(std::memory_order_acquire) != 2 * i + 1) {
      }
      turn.store(2 * i + 2, std::memory_order_release);
    }
  });
  pin_to(first_cpu);
  std::int64_t started = 0;
  for (int i = 0; i < kRoundTripsOfBurst; ++i) {
    if (i == kRoundTripsOfBurst / 4) started = now_ns();  // the first quarter waits for the other thread
    turn.store(2 * i + 1, std::memory_order_release);
    while (turn.load(std::memory_order_acquire) != 2 * i + 2) {
    }
  }
  const std::int64_t ended = now_ns();
  other.join();
  return static_cast<double>(ended - started) / (kRoundTripsOfBurst - kRoundTripsOfBurst / 4);
}

}  // namespace

std::vector<int> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) throw_errno("sched_getaffinity");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) throw_errno("sched_setaffinity");
}

std::optional<double> cache_line_round_trip_ns() {
  const std::vector<int> cpus = usable_cpus();
  if (cpus.size() < 2) return std::nullopt;
  std::vector<double> bursts;
  std::thread measure([&] {  // pinning must not stick to the driver
    for (int i = 0; i < kBursts; ++i) bursts.push_back(one_burst_ns(cpus[0], cpus[1]));
  });
  measure.join();
  std::sort(bursts.begin(), bursts.end());
  return bursts[kBursts / 2];
}

double system_call_ns() {
  const std::int64_t started = now_ns();
  for (int i = 0; i < kSystemCalls; ++i) ::syscall(SYS_getppid);
  return static_cast<double>(now_ns() - started) / kSystemCalls;
}

ProcessorTimes processor_times() {
  // cpu user nice system idle iowait irq softirq steal
  std::ifstream file("/proc/stat");
  std::string label;
  double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, interrupts = 0, soft = 0, stolen = 0;
  file >> label >> user >> nice >> system >> idle >> waiting >> interrupts >> soft >> stolen;
  const double busy = user + nice + system + interrupts + soft;
  return {.busy = busy, .stolen = stolen, .all = busy + stolen + idle + waiting};
}

double busy_percent_now() {
  const ProcessorTimes before = processor_times();
  sleep_ns(kWatchTime);
  const ProcessorTimes after = processor_times();
  return after.all > before.all ? 100 * (after.busy - before.busy) / (after.all - before.all) : 0;
}

std::string kernel_name() {
  utsname system{};
  ::uname(&system);
  const std::string release = system.release;
  return std::string(system.sysname) + ' ' + release.substr(0, release.find('-')) + ' ' + system.machine;
}

std::vector<std::pair<std::string, std::string>> describe_machine() {
  return {
      {"date", now_text()},
      {"processor", value_in("/proc/cpuinfo", "model name")},
      {"processors used", std::to_string(usable_cpus().size())},
      {"memory", value_in("/proc/meminfo", "MemTotal")},
      {"kernel", kernel_name()},
      {"compiler", kCompiler},
      {"user", ::geteuid() == 0 ? "root" : "not root"},
  };
}

}  // namespace bench
