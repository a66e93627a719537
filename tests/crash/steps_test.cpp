// Kills a process at every step of every operation, and lets the survivor find out.
//
// Each scenario runs again and again; in run n the child is killed at its n-th step, until it gets through alive. After
// each death:
//  - the survivor's very next call answers
//  - what was queued before is there, whole and in order, but for what the dead process had received; its own message
//  may be there or not
//  - the full capacity can be filled and emptied
//  - the checker finds nothing
// And while the survivor watches:
//  - the doorbell is right from that very next call on, and the polls of the dead process are not counted any more
//  - a registered survivor is told of a message that came to the empty queue, also by a sender that died; of none,
//  perhaps
//  - whoever registers finds the registration of the dead process gone
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/step.hpp"
#include "os/doorbell.hpp"
#include "shm/check.hpp"
#include "shm/queue.hpp"
#include "support/child.hpp"
#include "support/payload.hpp"
#include "support/private_directory.hpp"
#include "support/shared_array.hpp"
#include "support/step_death.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

struct Scenario {
  const char* name;
  std::uint32_t capacity;
  std::uint32_t message_size;
  int queued;  // messages in the queue before: tags 0, 1, ...; priority tag % 3
  std::function<void(Queue&)> operation;
  int most_taken = 0;  // messages that go with a victim
};

/// What the survivor does meanwhile.
enum class Watching : std::uint8_t { no, polls, polls_for_edges, awaits_signal, has_helper };
constexpr std::array kWatching{"", "Polled", "PolledForEdges", "Registered", "RegisteredWithHelper"};

bool polls(Watching watching) { return watching == Watching::polls || watching == Watching::polls_for_edges; }
bool registered(Watching watching) { return watching == Watching::awaits_signal || watching == Watching::has_helper; }

// Blocked everywhere, so that it is pending when it was raised, and kills no victim.
constexpr int kNotice = SIGUSR1;

sigset_t notices() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kNotice);
  return set;
}

bool take_signal() {
  const sigset_t set = notices();
  const timespec at_once{};
  return sigtimedwait(&set, nullptr, &at_once) == kNotice;
}

bool owed(const Told& told) { return told.state == Told::State::owed; }

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

class Steps : public testing::TestWithParam<std::tuple<Scenario, Watching>> {
 protected:
  /// Before the watchdog's thread is made, which would otherwise take the signal.
  struct NoticesBlocked {
    NoticesBlocked() {
      const sigset_t set = notices();
      pthread_sigmask(SIG_BLOCK, &set, nullptr);
    }
  };

  /// A queue as the scenario wants it, with a survivor that watches.
  std::unique_ptr<Queue> survivor() {
    const auto& [scenario, watching] = GetParam();
    bell_.reset();
    (void)remove("/q");
    auto queue = std::move(*Queue::join(std::move(*publish({"/q", scenario.capacity, scenario.message_size, 0600}))));
    for (int tag = 0; tag < scenario.queued; ++tag) send(*queue, static_cast<std::uint64_t>(tag));
    bell_ = std::move(*os::open_doorbell(queue->segment().place().bell(), os::Blocking::no, geteuid()));
    if (polls(watching)) {
      EXPECT_TRUE(queue->begin_poll(watching == Watching::polls_for_edges ? Edges::yes : Edges::no));
    }
    (void)take_signal();
    if (registered(watching)) {
      const Notice kind = watching == Watching::has_helper ? Notice::thread : Notice::signal;
      number_ = *queue->register_notice({kind, kNotice, 0});
    }
    return queue;
  }

  std::unique_ptr<Queue> attach_queue() { return std::move(*Queue::join(std::move(*attach("/q")))); }

  // @return whether the child was killed
  bool run_child(int countdown, const std::function<void(Queue&)>& operation) {
    test::Child child([&] {
      const auto queue = attach_queue();
      test::g_countdown = countdown;
      step_hook = test::die_at_step;
      operation(*queue);
      step_hook = nullptr;
    });
    const test::Ended ended = child.join();
    EXPECT_FALSE(ended.late);
    EXPECT_EQ(ended.failures, "");
    return ended.signal == SIGKILL;
  }

  void expect_bell(os::Bell expected, const std::string& where) {
    if (!polls(std::get<Watching>(GetParam()))) return;
    EXPECT_EQ(os::bell_state(bell_.get()), expected) << where;
  }

  void expect_told(Queue& queue, const std::string& where) {
    EXPECT_FALSE(queue.notice_is_ours()) << where << ": it waits still";
    if (queue.notice_is_ours()) return;
    EXPECT_TRUE(take_signal() || owed(queue.await_notice(number_))) << where << ": the notice is lost";
  }

