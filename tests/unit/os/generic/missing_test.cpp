// The contracts that this port has nothing for, below the homes that need them.
#include <cerrno>
#include <chrono>

#include <gtest/gtest.h>

#include "os/interrupter.hpp"
#include "os/poller.hpp"
#include "os/readiness.hpp"
#include "os/signal_source.hpp"

namespace mqxx::os {
namespace {

TEST(MissingInterrupter, SaysSoInsteadOfEndingNothing) {
  for (int i = 0; i < 2; ++i) {
    Interrupter interrupter(Wait::for_duration(std::chrono::milliseconds(1)));
    ASSERT_FALSE(interrupter.ready());
    EXPECT_EQ(interrupter.ready().failure().detail, ENOSYS);
    EXPECT_FALSE(interrupter.struck());
  }
}

TEST(MissingReadiness, HasNoDescriptor) {
  const Result<UniqueFd> fd = make_readiness();
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.failure().detail, ENOSYS);
}

TEST(MissingPoller, SaysSoInsteadOfWaitingForNothing) { EXPECT_TRUE(Poller::make().is(Errc::unsupported)); }

TEST(MissingSignalSource, SaysSoInsteadOfTakingNone) { EXPECT_TRUE(SignalSource::make().is(Errc::unsupported)); }

}  // namespace
}  // namespace mqxx::os
