#include "support/watchdog.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <gtest/gtest.h>

#include "support/timing.hpp"

namespace mqxx::test {
namespace {

std::string current_test() {
  const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
  if (info == nullptr) return "outside of a test";
  return std::string(info->test_suite_name()) + "." + info->name();
}

// No destructor runs after this, and what lies on /dev/shm is memory.
void remove_private_directory() {
  const char* directory = std::getenv("MQXX_DIR");
  if (directory == nullptr || !std::string_view(directory).starts_with("/dev/shm/mqxx-test-")) return;
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

}  // namespace

Watchdog::Watchdog(std::chrono::seconds limit, std::string what) {
  if (what.empty()) what = current_test();
  limit *= kSlowdown;
  // Signals that a test sends to its process are for its own threads, never for this one.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this, limit, what = std::move(what)] {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.notify_one();
    if (changed_.wait_for(lock, limit, [this] { return done_; })) return;
    std::fprintf(stderr, "watchdog: %s still runs after %lld s\n", what.c_str(), static_cast<long long>(limit.count()));
    remove_private_directory();
    std::abort();
  });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // From here on it sleeps. A thread that were still starting would hold locks of a sanitizer's allocator now and then,
  // and a child that the test forks in that moment would wait for them for ever.
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_; });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

}  // namespace mqxx::test