  void expect_nothing_lost(Queue& queue, int queued, const std::string& where) {
    const Readiness ready = queue.readiness();
    const Watching watching = std::get<Watching>(GetParam());
    // Every step at which a poller dies is inside a lock, so recovery came by.
    EXPECT_EQ(queue.segment().header().watch.pollers.get(), polls(watching) ? 1U : 0U) << where;
    expect_bell(!ready.readable ? os::Bell::empty : ready.writable ? os::Bell::some : os::Bell::full, where);
    // The check was the next call. What the survivor finds now came to an empty queue before it.
    if (registered(watching) && queued == 0 && ready.readable) expect_told(queue, where);
    std::vector<std::uint64_t> tags = drain(queue);
    expect_bell(os::Bell::empty, where + ", emptied");
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
    expect_bell(os::Bell::full, where + ", filled");
    EXPECT_EQ(drain(queue).size(), capacity) << where;
  }

  void expect_registrable(Queue& queue, const std::string& where) {
    (void)queue.cancel_notice();
    EXPECT_TRUE(queue.register_notice({Notice::silent, 0, 0}))
        << where << ": the registration of a dead process stands";
    EXPECT_TRUE(queue.cancel_notice()) << where;
  }

  NoticesBlocked notices_blocked_;
  test::Watchdog watchdog_{std::chrono::seconds(100)};
  test::PrivateDirectory directory_;
  UniqueFd bell_;  // nobody's
  std::uint32_t number_ = 0;
  int most_taken_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Scenario& scenario) { return out << scenario.name; }

TEST_P(Steps, DeathAtEachStepLosesNothing) {
  const Scenario& scenario = std::get<Scenario>(GetParam());
  bool killed = true;
  int countdown = 0;
  for (; killed; ++countdown) {
    ASSERT_LT(countdown, 2000) << "the operation has no end";
    const std::string where = std::string(scenario.name) + ", step " + std::to_string(countdown);
    const auto queue = survivor();
    most_taken_ = scenario.most_taken;
    killed = run_child(countdown, scenario.operation);
    expect_sound(*queue, where);
    expect_nothing_lost(*queue, scenario.queued, where);
    expect_full_capacity(*queue, where);
    expect_registrable(*queue, where);
    expect_sound(*queue, where + ", afterwards");
    if (HasFailure()) return;
  }
  EXPECT_GT(countdown, 1) << "the operation had hardly a step to die at";
}

