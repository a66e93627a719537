// Readiness: one test for each duty of os/readiness.hpp.
#include "os/readiness.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "support/child.hpp"

namespace mqxx::os {
namespace {

short polled(int fd) {
  pollfd one{fd, POLLIN | POLLOUT, 0};
  return ::poll(&one, 1, 0) < 0 ? short{-1} : one.revents;
}

TEST(Readiness, IsEmptyAtFirstAndClosedOnExec) {
  const Result<UniqueFd> fd = make_readiness();
  ASSERT_TRUE(fd);
  EXPECT_EQ(polled(fd->get()), POLLOUT);
  EXPECT_EQ(::fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
}

TEST(Readiness, PollsAsItWasSetLastWhateverItWasBefore) {
  const Result<UniqueFd> fd = make_readiness();
  const auto expected = [](Bell state) -> int {
    return state == Bell::empty ? POLLOUT : state == Bell::full ? POLLIN : POLLIN | POLLOUT;
  };
  for (const Bell before : {Bell::empty, Bell::some, Bell::full}) {
    for (const Bell after : {Bell::empty, Bell::some, Bell::full}) {
      set_readiness(fd->get(), before);
      set_readiness(fd->get(), after);
      EXPECT_EQ(polled(fd->get()), expected(after));
    }
  }
}

TEST(Readiness, IsSharedWithAChild) {
  const Result<UniqueFd> fd = make_readiness();
  test::Child child([&] { set_readiness(fd->get(), Bell::some); });
  test::expect_well(child);
  EXPECT_EQ(polled(fd->get()), POLLIN | POLLOUT);
}

}  // namespace
}  // namespace mqxx::os
