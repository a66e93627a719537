// Kills a process at every step of every operation, and lets the survivor find out.
//
// Each scenario runs again and again; in run n the child is killed at its n-th step, until it gets through alive. After
// each death:
//  - the survivor's very next call answers
//  - what was queued before is there, whole and in order, but for what the dead process had received; its own message
//  may be there or not
//  - the full capacity can be filled and emptied
//  - the checker finds nothing
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/step.hpp"
#include "shm/check.hpp"
#include "shm/queue.hpp"
#include "support/child.hpp"
#include "support/payload.hpp"
#include "support/private_directory.hpp"
#include "support/shared_array.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

int g_countdown = 0;
void die_at_step(Step) {
  if (g_countdown-- == 0) {
    ::kill(getpid(), SIGKILL);
    for (;;) pause();
  }
}

struct Scenario {
  const char* name;
  std::uint32_t capacity;
  std::uint32_t message_size;
  int queued;  // messages in the queue before: tags 0, 1, ...; priority tag % 3
  std::function<void(Queue&)> operation;
  int most_taken = 0;  // messages that go with a victim
};

constexpr std::uint64_t kVictimTag = 1000;

std::vector<std::byte> message(std::uint64_t tag, std::size_t size) {
  std::vector<std::byte> bytes(std::max<std::size_t>(size, sizeof tag));
  test::fill_pattern(std::span(bytes).subspan(sizeof tag), tag);
  std::memcpy(bytes.data(), &tag, sizeof tag);
  return bytes;
}

void send(Queue& queue, std::uint64_t tag) {
  const auto bytes = message(tag, queue.geometry().message_size);
  EXPECT_TRUE(queue.send(bytes, static_cast<Priority>(tag % 3), Wait::none()));
}

std::uint64_t checked_tag(std::span<const std::byte> bytes) {
  std::uint64_t tag = 0;
  std::memcpy(&tag, bytes.data(), sizeof tag);
  EXPECT_TRUE(test::is_pattern(bytes.subspan(sizeof tag), tag)) << "torn message " << tag;
  return tag;
}

// A message that a victim had on loan returns when somebody looks for it: at the latest when the queue seems empty, and
// then late.
constexpr int kMostLate = 1;

std::vector<std::uint64_t> drain(Queue& queue) {
  std::vector<std::uint64_t> tags;
  int late = 0;
  std::vector<std::byte> buffer(queue.geometry().message_size);
  Received received;
  Priority before = kMaxPriority;
  for (;;) {
    const Result<void> got = queue.receive(buffer, Wait::none(), received);
    if (!got) {
      EXPECT_TRUE(got.is(Errc::would_block));
      return tags;
    }
    late += received.priority > before ? 1 : 0;
    EXPECT_LE(late, kMostLate) << "out of order";
    before = std::min(before, received.priority);
    tags.push_back(checked_tag(std::span(buffer).first(received.size)));
  }
}

void expect_sound(Queue& queue, const std::string& where) {
  const auto findings = check(queue);
  ASSERT_TRUE(findings) << where;
  for (const Broken& broken : *findings) ADD_FAILURE() << where << ": " << broken.invariant << ' ' << broken.text;
}

class Steps : public testing::TestWithParam<Scenario> {
 protected:
  std::unique_ptr<Queue> attach_queue() { return std::move(*Queue::join(std::move(*attach("/q")))); }

  // @return whether the child was killed
  bool run_child(int countdown, const std::function<void(Queue&)>& operation) {
    test::Child child([&] {
      const auto queue = attach_queue();
      g_countdown = countdown;
      step_hook = die_at_step;
      operation(*queue);
      step_hook = nullptr;
    });
    const test::Ended ended = child.join();
    EXPECT_FALSE(ended.late);
    EXPECT_EQ(ended.failures, "");
    return ended.signal == SIGKILL;
  }

  void expect_nothing_lost(Queue& queue, int queued, const std::string& where) {
    std::vector<std::uint64_t> tags = drain(queue);
    std::erase_if(tags, [](std::uint64_t tag) { return tag >= kVictimTag; });
    std::sort(tags.begin(), tags.end());
    EXPECT_EQ(std::adjacent_find(tags.begin(), tags.end()), tags.end()) << where << ": a message is doubled";
    EXPECT_GE(static_cast<int>(tags.size()) + most_taken_, queued) << where;
  }

