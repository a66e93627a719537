// What a poll says after a death: what was found by killing at every instruction, as tests of the engine. And looking
// where a thread is stopped inside a lock.
#include <array>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/step.hpp"
#include "os/doorbell.hpp"
#include "shm/queue.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/step_death.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

constexpr std::uint32_t kCapacity = 2;
constexpr std::size_t kSize = 64;

std::unique_ptr<Queue> join_it() { return std::move(*Queue::join(std::move(*attach("/q")))); }

Result<void> send(Queue& queue) {
  const std::array<std::byte, kSize> bytes{};
  return queue.send(bytes, 1, Wait::none());
}

void receive(Queue& queue) {
  std::array<std::byte, kSize> buffer;
  Received received;
  EXPECT_TRUE(queue.receive(buffer, Wait::none(), received));
}

class PollAfterDeath : public testing::Test {
 protected:
  /// `act` in another process, which does not survive it.
  static void die(const std::function<void(Queue&)>& act) {
    test::Child child([&] {
      const auto own = join_it();
      act(*own);
      ::kill(getpid(), SIGKILL);
    });
    EXPECT_EQ(child.join().signal, SIGKILL);
  }

  static void die_at(Step fatal, const std::function<void(Queue&)>& act) {
    static Step fatal_step;
    fatal_step = fatal;
    die([&](Queue& queue) {
      step_hook = [](Step step) {
        if (step == fatal_step) ::kill(getpid(), SIGKILL);
      };
      act(queue);
    });
  }

  /// Another process, which has stopped at that step of `act`.
  static test::Child stop_at(Step where, const std::function<void(Queue&)>& act) {
    test::Child child([&] {
      const auto own = join_it();
      test::g_stop_at = where;
      step_hook = test::stop_at_step;
      act(*own);
    });
    EXPECT_TRUE(child.await_stop());
    return child;
  }

  os::Bell polled() {
    EXPECT_TRUE(queue_->begin_poll(Edges::no));
    const os::Bell said = os::bell_state(queue_->bell());
    queue_->end_poll(Edges::no);
    return said;
  }

  test::Watchdog watchdog_{std::chrono::seconds(60)};
  test::PrivateDirectory directory_;
  std::unique_ptr<Queue> queue_ = std::move(*Queue::join(std::move(*publish({"/q", kCapacity, kSize, 0600}))));
};

TEST_F(PollAfterDeath, FindsTheMessageThatTheDeadHadOnLoan) {
  ASSERT_TRUE(send(*queue_));
  die([](Queue& queue) { EXPECT_TRUE(queue.receive_loan(Wait::none())); });
  EXPECT_TRUE(queue_->has_loans());
  EXPECT_EQ(polled(), os::Bell::some);
  EXPECT_FALSE(queue_->has_loans());
}

TEST_F(PollAfterDeath, FindsTheRoomThatTheDeadWereWriting) {
  ASSERT_TRUE(send(*queue_));
  die([](Queue& queue) { EXPECT_TRUE(queue.loan(kSize, Wait::none())); });
  EXPECT_EQ(polled(), os::Bell::some);
}

TEST_F(PollAfterDeath, LookFindsTheMessageThatTheDeadHadOnLoan) {
  ASSERT_TRUE(send(*queue_));
  die([](Queue& queue) { EXPECT_TRUE(queue.receive_loan(Wait::none())); });
  EXPECT_FALSE(queue_->readiness().readable);
  queue_->look();
  EXPECT_TRUE(queue_->readiness().readable);
}

TEST_F(PollAfterDeath, WithoutALockIsInDoubtUntilSomebodyLooks) {
  ASSERT_TRUE(send(*queue_));
  EXPECT_FALSE(queue_->in_doubt());
  // Received, and still on its way out of the ring: without a lock it seems to be there.
  die_at(Step::slot_freed, receive);
  EXPECT_TRUE(queue_->in_doubt());
  queue_->look();
  EXPECT_FALSE(queue_->in_doubt());
  EXPECT_FALSE(queue_->readiness().readable);
  // A slot taken, and nothing sent.
  die_at(Step::payload_written, [](Queue& queue) { (void)send(queue); });
  EXPECT_TRUE(queue_->in_doubt());
  EXPECT_EQ(polled(), os::Bell::empty);
  EXPECT_FALSE(queue_->in_doubt());
}

TEST_F(PollAfterDeath, TryLookGivesUpWhereAThreadIsStoppedInTheSendersLock) {
  test::Child stopped = stop_at(Step::slot_taken, [](Queue& queue) { EXPECT_TRUE(send(queue)); });
  Doubt doubt;
  queue_->try_look(doubt);
  EXPECT_NE(doubt.owner, 0u) << "it had the lock all the time";
  stopped.go_on();
  expect_well(stopped);
  EXPECT_EQ(polled(), os::Bell::some);
}

// What a dead sender left in the lock that is free is left there, for the next who looks.
TEST_F(PollAfterDeath, TryLookGivesUpWhereAThreadIsStoppedInTheReceiversLockAndLeavesTheSendersAsItWas) {
  ASSERT_TRUE(send(*queue_));
  test::Child stopped = stop_at(Step::slot_freed, receive);
  Doubt doubt;
  queue_->try_look(doubt);
  EXPECT_NE(doubt.owner, 0u);
  die_at(Step::payload_written, [](Queue& queue) { (void)send(queue); });
  ASSERT_TRUE(queue_->in_doubt());
  queue_->try_look(doubt);
  EXPECT_TRUE(queue_->in_doubt());
  stopped.go_on();
  expect_well(stopped);
  queue_->try_look(doubt);
  EXPECT_FALSE(queue_->in_doubt());
  EXPECT_EQ(polled(), os::Bell::empty);
}

}  // namespace
}  // namespace mqxx::shm
