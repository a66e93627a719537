// Plain descriptors: level and edge triggered, several watches of one, closed and used again.
#include <array>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop_test.hpp"

namespace mqxx::test {
namespace {

class Sockets {
 public:
  Sockets() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  ~Sockets() {
    close_ours();
    close_theirs();
  }
  [[nodiscard]] int ours() const { return ends_[0]; }
  void write() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  void read() const {
    char byte = 0;
    EXPECT_EQ(::read(ends_[0], &byte, 1), 1);
  }
  void close_ours() { close(ends_[0]); }
  void close_theirs() { close(ends_[1]); }

 private:
  static void close(int& end) {
    if (end >= 0) ::close(std::exchange(end, -1));
  }
  std::array<int, 2> ends_{-1, -1};
};

class LoopDescriptors : public LoopTest {
 protected:
  Sockets sockets_;
};

TEST_F(LoopDescriptors, AreToldOfInEachTurnWhileTheyAreReady) {
  int called = 0;
  Watch watch = loop_.on_descriptor(sockets_.ours(), Events::readable, [&](Events events) {
    EXPECT_EQ(events, Events::readable);
    ++called;
  });
  loop_.run_for(0ms);
  EXPECT_EQ(called, 0);
  sockets_.write();
  loop_.run_for(0ms);
  loop_.run_for(0ms);
  EXPECT_EQ(called, 2);
  sockets_.read();
  loop_.run_for(0ms);
  EXPECT_EQ(called, 2);
}

TEST_F(LoopDescriptors, WithEdgesAreToldOfWhenSomethingChangesAndOtherwiseNot) {
  int called = 0;
  Watch watch = loop_.on_descriptor(sockets_.ours(), Events::readable | Events::edges, [&](Events) { ++called; });
  sockets_.write();
  for (int i = 0; i < 3; ++i) loop_.run_for(0ms);
  EXPECT_EQ(called, 1);
  sockets_.write();
  loop_.run_for(0ms);
  EXPECT_EQ(called, 2);
}

TEST_F(LoopDescriptors, AnEdgeBeforeTheWatchIsToldToItWhoeverElseHasSeenIt) {
  Texts called;
  constexpr Events kEdges = Events::readable | Events::edges;
  Watch one = loop_.on_descriptor(sockets_.ours(), kEdges, [&](Events) { called.emplace_back("one"); });
  sockets_.write();
  loop_.run_for(0ms);
  EXPECT_EQ(called, Texts{"one"});
  Watch two = loop_.on_descriptor(sockets_.ours(), kEdges, [&](Events) { called.emplace_back("two"); });
  loop_.run_for(0ms);
  EXPECT_EQ(called.back(), "two");
}

TEST_F(LoopDescriptors, AnExceptionLosesNoEdge) {
  const Sockets other;
  int called = 0;
  const auto callback = [&](Events) {
    if (++called == 1) throw std::runtime_error("first");
  };
  Watch one = loop_.on_descriptor(sockets_.ours(), Events::readable | Events::edges, callback);
  Watch beside = loop_.on_descriptor(sockets_.ours(), Events::readable | Events::edges, callback);
  Watch two = loop_.on_descriptor(other.ours(), Events::readable | Events::edges, callback);
  sockets_.write();
  other.write();
  EXPECT_EQ(thrown_by_run(loop_), "first");
  EXPECT_EQ(called, 1);
  loop_.run_for(0ms);
  EXPECT_EQ(called, 3);
}

TEST_F(LoopDescriptors, SeveralWatchesOfOneAreEachToldOfTheirs) {
  Texts called;
  Watch reads = loop_.on_descriptor(sockets_.ours(), Events::readable, [&](Events) { called.emplace_back("reads"); });
  Watch writes = loop_.on_descriptor(sockets_.ours(), Events::writable, [&](Events) { called.emplace_back("writes"); });
  loop_.run_for(0ms);
  EXPECT_EQ(called, Texts{"writes"});
  called.clear();
  sockets_.write();
  loop_.run_for(0ms);
  EXPECT_EQ(called, (Texts{"reads", "writes"})) << "in the order in which they were added";
  called.clear();
  writes.cancel();
  loop_.run_for(0ms);
  EXPECT_EQ(called, Texts{"reads"});
}

TEST_F(LoopDescriptors, OneThatWantsLevelsGetsThemBesideOneThatWantsEdges) {
  int levels = 0;
  int edges = 0;
  Watch edge = loop_.on_descriptor(sockets_.ours(), Events::readable | Events::edges, [&](Events) { ++edges; });
  Watch level = loop_.on_descriptor(sockets_.ours(), Events::readable, [&](Events) { ++levels; });
  sockets_.write();
  for (int i = 0; i < 3; ++i) loop_.run_for(0ms);
  EXPECT_EQ(levels, 3);
  level.cancel();
  edges = 0;
  for (int i = 0; i < 3; ++i) loop_.run_for(0ms);
  EXPECT_LE(edges, 1) << "the last level may come as an edge";
}

TEST_F(LoopDescriptors, ACallbackMayCancelItselfTheOthersAndAddNewOnes) {
  Texts called;
  Watch first;
  Watch second;
  Watch third;
  first = loop_.on_descriptor(sockets_.ours(), Events::readable, [&](Events) {
    called.emplace_back("first");
    first.cancel();
    second.cancel();
    third = loop_.on_descriptor(sockets_.ours(), Events::readable, [&](Events) { called.emplace_back("third"); });
  });
  second = loop_.on_descriptor(sockets_.ours(), Events::readable, [&](Events) { called.emplace_back("second"); });
  sockets_.write();
  loop_.run_for(0ms);
  EXPECT_EQ(called, Texts{"first"}) << "what is added in a turn has its turn in the next";
  loop_.run_for(0ms);
  EXPECT_EQ(called, (Texts{"first", "third"}));
}

TEST_F(LoopDescriptors, ANumberThatIsClosedAndUsedAgainIsTheNewOne) {
  Watch watch;
  int called = 0;
  Sockets other;
  watch = loop_.on_descriptor(sockets_.ours(), Events::readable, [&](Events) {
    // In the callback, while its old events are being told.
    const int number = sockets_.ours();
    watch.cancel();
    sockets_.close_ours();
    ASSERT_EQ(::fcntl(other.ours(), F_DUPFD, number), number);
    watch = loop_.on_descriptor(number, Events::readable, [&](Events) { ++called; });
  });
  sockets_.write();
  loop_.run_for(0ms);
  loop_.run_for(0ms);
  EXPECT_EQ(called, 0);
  other.write();
  loop_.run_for(0ms);
  EXPECT_EQ(called, 1);
  watch.cancel();
}

TEST_F(LoopDescriptors, AHangUpIsTold) {
  Events told = Events::none;
  Watch watch = loop_.on_descriptor(sockets_.ours(), Events::writable, [&](Events events) { told = events; });
  sockets_.close_theirs();
  loop_.run_for(0ms);
  EXPECT_TRUE(has(told, Events::hang_up));
}

TEST_F(LoopDescriptors, WhatCannotBePolledIsRefusedWithTheReason) {
  const auto none = [](Events) { FAIL(); };
  EXPECT_TRUE(fails_with(Errc::closed, [&] { loop_.on_descriptor(-1, Events::readable, none); }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { loop_.on_descriptor(0, Events::none, none); }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { loop_.on_descriptor(0, Events::edges, none); }));
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { loop_.on_descriptor(file, Events::readable, none); }));
  EXPECT_TRUE(says(sentence_of([&] { loop_.on_descriptor(file, Events::readable, none); }), "watch",
                   "descriptor " + std::to_string(file), "always ready"));
  ::close(file);
  EXPECT_EQ(loop_.run(), LoopEnded::nothing_left) << "nothing of it has remained";
}

}  // namespace
}  // namespace mqxx::test
