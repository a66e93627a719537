// SysvWatch: a descriptor that polls as a System V queue is, kept so by a thread that looks.
//
//  - The thread never calls what could take a message: it asks how many there are. (A receive into no room would sleep
//    until one comes and leave it where it is, but takes one without bytes.)
//  - What this process does to the queue shows when the call returns, through look(). What others do shows within an
//    eighth of the time for which nothing had happened, at most kLongest, at least kShortest.
//  - It shows an edge where the number of messages is another than it was at the last look.
//  - Whoever waits for edges and goes on until a call finds nothing misses nothing: look_anew().
//  - A queue that was removed is readable: whoever then receives is told.
//  - Owned by the process that made it: in a child of fork(2) there is no thread, and it is given up unused.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "os/readiness.hpp"

namespace mqxx::backend {

class SysvWatch {
 public:
  static constexpr std::int64_t kShortest = 50'000;     // ns
  static constexpr std::int64_t kLongest = 10'000'000;  // ns

  /// Fails with too_many_files, no_memory, and as asking for the queue's facts does.
  static Result<std::unique_ptr<SysvWatch>> make(int queue) noexcept;
  SysvWatch(const SysvWatch&) = delete;
  SysvWatch& operator=(const SysvWatch&) = delete;
  ~SysvWatch();

  [[nodiscard]] int descriptor() const noexcept { return readiness_.get(); }
  /// Shows how the queue is now. From any thread.
  void look() noexcept;
  /// The same for who has just found the queue empty, or full: if it is not any more, that is an edge. (What is shown
  /// may be older than what he found, and a message that came meanwhile would then change nothing.)
  void look_anew() noexcept;
  /// What is left to do in a child of fork(2): the descriptor is closed, the rest is the memory of a thread that is not
  /// here.
  void give_up() noexcept { readiness_.reset(); }

 private:
  SysvWatch(int queue, UniqueFd readiness) noexcept;
  Result<void> start() noexcept;
  enum class Edge : bool { where_changed, anyway };
  /// @return whether something had changed
  bool show(Edge edge) noexcept;
  void run() noexcept;

  int queue_;
  UniqueFd readiness_;
  std::mutex mutex_;  // whoever looked last sets what is shown
  os::Bell shown_ = os::Bell::empty;
  std::uint64_t messages_ = 0;
  std::atomic<bool> gone_{false};
  std::atomic<std::uint32_t> ending_{0};
  std::thread thread_;
};

}  // namespace mqxx::backend
