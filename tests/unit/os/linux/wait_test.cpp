// What Linux's sleep tells beyond the others: which handlers were installed with SA_RESTART.
#include "os/wait.hpp"

#include <cerrno>

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit/os/wait_fixture.hpp"

namespace mqxx::os {
namespace {

bool tells_restarts() {
  errno = 0;
  return syscall(SYS_futex_waitv, nullptr, 0, 0, nullptr, 0) < 0 && errno != ENOSYS;
}

TEST_F(WaitOn, HandlerWithRestartDoesNotEndAWaitThatReturnsOnSignals) {
  if (!tells_restarts()) GTEST_SKIP() << "this kernel has no futex_waitv, and so cannot tell";
  Wait wait = Wait::forever();
  wait.return_on_signal = true;
  const Signaller signaller(SA_RESTART);
  // Until some handlers have run in the middle of a sleep: one that comes between two sleeps proves nothing.
  for (int sleeps = 0; sleeps < 4 || g_handled.load() < 4; ++sleeps) {
    ASSERT_EQ(wait_on(word_, 0, wait, 20 * kShort), Woken::look_up);
  }
}

}  // namespace
}  // namespace mqxx::os
