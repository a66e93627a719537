// Edges: on_message that asks for them, and processes that compete for what they tell of, by epoll and by the loop.
#include <algorithm>
#include <cerrno>

#include <sys/epoll.h>
#include <unistd.h>

#include "loop/loop_test.hpp"
#include "support/competition.hpp"

namespace mqxx::test {
namespace {

DrainOptions by_edges(std::size_t most_per_turn) { return {.most_per_turn = most_per_turn, .trigger = Trigger::edges}; }

TEST_P(LoopOnHome, WhatAShareLeavesOfAnEdgeIsDeliveredInTheTurnsThatFollow) {
  Place place = make();
  std::size_t received = 0;
  Watch watch = loop_.on_message(
      place.queue(), [&](const Message&) { ++received; }, by_edges(4));
  for (std::size_t i = 0; i < kUsual.capacity; ++i) place.queue().send("x");
  for (const std::size_t expected : {4u, 8u, 10u, 10u}) {
    loop_.run_for(0ms);
    EXPECT_EQ(received, expected);
  }
  place.queue().send("x");
  loop_.run_for(0ms);
  EXPECT_EQ(received, 11u) << "the next edge";
}

TEST_P(LoopOnHome, AQueueThatIsNeverEmptyLeavesTheEdgesOfOthersTheirs) {
  Place busy = make("busy");
  Place calm = make("calm");
  std::size_t served = 0;
  std::size_t served_when_calm_came = 0;
  const auto one_more = [&](const Message&) {
    ++served;
    busy.queue().send("always one more");
  };
  Watch watch = loop_.on_message(busy.queue(), one_more, by_edges(3));
  Watch other = loop_.on_message(
      calm.queue(), [&](const Message&) { served_when_calm_came = served; }, by_edges(3));
  busy.queue().send("x");
  loop_.run_for(0ms);
  loop_.run_for(0ms);
  EXPECT_EQ(served, 6u);
  calm.queue().send("x");
  loop_.run_for(0ms);
  EXPECT_EQ(served, 9u);
  EXPECT_GE(served_when_calm_came, 6u);
}

TEST_P(LoopOnHome, AnExceptionLosesNothingOfAnEdgeAndStarvesNobody) {
  Place first = make("first");
  Place second = make("second");
  Texts received;
  Watch one = loop_.on_message(
      first.queue(),
      [&](const Message& message) {
        received.push_back(text_of(message));
        throw std::runtime_error(received.back());
      },
      by_edges(64));
  Watch two = loop_.on_message(
      second.queue(), [&](const Message& message) { received.push_back(text_of(message)); }, by_edges(64));
  for (const char* text : {"1", "2"}) first.queue().send(text);
  second.queue().send("other");
  EXPECT_EQ(thrown_by_run(loop_), "1");
  EXPECT_EQ(thrown_by_run(loop_), "2");
  loop_.run_for(0ms);
  std::ranges::sort(received);
  EXPECT_EQ(received, (Texts{"1", "2", "other"}));
}

TEST_P(LoopOnHome, WatchesOfEdgesEndEachOtherWhileBothHaveMore) {
  Place first = make("first");
  Place second = make("second");
  int called = 0;
  Watch one;
  Watch two;
  const auto cancel_both = [&](const Message&) {
    ++called;
    one.cancel();
    two.cancel();
  };
  one = loop_.on_message(first.queue(), cancel_both, by_edges(1));
  two = loop_.on_message(second.queue(), cancel_both, by_edges(1));
  for (Place* place : {&first, &second}) {
    for (int i = 0; i < 2; ++i) place->queue().send("x");
  }
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left);
  EXPECT_EQ(called, 1);
  EXPECT_EQ(first.depth() + second.depth(), 3u);
}

TEST_P(LoopOnHome, AWatchOfEdgesBesideOneOfLevelsMissesNothingBeforeAndAfterItEnds) {
  Place place = make();
  std::size_t received = 0;
  int readable = 0;
  Watch edges = loop_.on_message(
      place.queue(), [&](const Message&) { ++received; }, by_edges(1));
  Watch levels = loop_.on_readable(place.queue(), [&](Queue&) { ++readable; });
  for (int i = 0; i < 3; ++i) place.queue().send("x");
  loop_.run_for(0ms);
  levels.cancel();
  for (int i = 0; i < 2; ++i) loop_.run_for(0ms);
  EXPECT_EQ(received, 3u);
  EXPECT_EQ(readable, 1);
  place.queue().send("x");
  loop_.run_for(0ms);
  EXPECT_EQ(received, 4u);
}

// ---- Processes

/// System V queues are looked at now and then, and the kernel's cost two system calls a message.
std::size_t stream_in(In home) { return static_cast<std::size_t>(scaled(home == In::shm ? 100'002 : 3000)); }

/// As a program does that has a loop of its own.
void receive_by_epoll(Queue& queue, const Take& take) {
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(::epoll_ctl(poller, EPOLL_CTL_ADD, queue.native_handle(), &event), 0);
  std::vector<std::byte> buffer(kCompeted.message_size);
  for (;;) {
    const int told = ::epoll_wait(poller, &event, 1, -1);
    if (told < 0 && errno == EINTR) continue;
    ASSERT_EQ(told, 1);
    while (const std::optional<Received> received = queue.try_receive(buffer)) {
      if (!take(std::span(buffer).first(received->size))) {
        ::close(poller);
        return;
      }
    }
  }
}

void receive_by_loop(Queue& queue, const Take& take) {
  EventLoop loop;
  Watch watch;
  const auto receive = [&](const Message& message) {
    if (!take(message.bytes())) watch.cancel();
  };
  watch = loop.on_message(queue, receive, by_edges(3));
  EXPECT_EQ(loop.run(), LoopEnded::nothing_left);
}

TEST_P(LoopOnHome, ProcessesThatCompeteByEdgesOfEpollMissNothing) {
  if (!may_poll_in_a_child(GetParam())) GTEST_SKIP() << "a forked child may start no threads here";
  const Place place = make("stream", kCompeted);
  compete(place.name(), stream_in(GetParam()), receive_by_epoll);
}

TEST_P(LoopOnHome, ProcessesThatCompeteByEdgesOfTheLoopMissNothing) {
  if (!may_poll_in_a_child(GetParam())) GTEST_SKIP() << "a forked child may start no threads here";
  const Place place = make("stream", kCompeted);
  compete(place.name(), stream_in(GetParam()), receive_by_loop);
}

}  // namespace
}  // namespace mqxx::test