  void expect_full_capacity(Queue& queue, const std::string& where) {
    const std::uint32_t capacity = queue.geometry().capacity;
    for (std::uint32_t i = 0; i < capacity; ++i) {
      ASSERT_TRUE(queue.send(message(i, queue.geometry().message_size), 1, Wait::none()))
          << where << ": room for " << i;
    }
    EXPECT_TRUE(queue.send(message(0, 8), 1, Wait::none()).is(Errc::would_block)) << where;
    EXPECT_EQ(drain(queue).size(), capacity) << where;
  }

  test::Watchdog watchdog_{std::chrono::seconds(100)};
  test::PrivateDirectory directory_;
  int most_taken_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Scenario& scenario) { return out << scenario.name; }

TEST_P(Steps, DeathAtEachStepLosesNothing) {
  const Scenario& scenario = GetParam();
  bool killed = true;
  int countdown = 0;
  for (; killed; ++countdown) {
    ASSERT_LT(countdown, 2000) << "the operation has no end";
    const std::string where = std::string(scenario.name) + ", step " + std::to_string(countdown);
    (void)os::remove_file(file_of("/q"));
    const auto queue =
        std::move(*Queue::join(std::move(*publish({"/q", scenario.capacity, scenario.message_size, 0600}))));
    for (int tag = 0; tag < scenario.queued; ++tag) send(*queue, static_cast<std::uint64_t>(tag));
    most_taken_ = scenario.most_taken;
    killed = run_child(countdown, scenario.operation);
    expect_sound(*queue, where);
    expect_nothing_lost(*queue, scenario.queued, where);
    expect_full_capacity(*queue, where);
    expect_sound(*queue, where + ", afterwards");
    if (HasFailure()) return;
  }
  EXPECT_GT(countdown, 1) << "the operation had hardly a step to die at";
}

TEST_P(Steps, DeathDuringTheRepairAfterADeathLosesNothing) {
  const Scenario& scenario = GetParam();
  // The first victim dies holding a lock; the second at each step of what it does next, recovery first of all.
  for (const int first : {1, 3, 5}) {
    bool killed = true;
    for (int countdown = 0; killed && countdown < 200; ++countdown) {
      const std::string where =
          std::string(scenario.name) + ", steps " + std::to_string(first) + " and " + std::to_string(countdown);
      (void)os::remove_file(file_of("/q"));
      const auto queue =
          std::move(*Queue::join(std::move(*publish({"/q", scenario.capacity, scenario.message_size, 0600}))));
      for (int tag = 0; tag < scenario.queued; ++tag) send(*queue, static_cast<std::uint64_t>(tag));
      most_taken_ = 2 * scenario.most_taken;
      run_child(first, scenario.operation);
      killed = run_child(countdown, scenario.operation);
      expect_sound(*queue, where);
      expect_nothing_lost(*queue, scenario.queued, where);
      expect_full_capacity(*queue, where);
      if (HasFailure()) return;
    }
  }
}

void send_victims(Queue& queue) {
  (void)queue.send(message(kVictimTag, queue.geometry().message_size), 1, Wait::none());
}

void receive_one(Queue& queue) {
  std::vector<std::byte> buffer(queue.geometry().message_size);
  Received received;
  (void)queue.receive(buffer, Wait::none(), received);
}

void send_eight(Queue& queue) {
  std::array<std::vector<std::byte>, 8> bytes;
  std::array<Outgoing, 8> batch;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    bytes[i] = message(kVictimTag + i, queue.geometry().message_size);
    batch[i] = {Payload(std::span<const std::byte>(bytes[i])), static_cast<Priority>(i % 2)};
  }
  (void)queue.send_batch(batch, Wait::none());
}

void receive_eight(Queue& queue) {
  std::vector<std::byte> buffer(8 * queue.geometry().message_size);
  std::array<Incoming, 8> room;
  for (std::size_t i = 0; i < room.size(); ++i) {
    room[i].buffer = std::span(buffer).subspan(i * queue.geometry().message_size, queue.geometry().message_size);
  }
  (void)queue.receive_batch(room, Wait::none());
}

void lend_and_send(Queue& queue) {
  const Result<Loan> loan = queue.loan(queue.geometry().message_size, Wait::none());
  if (!loan) return;
  const auto bytes = message(kVictimTag, queue.geometry().message_size);
  std::memcpy(loan->bytes.data(), bytes.data(), bytes.size());
  (void)queue.send_loan(loan->slot, bytes.size(), 2);
}

