// WaitOn: a word of memory that children of a fork share.
#pragma once

#include <atomic>
#include <chrono>
#include <new>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "os/wait.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {

using std::chrono::milliseconds;
inline constexpr std::int64_t kLong = 60'000'000'000;
inline constexpr std::int64_t kShort = 5'000'000;

class WaitOn : public testing::Test {
 protected:
  WaitOn()
      : word_(*new (mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                  std::atomic<std::uint32_t>(0)) {}
  ~WaitOn() override { munmap(&word_, 4096); }

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  std::atomic<std::uint32_t>& word_;
};

inline std::atomic<int> g_handled{0};

/// Signals the calling thread every millisecond; its handler only counts.
class Signaller {
 public:
  explicit Signaller(int flags) {
    struct sigaction action {};
    action.sa_handler = [](int) { g_handled.fetch_add(1); };
    action.sa_flags = flags;
    sigaction(SIGUSR2, &action, nullptr);
    g_handled.store(0);
    thread_ = std::thread([this, self = pthread_self()] {
      while (!done_.load()) {
        pthread_kill(self, SIGUSR2);
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
  }
  Signaller(const Signaller&) = delete;
  Signaller& operator=(const Signaller&) = delete;
  ~Signaller() {
    done_.store(true);
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace mqxx::os
