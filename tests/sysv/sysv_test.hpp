// SysvTest: what every test of mqxx::sysv begins with: a queue without a key, which goes with the test, and a watchdog.
#pragma once

#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <mqxx/sysv.hpp>

#include "support/child.hpp"
#include "support/failures.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {

class SysvTest : public testing::Test {
 protected:
  void SetUp() override {
    std::error_code ec;
    queue_ = sysv::Queue::create(sysv::kPrivate, {}, ec);
    if (ec == std::errc::function_not_supported) GTEST_SKIP() << "this system has no System V queues";
    ASSERT_FALSE(ec) << ec.message();
  }
  void TearDown() override {
    std::error_code ec;  // a test may have removed it
    queue_.remove(ec);
  }

  Watchdog watchdog_{std::chrono::seconds(50)};
  sysv::Queue queue_;
};

/// A key that no other test run uses at the same time.
inline sysv::Key own_key() { return {0x6d780000U | (static_cast<std::uint32_t>(::getpid()) & 0xffffU)}; }

/// "TYPE text", or "" for none.
inline std::string text_of(const std::optional<sysv::Message>& message) {
  return message ? std::to_string(message->type()) + " " + std::string(message->text()) : "";
}

/// Until a thread, or the first one of a process, sleeps in a system call.
inline void wait_until_asleep(pid_t thread) {
  for (char state = 0; state != 'S'; std::this_thread::yield()) {
    std::ifstream file("/proc/" + std::to_string(thread) + "/stat");
    std::string text;
    std::getline(file, text);
    state = text.at(text.rfind(')') + 2);
  }
}

/// A thread of this process that is known by its number once it runs.
class Sleeper {
 public:
  template <class Body>
  explicit Sleeper(Body body)
      : thread_([this, body] {
          number_ = ::gettid();
          body();
        }) {}
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() {
    if (thread_.joinable()) thread_.join();
  }

  void join() { thread_.join(); }
  void raise(int signal) { ::pthread_kill(thread_.native_handle(), signal); }
  void wait_until_asleep() {
    while (number_ == 0) std::this_thread::yield();
    test::wait_until_asleep(number_);
  }

 private:
  std::atomic<pid_t> number_{0};
  std::thread thread_;
};

/// Runs `body` in a process with an IPC namespace of its own, where no queues are and limits may be set.
inline void in_own_namespace(const std::function<void()>& body) {
  Child alone([&] {
    ASSERT_EQ(::unshare(CLONE_NEWIPC), 0);
    body();
  });
  expect_well(alone);
}
inline void set_limit(const char* name, std::uint64_t value) {
  std::ofstream file(std::string("/proc/sys/kernel/") + name);
  file << value << std::flush;
  ASSERT_TRUE(file.good()) << name;
}

}  // namespace mqxx::test
