// Lock: two locks in memory that children of a fork share, and children that die in them.
#pragma once

#include <atomic>
#include <new>
#include <thread>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/lock.hpp"
#include "support/child.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {

struct Shared {
  LockWord first;
  LockWord second;
  std::atomic<int> reached;
  std::uint64_t counter;
};

/// Whether the system notices the death of an owner: emulators of Linux keep no robust lists.
inline bool tells_deaths() {
#ifdef MQXX_PORT_GENERIC
  return true;
#else
  void* head = nullptr;
  std::size_t size = 0;
  return syscall(SYS_get_robust_list, 0, &head, &size) == 0;
#endif
}

#define MQXX_NEEDS_DEATHS() \
  if (!tells_deaths()) GTEST_SKIP() << "no robust lists here, so nobody is told of a death (docs/porting.md)"

class Lock : public testing::Test {
 protected:
  Lock()
      : shared_(*new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                    Shared{}) {}
  ~Lock() override { munmap(&shared_, sizeof(Shared)); }

  /// A child that gets as far as `body` says and is killed there.
  void die_after(void (*body)(Shared&)) {
    test::Child child([&] {
      body(shared_);
      shared_.reached.store(1);
      for (;;) pause();
    });
    while (shared_.reached.load() == 0) std::this_thread::yield();
    child.kill();
    shared_.reached.store(0);
  }

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  Shared& shared_;
};

}  // namespace mqxx::os
