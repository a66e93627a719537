// One test for each duty of os/doorbell.hpp, as far as the ports have them alike; the rest is in linux/ and generic/.
#include "os/doorbell.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/memory.hpp"
#include "support/child.hpp"
#include "support/timing.hpp"
#include "unit/os/doorbell_fixture.hpp"

namespace mqxx::os {
namespace {

TEST_F(Doorbell, NewOneIsAbandonedUntilItIsAdopted) {
  EXPECT_TRUE(abandoned(path_));
  const UniqueFd bell = opened();
  EXPECT_TRUE(abandoned(bell.get()));
  ASSERT_TRUE(adopt(bell.get(), 0640));
  EXPECT_FALSE(abandoned(path_));
  EXPECT_FALSE(abandoned(bell.get()));
  EXPECT_EQ(facts(path_)->mode, 0640U);
}

TEST_F(Doorbell, PathThatIsTakenStaysWhatItIs) {
  ASSERT_TRUE(adopt(opened().get(), 0600));
  EXPECT_TRUE(make_doorbell(path_).is(Errc::already_exists));
  EXPECT_FALSE(abandoned(path_));
}

// Execution means nothing here, and a port may mark with it what is abandoned.
constexpr std::uint32_t kUseful = 0666;

TEST_F(Doorbell, AbandonedOneKeepsItsModeAndChangesItWithoutBeingAdopted) {
  ASSERT_TRUE(adopt(opened().get(), 0640));
  abandon(path_);
  EXPECT_TRUE(abandoned(path_));
  EXPECT_EQ(facts(path_)->mode & kUseful, 0640U);
  ASSERT_TRUE(set_doorbell_mode(path_, 0600));
  EXPECT_TRUE(abandoned(path_));
  EXPECT_EQ(facts(path_)->mode & kUseful, 0600U);
  ASSERT_TRUE(adopt(opened().get(), 0600));
  ASSERT_TRUE(set_doorbell_mode(path_, 0660));
  EXPECT_FALSE(abandoned(path_));
  abandon(directory_.path() / "none");  // nothing to mark, nothing to say
}

TEST_F(Doorbell, PermissionBitsDecideWhoMayOpenIt) {
  directory_.share_with_everybody();
  const UniqueFd bell = opened();
  const std::uint32_t owner = geteuid();
  const auto open_as_stranger = [this, owner](bool allowed) {
    test::Child stranger([&] {
      test::become_ordinary_user();
      const Result<UniqueFd> own = open_doorbell(path_, Blocking::no, owner);
      if (allowed) {
        EXPECT_TRUE(own);
      } else {
        EXPECT_TRUE(own.is(Errc::permission_denied));
      }
      EXPECT_TRUE(in_use(path_)) << "who may not ask must assume it";
    });
    expect_well(stranger);
  };
  ASSERT_TRUE(adopt(bell.get(), 0666));
  open_as_stranger(true);
  if (!test::is_root()) return;  // an ordinary user has nobody else to be
  ASSERT_TRUE(adopt(bell.get(), 0600));
  open_as_stranger(false);
}

TEST_F(Doorbell, EachOpeningIsADescriptionOfItsOwnThatBlocksOrNot) {
  const UniqueFd patient = std::move(*open_doorbell(path_, Blocking::yes, geteuid()));
  const UniqueFd hasty = opened();
  EXPECT_EQ(fcntl(patient.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(hasty.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(fcntl(hasty.get(), F_GETFL) & O_ACCMODE, O_RDWR);
  EXPECT_NE(fcntl(hasty.get(), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(fcntl(patient.get(), F_SETFL, O_NONBLOCK), 0);
  ASSERT_EQ(fcntl(hasty.get(), F_SETFL, 0), 0);
  EXPECT_NE(fcntl(patient.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(Doorbell, OpeningWhatIsNoneFailsAndDoesNotWait) {
  ASSERT_TRUE(publish(*create_unnamed(directory_.path(), 0600), directory_.path() / "file"));
  ASSERT_EQ(symlink(path_.c_str(), (directory_.path() / "link").c_str()), 0);
  EXPECT_TRUE(open_doorbell(directory_.path() / "file", Blocking::yes, geteuid()).is(Errc::queue_damaged));
  EXPECT_FALSE(open_doorbell(directory_.path() / "link", Blocking::yes, geteuid()));
  EXPECT_TRUE(open_doorbell(directory_.path() / "none", Blocking::yes, geteuid()).is(Errc::not_found));
}

TEST_F(Doorbell, PollsAsItSaysOnEveryDescriptor) {
  const UniqueFd bell = opened();
  const UniqueFd other = std::move(*open_doorbell(path_, Blocking::yes, geteuid()));
  for (const Bell from : kStates) {
    for (const Bell to : kStates) {
      set_bell(bell.get(), bell_state(bell.get()), from);
      set_bell(bell.get(), from, to);
      EXPECT_EQ(bell_state(bell.get()), to) << events_of(from);
      EXPECT_EQ(events(bell.get()), events_of(to)) << events_of(from);
      EXPECT_EQ(events(other.get()), events_of(to)) << events_of(from);
    }
  }
}

TEST_F(Doorbell, ThereIsNoHangUpWhoeverComesAndGoes) {
  const UniqueFd bell = opened();
  std::atomic<bool> over{false};
  std::thread visitors([&] {
    while (!over.load()) {
      (void)opened();
      (void)in_use(path_);
    }
  });
  for (const Bell state : kStates) {
    set_bell(bell.get(), bell_state(bell.get()), state);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(events(bell.get()), events_of(state));
  }
  over.store(true);
  visitors.join();
}

// Between empty and full there are two system calls, or two pages of one, and some shows: all three states are true of
// one moment or the other. Between neighbours nothing else may show.
TEST_F(Doorbell, GoesFromOneStateToItsNeighbourWithoutShowingTheThird) {
  const UniqueFd bell = opened();
  const UniqueFd other = opened();
  for (const Bell from : kStates) {
    for (const Bell to : kStates) {
      if (from != Bell::some && to != Bell::some) continue;
      set_bell(bell.get(), bell_state(bell.get()), from);
      std::atomic<bool> over{false};
      std::atomic<int> looks{0};
      int wrong = 0;
      std::thread watcher([&] {
        while (!over.load() || looks.load() == 0) {
          const Bell seen = bell_state(other.get());
          if (seen != from && seen != to) ++wrong;
          looks.fetch_add(1);
        }
      });
      while (looks.load() == 0) std::this_thread::yield();
      for (int i = 0; i < test::scaled(2000); ++i) {
        set_bell(bell.get(), from, to);
        set_bell(bell.get(), to, from);
      }
      over.store(true);
      watcher.join();
      EXPECT_EQ(wrong, 0) << "between " << static_cast<int>(from) << " and " << static_cast<int>(to);
    }
  }
}

TEST_F(Doorbell, NothingBlocksEvenWhenItSaysSomethingElseThanWasThought) {
  const UniqueFd bell = opened();
  for (const Bell truth : kStates) {
    for (const Bell thought : kStates) {
      for (const Bell to : kStates) {
        set_bell(bell.get(), bell_state(bell.get()), truth);
        set_bell(bell.get(), thought, to);
        strike_bell(bell.get());
        set_bell(bell.get(), bell_state(bell.get()), to);
        EXPECT_EQ(bell_state(bell.get()), to);
      }
    }
  }
}

void send_descriptor(int socket, int descriptor) {
  char byte = 'x';
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  ASSERT_EQ(sendmsg(socket, &message, 0), 1);
}

TEST_F(Doorbell, IsInUseWhileAnybodyHasItOpenOrInAMessage) {
  EXPECT_FALSE(in_use(path_));
  UniqueFd bell = opened();
  EXPECT_TRUE(in_use(path_));
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  send_descriptor(ends[0], bell.get());
  bell.reset();
  EXPECT_TRUE(in_use(path_)) << "it is on its way";
  close(ends[0]);
  close(ends[1]);
  EXPECT_FALSE(in_use(path_));
  EXPECT_FALSE(in_use(directory_.path() / "none"));
}

TEST_F(Doorbell, ProcessThatDiesLetsGo) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  test::Child child([&] {
    const UniqueFd own = opened();
    ASSERT_EQ(write(ready[1], "x", 1), 1);
    for (;;) pause();
  });
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_TRUE(in_use(path_));
  child.kill();
  EXPECT_FALSE(in_use(path_));
  close(ready[0]);
  close(ready[1]);
}

TEST_F(Doorbell, ForgetsItsStateWhenNobodyHasItOpen) {
  UniqueFd bell = opened();
  set_bell(bell.get(), Bell::empty, Bell::full);
  UniqueFd other = opened();
  bell.reset();
  EXPECT_EQ(bell_state(other.get()), Bell::full) << "somebody has it open";
  other.reset();
  EXPECT_EQ(bell_state(opened().get()), Bell::empty);
}

}  // namespace
}  // namespace mqxx::os
