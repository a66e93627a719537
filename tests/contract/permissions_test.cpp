// change_mode and change_owner: who may use a queue that exists, from when on, and who may say so.
#include <sys/stat.h>

#include <mqxx/permissions.hpp>

#include "contract/backend_contract.hpp"
#include "support/child.hpp"

namespace mqxx::test {
namespace {

constexpr std::uint32_t kStranger = 65534;  // whom become_ordinary_user() makes of root

Errc opening(const std::string& name, Access access) {
  std::error_code ec;
  (void)Queue::open(name, {.access = access}, ec);
  return static_cast<Errc>(ec.value());
}

TEST_P(BackendContract, ChangedModeIsExactlyThatWhichWasAskedForWhateverTheUmask) {
  const Queue queue = make();
  const mode_t umask_before = ::umask(0777);
  for (const std::uint32_t mode : {0640U, 0666U, 0604U, 0777U, 0444U, 0600U}) {
    change_mode(queue.name(), mode);
    EXPECT_EQ(describe(queue.name()).mode, mode);
  }
  ::umask(umask_before);
}

TEST_P(BackendContract, WhenTheModeChangesMessagesStayAndWhoHasItOpenSendsAndReceives) {
  Queue queue = make();
  queue.send("before", 3);
  change_mode(queue.name(), 0660);
  queue.send("after");
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"before", "after"}));
}

TEST_P(BackendContract, ModeWithOtherBitsIsRefusedAndChangesNothing) {
  const Queue queue = make();
  for (const std::uint32_t mode : {01000U, 04600U, 0xffffffffU}) {
    EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { change_mode(queue.name(), mode); }));
  }
  EXPECT_EQ(describe(queue.name()).mode, 0600U);
  EXPECT_TRUE(fails_with(Errc::invalid_argument, [&] { change_owner(queue.name(), {.uid = 0xffffffffU}); }));
}

TEST_P(BackendContract, ModeAndOwnerOfAQueueThatIsNotThereAreNotFound) {
  const std::string missing = at("missing");
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { change_mode(missing, 0600); }));
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { change_owner(missing, {.uid = 0}); }));
  EXPECT_TRUE(fails_with(Errc::invalid_name, [] { change_mode("/a/b", 0600); }));
}

TEST_P(BackendContract, StrangerMayChangeNeitherModeNorOwnerAndIsToldWhoMay) {
  if (!is_root()) GTEST_SKIP() << "only root can act as a second user";
  directory_.share_with_everybody();
  const Queue queue = make();
  change_mode(queue.name(), 0666);
  Child stranger([&] {
    become_ordinary_user();
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { change_mode(queue.name(), 0777); }));
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { change_owner(queue.name(), {.uid = kStranger}); }));
    EXPECT_TRUE(says(sentence_of([&] { change_mode(queue.name(), 0777); }), "chmod", queue.name(), "(user 0)"));
  });
  expect_well(stranger);
  EXPECT_EQ(describe(queue.name()).mode, 0666U);
  EXPECT_EQ(describe(queue.name()).uid, ::geteuid());
}

TEST_P(BackendContract, QueueOpenedToOthersIsOpenToThemAndClosedAgainItIsNot) {
  if (!is_root()) GTEST_SKIP() << "only root can act as a second user";
  directory_.share_with_everybody();
  Queue queue = make();
  const auto stranger_meets = [&](Errc reading, Errc writing) {
    Child stranger([&] {
      become_ordinary_user();
      EXPECT_EQ(opening(queue.name(), Access::read_only), reading);
      EXPECT_EQ(opening(queue.name(), Access::write_only), writing);
      if (reading != Errc{} || writing != Errc{}) return;
      Queue own = Queue::open(queue.name());
      own.send("from a stranger");
      EXPECT_EQ(own.receive().text(), "from a stranger");
      if (kThreadsInChildren) {
        EXPECT_GE(own.native_handle(), 0) << "the doorbell lets him in, too";
      }
    });
    expect_well(stranger);
  };
  stranger_meets(Errc::permission_denied, Errc::permission_denied);
  change_mode(queue.name(), 0606);
  stranger_meets({}, {});
  change_mode(queue.name(), 0604);
  stranger_meets({}, Errc::permission_denied);
  change_mode(queue.name(), 0602);
  stranger_meets(Errc::permission_denied, {});
  change_mode(queue.name(), 0660);
  stranger_meets(Errc::permission_denied, Errc::permission_denied);
}

TEST_P(BackendContract, OwnerAndGroupAreGivenTogetherOrAlone) {
  if (!is_root()) GTEST_SKIP() << "only root may give a queue away";
  directory_.share_with_everybody();
  Queue queue = make();
  queue.send("kept");
  change_owner(queue.name(), {.uid = kStranger, .gid = 7});
  EXPECT_EQ(describe(queue.name()).uid, kStranger);
  EXPECT_EQ(describe(queue.name()).gid, 7U);
  change_owner(queue.name(), {.gid = 8});
  EXPECT_EQ(describe(queue.name()).uid, kStranger);
  EXPECT_EQ(describe(queue.name()).gid, 8U);
  EXPECT_EQ(describe(queue.name()).mode, 0600U);
  Child owner([&] {
    become_ordinary_user();
    Queue own = Queue::open(queue.name());
    if (kThreadsInChildren) {
      EXPECT_GE(own.native_handle(), 0);
    }
    EXPECT_EQ(own.receive().text(), "kept");
    change_mode(own.name(), 0620);
  });
  expect_well(owner);
  change_owner(queue.name(), {.uid = 0});
  EXPECT_EQ(describe(queue.name()).uid, 0U);
  EXPECT_EQ(describe(queue.name()).gid, 8U);
  EXPECT_EQ(describe(queue.name()).mode, 0620U);
}

TEST_P(BackendContract, OwnerWhomTheModeLeavesNothingMayStillChangeItWhereNoOpenQueueIsNeeded) {
  directory_.share_with_everybody();
  const bool of_kernel = home().name == "Kernel";
  const std::string name = at();
  Child owner([&] {
    become_ordinary_user();
    (void)Queue::create(name, {.capacity = 1, .message_size = 8});
    change_mode(name, 0);
    EXPECT_EQ(opening(name, Access::read_only), Errc::permission_denied);
    if (of_kernel) {
      EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { change_mode(name, 0600); }));
      EXPECT_TRUE(says(sentence_of([&] { change_mode(name, 0600); }), "neither send", "open queue"));
      return;
    }
    change_mode(name, 0600);
    EXPECT_EQ(opening(name, Access::read_write), Errc{});
  });
  expect_well(owner);
}

}  // namespace

}  // namespace mqxx::test
