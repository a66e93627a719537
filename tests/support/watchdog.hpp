// Watchdog: ends the process when a test hangs, and says which one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace mqxx::test {

/// Aborts the process with a message unless it is destroyed within `limit` (longer under sanitizers). A thread
/// and not SIGALRM: a signal would interrupt the very waits that are under test.
class Watchdog {
 public:
  explicit Watchdog(std::chrono::seconds limit, std::string what = {});
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool waiting_ = false;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace mqxx::test
