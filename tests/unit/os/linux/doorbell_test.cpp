// What Linux's doorbell can do beyond the others: tell those who wait for edges.
#include "os/doorbell.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "unit/os/doorbell_fixture.hpp"

namespace mqxx::os {
namespace {

TEST_F(Doorbell, StrikingItTellsThoseWhoWaitForEdgesAndChangesNothing) {
  const UniqueFd bell = opened();
  const UniqueFd other = opened();
  const UniqueFd poller(epoll_create1(EPOLL_CLOEXEC));
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLET;
  ASSERT_EQ(epoll_ctl(poller.get(), EPOLL_CTL_ADD, other.get(), &wanted), 0);
  epoll_event event{};
  for (const Bell state : kStates) {
    set_bell(bell.get(), bell_state(bell.get()), state);
    while (epoll_wait(poller.get(), &event, 1, 0) == 1) {
    }
    for (int i = 0; i < 3; ++i) {
      strike_bell(bell.get());
      ASSERT_EQ(epoll_wait(poller.get(), &event, 1, 0), 1) << static_cast<int>(state);
      EXPECT_EQ(event.events, static_cast<std::uint32_t>(events_of(state)));
      EXPECT_EQ(epoll_wait(poller.get(), &event, 1, 0), 0) << "told once for each";
    }
    EXPECT_EQ(bell_state(bell.get()), state);
  }
}

}  // namespace
}  // namespace mqxx::os