void lend_and_drop(Queue& queue) {
  const Result<Loan> loan = queue.loan(8, Wait::none());
  if (loan) (void)queue.drop_loan(loan->slot);
}

void take_and_release(Queue& queue) {
  const Result<Loan> loan = queue.receive_loan(Wait::none());
  if (loan) (void)queue.release_loan(loan->slot);
}

void take_and_put_back(Queue& queue) {
  const Result<Loan> loan = queue.receive_loan(Wait::none());
  if (loan) (void)queue.put_back_loan(loan->slot);
}

void wait_in_vain_to_send(Queue& queue) {
  (void)queue.send(message(kVictimTag, 8), 1, Wait::for_duration(std::chrono::milliseconds(2)));
}

void wait_in_vain_to_receive(Queue& queue) {
  std::vector<std::byte> buffer(queue.geometry().message_size);
  Received received;
  (void)queue.receive(buffer, Wait::for_duration(std::chrono::milliseconds(2)), received);
}

void come_and_go(Queue&) {
  const Result<std::unique_ptr<Queue>> another = Queue::join(std::move(*attach("/q")));
  EXPECT_TRUE(another);
}

constexpr std::uint32_t kLarge = 10'000;

INSTANTIATE_TEST_SUITE_P(
    Shm, Steps,
    testing::Values(
        Scenario{"SendToEmpty", 4, 64, 0, send_victims}, Scenario{"Send", 4, 64, 2, send_victims},
        Scenario{"SendThatFills", 4, 64, 3, send_victims}, Scenario{"SendToFull", 4, 64, 4, send_victims},
        Scenario{"SendLarge", 3, kLarge, 1, send_victims}, Scenario{"SendEight", 12, 64, 3, send_eight},
        Scenario{"SendBeyondTheRing", 40, 64, 16, send_victims}, Scenario{"Receive", 4, 64, 3, receive_one, 1},
        Scenario{"ReceiveThatEmpties", 4, 64, 1, receive_one, 1}, Scenario{"ReceiveFromFull", 4, 64, 4, receive_one, 1},
        Scenario{"ReceiveLarge", 3, kLarge, 2, receive_one, 1}, Scenario{"ReceiveEight", 12, 64, 10, receive_eight, 8},
        Scenario{"LoanSent", 4, 64, 2, lend_and_send}, Scenario{"LoanDropped", 4, 64, 2, lend_and_drop},
        Scenario{"LoanReleased", 4, 64, 3, take_and_release, 1}, Scenario{"LoanPutBack", 4, 64, 3, take_and_put_back},
        Scenario{"SendThatExpires", 2, 64, 2, wait_in_vain_to_send},
        Scenario{"ReceiveThatExpires", 2, 64, 0, wait_in_vain_to_receive},
        Scenario{"OpenAndClose", 4, 64, 2, come_and_go}),
    [](const auto& scenario) { return std::string(scenario.param.name); });

// A sender that dies between making its message queued and waking: nobody else makes a call, and the sleeper goes on
// all the same.
TEST(StepsOfAWakeUp, SleepingReceiverGetsTheMessageOfASenderThatDiedBeforeWakingIt) {
  const test::Watchdog watchdog{std::chrono::seconds(60)};
  const test::PrivateDirectory directory;
  for (const Step fatal : {Step::message_committed, Step::message_listed}) {
    (void)os::remove_file(file_of("/q"));
    const auto queue = std::move(*Queue::join(std::move(*publish({"/q", 4, 64, 0600}))));
    test::Child receiver([] {
      const auto own = std::move(*Queue::join(std::move(*attach("/q"))));
      std::vector<std::byte> buffer(64);
      Received received;
      EXPECT_TRUE(own->receive(buffer, Wait::forever(), received));
      EXPECT_EQ(checked_tag(buffer), kVictimTag);
    });
    while (queue->statistics().waiting_receivers == 0) usleep(1000);
    static Step fatal_step;
    fatal_step = fatal;
    test::Child sender([] {
      const auto own = std::move(*Queue::join(std::move(*attach("/q"))));
      step_hook = [](Step step) {
        if (step == fatal_step) ::kill(getpid(), SIGKILL);
      };
      send_victims(*own);
    });
    EXPECT_EQ(sender.join().signal, SIGKILL);
    expect_well(receiver);
  }
}

}  // namespace
}  // namespace mqxx::shm
