// Poller: one test for each duty of os/poller.hpp.
#include "os/poller.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/wait.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
  }
  void write() const { EXPECT_EQ(::write(theirs.get(), "x", 1), 1); }
  void read() const {
    char byte = 0;
    EXPECT_EQ(::read(ours.get(), &byte, 1), 1);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

class PollerTest : public testing::Test {
 protected:
  std::vector<Ready> wait(std::int64_t deadline_ns = Poller::kNow, std::size_t room = 8) {
    std::vector<Ready> ready(room);
    ready.resize(poller_.wait(ready, deadline_ns));
    return ready;
  }

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  Poller poller_ = std::move(*Poller::make());
  Pair pair_;
};

TEST_F(PollerTest, AnswersWhatIsReadyUnderItsNumberAndAgainUntilItIsNot) {
  ASSERT_TRUE(poller_.add(pair_.ours.get(), Events::readable, 7));
  EXPECT_TRUE(wait().empty());
  pair_.write();
  for (int i = 0; i < 2; ++i) {
    const std::vector<Ready> ready = wait();
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_EQ(ready[0].number, 7u);
    EXPECT_EQ(ready[0].events, Events::readable);
  }
  pair_.read();
  EXPECT_TRUE(wait().empty());
}

TEST_F(PollerTest, TellsOfEdgesOnceUntilTheNext) {
  ASSERT_TRUE(poller_.add(pair_.ours.get(), Events::readable | Events::edges, 7));
  pair_.write();
  EXPECT_EQ(wait().size(), 1u);
  EXPECT_TRUE(wait().empty());
  pair_.write();
  EXPECT_EQ(wait().size(), 1u);
}

TEST_F(PollerTest, ChangesAndRemovesWhatItWatches) {
  ASSERT_TRUE(poller_.add(pair_.ours.get(), Events::readable, 7));
  ASSERT_TRUE(poller_.change(pair_.ours.get(), Events::writable, 8));
  pair_.write();
  ASSERT_EQ(wait().size(), 1u);
  EXPECT_EQ(wait()[0].number, 8u);
  EXPECT_EQ(wait()[0].events, Events::writable);
  poller_.remove(pair_.ours.get());
  EXPECT_TRUE(wait().empty());
  poller_.remove(pair_.ours.get());
}

TEST_F(PollerTest, SaysWhyADescriptorCannotBeWatched) {
  ASSERT_TRUE(poller_.add(pair_.ours.get(), Events::readable, 7));
  EXPECT_TRUE(poller_.add(pair_.ours.get(), Events::readable, 7).is(Errc::already_exists));
  EXPECT_TRUE(poller_.add(-1, Events::readable, 7).is(Errc::closed));
  EXPECT_TRUE(poller_.change(pair_.theirs.get(), Events::readable, 7).is(Errc::not_found));
  const UniqueFd program(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(poller_.add(program.get(), Events::readable, 7).is(Errc::permission_denied));
}

TEST_F(PollerTest, TellsOfAHangUpUnasked) {
  ASSERT_TRUE(poller_.add(pair_.ours.get(), Events::writable, 7));
  pair_.theirs.reset();
  ASSERT_EQ(wait().size(), 1u);
  EXPECT_TRUE(has(wait()[0].events, Events::hang_up));
}

TEST_F(PollerTest, WhatFindsNoRoomComesFirstTheNextTime) {
  const std::array<Pair, 3> pairs;
  std::array<int, 3> times{};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    ASSERT_TRUE(poller_.add(pairs[i].ours.get(), Events::readable, i));
    pairs[i].write();
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::vector<Ready> ready = wait(Poller::kNow, 1);
    ASSERT_EQ(ready.size(), 1u);
    ++times[ready[0].number];
  }
  EXPECT_EQ(times, (std::array{1, 1, 1}));
}

TEST_F(PollerTest, WaitsUntilTheDeadlineWhicheverCameBefore) {
  // A later one than the last, an earlier one, and one that has passed.
  for (const std::int64_t delay : {2, 20, 1, -1}) {
    const std::int64_t deadline = now_ns() + delay * kMillisecond;
    while (now_ns() < deadline) EXPECT_TRUE(wait(deadline).empty());
  }
  pair_.write();
  ASSERT_TRUE(poller_.add(pair_.ours.get(), Events::readable, 7));
  EXPECT_EQ(wait(now_ns() - kMillisecond).size(), 1u) << "what is ready is answered all the same";
}

TEST_F(PollerTest, WakeEndsTheWaitInProgressOrTheNext) {
  poller_.wake();
  EXPECT_TRUE(wait(Poller::kNever).empty());
  std::thread waker([&] {
    std::this_thread::sleep_for(test::kMoment);
    poller_.wake();
  });
  EXPECT_TRUE(wait(Poller::kNever).empty());
  waker.join();
}

std::atomic<Poller*> g_woken{nullptr};

TEST_F(PollerTest, WakeWorksInASignalHandler) {
  g_woken = &poller_;
  struct sigaction before {};
  struct sigaction action {};
  action.sa_handler = [](int) { g_woken.load()->wake(); };
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, &before);
  ::raise(SIGUSR1);
  EXPECT_TRUE(wait(Poller::kNever).empty());
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(PollerTest, IsClosedOnExec) {
  for (int fd = 3; fd < 32; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || fd == pair_.ours.get() || fd == pair_.theirs.get()) continue;
    std::array<char, 64> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (::readlink(link.c_str(), target.data(), target.size() - 1) < 0) continue;
    if (!std::string_view(target.data()).starts_with("anon_inode:")) continue;
    EXPECT_EQ(flags, FD_CLOEXEC) << target.data();
  }
}

}  // namespace
}  // namespace mqxx::os
