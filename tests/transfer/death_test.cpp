// Movers that are killed, at random moments and at every step of the engine: what was lost, and what was doubled.
#include <csignal>
#include <map>
#include <thread>
#include <tuple>

#include "base/step.hpp"
#include "support/child.hpp"
#include "support/seed.hpp"
#include "support/step_death.hpp"
#include "transfer/transfer_test.hpp"

namespace mqxx::test {
namespace {

constexpr std::size_t kBatch = 4;

/// What arrived, by number: how often, and whether for the first time in the order of its priority.
class Ledger {
 public:
  void note(const Message& message) {
    const std::size_t number = std::stoul(std::string(message.text()));
    if (number >= seen_.size()) seen_.resize(number + 1);
    EXPECT_EQ(message.priority(), priority_of(number));
    if (seen_[number]++ != 0) return;
    const auto [last, is_first] = last_.try_emplace(message.priority(), number);
    EXPECT_TRUE(is_first || number > last->second) << number << " is out of order within its priority";
    last->second = number;
  }
  void note_all(Queue& queue) {
    while (const std::optional<Message> message = queue.try_receive()) note(*message);
  }

  [[nodiscard]] std::size_t lost_of(std::size_t sent) const {
    std::size_t lost = sent;
    for (const std::size_t times : seen_) lost -= times == 0 ? 0 : 1;
    return lost;
  }
  [[nodiscard]] std::size_t extra() const {
    std::size_t extra = 0;
    for (const std::size_t times : seen_) extra += times > 1 ? times - 1 : 0;
    return extra;
  }
  static Priority priority_of(std::size_t number) { return static_cast<Priority>(number % 3); }

 private:
  std::vector<std::size_t> seen_;
  std::map<Priority, std::size_t> last_;
};

void send_number(Queue& queue, std::size_t number) { queue.send(std::to_string(number), Ledger::priority_of(number)); }

void expect_kept(const Ledger& ledger, std::size_t sent, In source, std::size_t kills) {
  if (source == In::kernel) {
    EXPECT_LE(ledger.lost_of(sent), kills) << "one for a death at most, that which was in its hand";
    EXPECT_EQ(ledger.extra(), 0u);
  } else {
    EXPECT_EQ(ledger.lost_of(sent), 0u);
    EXPECT_LE(ledger.extra(), kills * (source == In::shm ? kBatch : 1));
  }
}

class TransferDeaths : public TransferTest, public testing::WithParamInterface<std::tuple<In, In>> {
 protected:
  static In source() { return std::get<0>(GetParam()); }
  static In destination() { return std::get<1>(GetParam()); }
};

TEST_P(TransferDeaths, AtRandomMomentsLoseNothing) {
  Random random(fresh_seed());
  Place from(source(), "from", kUsual);
  Place to(destination(), "to", kUsual);
  const int deaths = scaled(40);
  Ledger ledger;
  std::size_t sent = 0;
  std::size_t kills = 0;
  for (int death = 0; death < deaths; ++death) {
    Child mover([&] {
      Queue source = Queue::open(from.name());
      Queue destination = Queue::open(to.name());
      (void)transfer(source, destination, {.batch = kBatch, .follow = true});
    });
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(500 + random.below(3000));
    while (std::chrono::steady_clock::now() < until) {
      while (from.queue().try_send(std::to_string(sent), Ledger::priority_of(sent))) ++sent;
      ledger.note_all(to.queue());
    }
    if (mover.kill().signal == SIGKILL) ++kills;
  }
  while (from.depth() != 0) {
    (void)transfer(from.queue(), to.queue(), {.wait = Wait::none()});
    ledger.note_all(to.queue());
  }
  ledger.note_all(to.queue());
  EXPECT_EQ(kills, static_cast<std::size_t>(deaths));
  EXPECT_GT(sent, 0u);
  expect_kept(ledger, sent, source(), kills);
  RecordProperty("sent", static_cast<int>(sent));
  RecordProperty("lost", static_cast<int>(ledger.lost_of(sent)));
  RecordProperty("doubled", static_cast<int>(ledger.extra()));
}

#ifdef MQXX_STEPS
TEST_P(TransferDeaths, AtEveryStepOfTheEngineLoseNothing) {
  constexpr std::size_t kMessages = 9;
  if (source() != In::shm && destination() != In::shm) GTEST_SKIP() << "no step of the engine is on the way";
  int deaths = 0;
  for (bool killed = true; killed; ++deaths) {
    Place from(source(), "from", kUsual);
    Place to(destination(), "to", kUsual);
    for (std::size_t number = 0; number < kMessages; ++number) send_number(from.queue(), number);
    Child mover([&] {
      Queue source = Queue::open(from.name());
      Queue destination = Queue::open(to.name());
      g_countdown = deaths;
      step_hook = die_at_step;
      (void)transfer(source, destination, {.batch = kBatch});
      step_hook = nullptr;
    });
    killed = mover.join().signal == SIGKILL;
    Ledger ledger;
    ledger.note_all(to.queue());
    (void)transfer(from.queue(), to.queue());
    ledger.note_all(to.queue());
    expect_kept(ledger, kMessages, source(), killed ? 1 : 0);
    EXPECT_EQ(from.depth(), 0u);
  }
  EXPECT_GT(deaths, 9) << "or nobody died";
}
#endif

std::string pair_name(const testing::TestParamInfo<std::tuple<In, In>>& info) {
  return home_name(std::get<0>(info.param)) + "To" + home_name(std::get<1>(info.param));
}
INSTANTIATE_TEST_SUITE_P(, TransferDeaths, testing::Combine(testing::ValuesIn(kHomes), testing::ValuesIn(kHomes)),
                         pair_name);

}  // namespace
}  // namespace mqxx::test
