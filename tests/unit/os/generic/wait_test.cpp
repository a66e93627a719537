// How sleeping in naps differs (docs/porting.md), and its places in the register.
#include "os/wait.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "os/generic/register.hpp"
#include "os/memory.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "unit/os/wait_fixture.hpp"

namespace mqxx::os {
namespace {

std::size_t places_taken() {
  const Register& shared = *shared_register();
  return static_cast<std::size_t>(std::count_if(shared.places.begin(), shared.places.end(), [](const Place& place) {
    return place.state.load() >> 2 == process_number();
  }));
}

// Linux goes on sleeping.
TEST_F(WaitOn, HandlerWithRestartEndsAWaitAsWell) {
  Wait wait = Wait::forever();
  wait.return_on_signal = true;
  const Signaller signaller(SA_RESTART);
  EXPECT_EQ(wait_on(word_, 0, wait, kLong), Woken::interrupted);
}

TEST_F(WaitOn, WordIsKnownByItsFileWhereverItIsMapped) {
  const test::PrivateDirectory directory;
  const Result<UnnamedFile> file = create_unnamed(directory.path(), 0600);
  ASSERT_TRUE(resize(file->fd.get(), 4096));
  std::byte* const one = *map_shared(file->fd.get(), 4096);
  std::byte* const other = *map_shared(file->fd.get(), 4096);
  std::atomic<Woken> how{Woken::look_up};
  std::thread sleeper(
      [&] { how = wait_on(reinterpret_cast<std::atomic<std::uint32_t>&>(one[64]), 0, Wait::forever(), kLong); });
  EXPECT_EQ(wake(reinterpret_cast<std::atomic<std::uint32_t>&>(other[0]), kWakeAll), 0) << "another word";
  while (wake(reinterpret_cast<std::atomic<std::uint32_t>&>(other[64]), 1) == 0) std::this_thread::yield();
  sleeper.join();
  EXPECT_EQ(how.load(), Woken::woken);
  unmap(one, 4096);
  unmap(other, 4096);
}

TEST_F(WaitOn, DeadSleeperIsNotCountedAsWoken) {
  for (int i = 0; i < 3; ++i) {
    test::Child sleeper([this] { (void)wait_on(word_, 0, Wait::forever(), kLong); });
    std::this_thread::sleep_for(milliseconds(20));  // long enough to be asleep, most often
    sleeper.kill();
    EXPECT_EQ(wake(word_, kWakeAll), 0);
  }
}

TEST_F(WaitOn, LongestAsleepIsWokenFirst) {
  std::vector<int> order;
  std::atomic<int> turn{0};
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i) {
    const std::size_t before = places_taken();
    sleepers.emplace_back([&, i] {
      EXPECT_EQ(wait_on(word_, 0, Wait::forever(), kLong), Woken::woken);
      order.push_back(i);
      turn.fetch_add(1);
    });
    while (places_taken() == before) std::this_thread::yield();
    std::this_thread::sleep_for(milliseconds(5));  // it is asleep a moment after it has its place
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(wake(word_, 1), 1);
    while (turn.load() == i) std::this_thread::yield();
  }
  for (std::thread& sleeper : sleepers) sleeper.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_F(WaitOn, EveryEndOfAWaitGivesThePlaceBack) {
  EXPECT_EQ(wait_on(word_, 1, Wait::forever(), kLong), Woken::changed);
  EXPECT_EQ(wait_on(word_, 0, Wait::forever(), kShort), Woken::look_up);
  EXPECT_EQ(wait_on(word_, 0, Wait::for_duration(milliseconds(5)), kLong), Woken::timed_out);
  std::thread sleeper([this] { EXPECT_EQ(wait_on(word_, 0, Wait::forever(), kLong), Woken::woken); });
  while (wake(word_, 1) == 0) std::this_thread::yield();
  sleeper.join();
  EXPECT_EQ(places_taken(), 0U);
}

TEST_F(WaitOn, WithoutAPlaceItSleepsUntilItLooksUp) {
  std::vector<Place*> taken;
  Register& shared = *shared_register();
  for (Place& place : shared.places) {
    std::uint32_t free = 0;
    if (place.state.compare_exchange_strong(free, process_number() << 2 | static_cast<std::uint32_t>(Phase::taken)))
      taken.push_back(&place);
  }
  const std::uint32_t used = shared.used.exchange(Register::kPlaces);
  EXPECT_EQ(wait_on(word_, 0, Wait::forever(), kShort), Woken::look_up);
  EXPECT_EQ(wait_on(word_, 1, Wait::forever(), kShort), Woken::changed);
  for (Place* place : taken) place->state.store(0);
  shared.used.store(used);
}

}  // namespace
}  // namespace mqxx::os
