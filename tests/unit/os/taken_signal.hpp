// Signals that a test blocks and takes off by hand.
#pragma once

#include <cstdint>
#include <ctime>

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

namespace mqxx::os {

/// In a child, whose one thread has the signal blocked: what was raised, taken off as sigwaitinfo(2) tells it.
inline siginfo_t taken(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  const timespec limit{30, 0};
  siginfo_t info{};
  EXPECT_EQ(sigtimedwait(&set, &info, &limit), signal);
  return info;
}

inline void block(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

inline constexpr std::uint64_t kValue = 0xfedcba9876543210;

}  // namespace mqxx::os
