// What the doorbell of POSIX alone cannot do (docs/porting.md).
#include "os/doorbell.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "os/memory.hpp"
#include "unit/os/doorbell_fixture.hpp"

namespace mqxx::os {
namespace {

TEST_F(Doorbell, StrikingItChangesNothing) {
  const UniqueFd bell = opened();
  for (const Bell state : kStates) {
    set_bell(bell.get(), bell_state(bell.get()), state);
    strike_bell(bell.get());
    EXPECT_EQ(bell_state(bell.get()), state);
  }
}

TEST_F(Doorbell, MarkOfAnAbandonedOneIsItsOwnersRightToExecuteIt) {
  EXPECT_EQ(facts(path_)->mode, 0700U);
  const UniqueFd bell = opened();
  ASSERT_TRUE(adopt(bell.get(), 0777));
  EXPECT_EQ(facts(path_)->mode, 0677U) << "adopted, whatever rights were asked for";
  EXPECT_FALSE(abandoned(path_));
}

TEST_F(Doorbell, UmaskDoesNotTakeTheMark) {
  const mode_t before = umask(0777);
  const std::string path = directory_.path() / "other";
  EXPECT_TRUE(make_doorbell(path));
  (void)umask(before);
  EXPECT_TRUE(abandoned(path));
}

}  // namespace
}  // namespace mqxx::os