TEST_P(Steps, DeathDuringTheRepairAfterADeathLosesNothing) {
  const Scenario& scenario = std::get<Scenario>(GetParam());
  // The first victim dies holding a lock; the second at each step of what it does next, recovery first of all.
  for (const int first : {1, 3, 5}) {
    bool killed = true;
    for (int countdown = 0; killed && countdown < 200; ++countdown) {
      const std::string where =
          std::string(scenario.name) + ", steps " + std::to_string(first) + " and " + std::to_string(countdown);
      const auto queue = survivor();
      most_taken_ = 2 * scenario.most_taken;
      run_child(first, scenario.operation);
      killed = run_child(countdown, scenario.operation);
      expect_sound(*queue, where);
      expect_nothing_lost(*queue, scenario.queued, where);
      expect_full_capacity(*queue, where);
      expect_registrable(*queue, where);
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

void poll_and_stop(Queue& queue) {
  if (queue.begin_poll(Edges::no)) queue.end_poll(Edges::no);
}

void poll_for_edges(Queue& queue) {
  if (!queue.begin_poll(Edges::yes)) return;
  send_victims(queue);
  receive_one(queue);
  queue.end_poll(Edges::yes);
}

// Through a handle of its own, so that there are steps also where the survivor is registered already.
void register_and_cancel(Queue&) {
  const Result<std::unique_ptr<Queue>> another = Queue::join(std::move(*attach("/q")));
  ASSERT_TRUE(another);
  if ((*another)->register_notice({Notice::thread, 0, 0})) (void)(*another)->cancel_notice();
}

void register_and_send(Queue& queue) {
  (void)queue.register_notice({Notice::signal, kNotice, 0});
  send_victims(queue);
}

void come_to_watch_and_go(Queue&) {
  const Result<std::unique_ptr<Queue>> another = Queue::join(std::move(*attach("/q")));
  ASSERT_TRUE(another);
  (void)(*another)->begin_poll(Edges::yes);
  (void)(*another)->register_notice({Notice::silent, 0, 0});
}

constexpr std::uint32_t kLarge = 10'000;

INSTANTIATE_TEST_SUITE_P(
    Shm, Steps,
    testing::Combine(
        testing::Values(
            Scenario{"SendToEmpty", 4, 64, 0, send_victims}, Scenario{"Send", 4, 64, 2, send_victims},
            Scenario{"SendThatFills", 4, 64, 3, send_victims}, Scenario{"SendToFull", 4, 64, 4, send_victims},
            Scenario{"SendLarge", 3, kLarge, 1, send_victims}, Scenario{"SendEight", 12, 64, 3, send_eight},
            Scenario{"SendBeyondTheRing", 40, 64, 16, send_victims}, Scenario{"Receive", 4, 64, 3, receive_one, 1},
            Scenario{"ReceiveThatEmpties", 4, 64, 1, receive_one, 1},
            Scenario{"ReceiveFromFull", 4, 64, 4, receive_one, 1},
            Scenario{"ReceiveLarge", 3, kLarge, 2, receive_one, 1},
            Scenario{"ReceiveEight", 12, 64, 10, receive_eight, 8}, Scenario{"LoanSent", 4, 64, 2, lend_and_send},
            Scenario{"LoanDropped", 4, 64, 2, lend_and_drop}, Scenario{"LoanReleased", 4, 64, 3, take_and_release, 1},
            Scenario{"LoanPutBack", 4, 64, 3, take_and_put_back},
            Scenario{"SendThatExpires", 2, 64, 2, wait_in_vain_to_send},
            Scenario{"ReceiveThatExpires", 2, 64, 0, wait_in_vain_to_receive},
            Scenario{"OpenAndClose", 4, 64, 2, come_and_go}, Scenario{"Poll", 4, 64, 2, poll_and_stop},
            Scenario{"PollForEdges", 4, 64, 3, poll_for_edges, 1}, Scenario{"Register", 4, 64, 0, register_and_cancel},
            Scenario{"RegisterAndSend", 4, 64, 0, register_and_send},
            Scenario{"WatchAndClose", 4, 64, 2, come_to_watch_and_go}),
        testing::Values(Watching::no, Watching::polls, Watching::polls_for_edges, Watching::awaits_signal,
                        Watching::has_helper)),
    [](const auto& parameters) {
      return std::string(std::get<Scenario>(parameters.param).name) +
             kWatching[static_cast<std::size_t>(std::get<Watching>(parameters.param))];
    });

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

/// A child that sends one message and dies at this step of it.
void send_and_die_at(Step fatal) {
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
}

// The same for a registered process: nobody else makes a call, and its helper finds out.
TEST(StepsOfAWakeUp, HelperIsToldOfTheMessageOfASenderThatDiedBeforeTheNotice) {
  const test::Watchdog watchdog{std::chrono::seconds(60)};
  const test::PrivateDirectory directory;
  for (const Step fatal : {Step::message_committed, Step::message_listed, Step::receivers_woken}) {
    (void)remove("/q");
    const auto queue = std::move(*Queue::join(std::move(*publish({"/q", 4, 64, 0600}))));
    const std::uint32_t number = *queue->register_notice({Notice::thread, 0, 0});
    send_and_die_at(fatal);
    EXPECT_TRUE(owed(queue->await_notice(number)));
  }
}

// And for a poller, whom the next call of anybody tells, whatever it is.
TEST(StepsOfAWakeUp, PollerIsToldOfTheMessageOfASenderThatDiedBeforeTheBell) {
  const test::Watchdog watchdog{std::chrono::seconds(60)};
  const test::PrivateDirectory directory;
  std::vector<std::byte> buffer(64);
  PeekCursor cursor;
  const std::vector<std::function<void(Queue&)>> calls{
      [&](Queue& queue) { (void)queue.peek(cursor, {}, buffer); },
      [](Queue& queue) { (void)queue.send(message(0, 8), 0, Wait::none()); },
      [](Queue& queue) { (void)queue.begin_poll(Edges::no); },
      [](Queue& queue) { queue.end_poll(Edges::no); },
      [](Queue& queue) {
        (void)queue.register_notice({Notice::silent, 0, 0});
      },
      come_and_go,
  };
  for (const Step fatal : {Step::message_committed, Step::message_listed, Step::receivers_woken, Step::bell_set}) {
    for (const auto& call : calls) {
      (void)remove("/q");
      const auto queue = std::move(*Queue::join(std::move(*publish({"/q", 4, 64, 0600}))));
      const auto other = std::move(*Queue::join(std::move(*attach("/q"))));
      ASSERT_TRUE(queue->begin_poll(Edges::no));
      send_and_die_at(fatal);
      cursor = {};
      call(*other);
      EXPECT_EQ(os::bell_state(queue->bell()), os::Bell::some)
          << "step " << static_cast<int>(fatal) << ", call " << &call - calls.data();
    }
  }
}

}  // namespace
}  // namespace mqxx::shm
