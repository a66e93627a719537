// The storm: whatever is killed, stopped or let loose, what was acknowledged arrives exactly once. Each round is judged
// message by message (ledger.hpp), and the judge is tested first.
//
// MQXX_SOAK=600 makes it last 600 seconds instead of some 17, which is what ./dev soak does.
#include "storm/storm.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

#include "storm/places.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

// ---- The judge

/// A ledger that one process writes in all roles.
class LedgerVerdict : public testing::Test {
 protected:
  /// Messages of seat 0, all acknowledged. @return the counter of the first
  std::uint64_t acknowledged(std::size_t count) {
    const std::uint64_t first = ledger_.begin_send(0, count).value();
    ledger_.end_send(0, count);
    return first;
  }
  void count(std::uint64_t counter) const { ledger_.count({0, 0, counter, sizeof(Stamp), 0}); }
  void put_into_buffer(std::uint64_t counter) const { write_stamped(ledger_.buffer(0, 0).first(100), 0, counter, 0); }

  Watchdog watchdog_{std::chrono::seconds(60)};
  Ledger ledger_;
};

TEST_F(LedgerVerdict, AcknowledgedAndCountedOnceIsRight) {
  const std::uint64_t first = acknowledged(3);
  for (std::uint64_t i = 0; i < 3; ++i) count(first + i);
  const Verdict verdict = ledger_.judge();
  EXPECT_EQ(verdict.acknowledged, 3u);
  EXPECT_EQ(verdict.wrongs, 0u);
}

TEST_F(LedgerVerdict, AcknowledgedAndNotCountedIsLost) {
  const std::uint64_t first = acknowledged(3);
  count(first);
  count(first + 2);
  EXPECT_EQ(ledger_.judge().wrong, std::vector<std::string>{"lost: message 1 of sender 0"});
}

TEST_F(LedgerVerdict, CountedTwiceIsDoubled) {
  const std::uint64_t first = acknowledged(2);
  for (const std::uint64_t i : {0, 1, 1}) count(first + i);
  EXPECT_EQ(ledger_.judge().wrong, std::vector<std::string>{"doubled: message 1 of sender 0, received 2 times"});
}

TEST_F(LedgerVerdict, WhatStandsWholeInTheBufferOfADeadReceiverMayBeMissing) {
  put_into_buffer(acknowledged(1));
  ledger_.dissect_receiver(0);
  const Verdict verdict = ledger_.judge();
  EXPECT_EQ(verdict.taken_by_dead, 1u);
  EXPECT_EQ(verdict.wrongs, 0u);
}

TEST_F(LedgerVerdict, WhatStandsTornInTheBufferOfADeadReceiverMayNot) {
  put_into_buffer(acknowledged(1));
  ledger_.buffer(0, 0)[99] ^= std::byte{1};
  ledger_.dissect_receiver(0);
  EXPECT_EQ(ledger_.judge().wrongs, 1u);
}

TEST_F(LedgerVerdict, ADeathExcusesNothingButTheMessageInTheBuffer) {
  const std::uint64_t first = acknowledged(2);
  put_into_buffer(first);
  ledger_.dissect_receiver(0);
  EXPECT_EQ(ledger_.judge().wrong, std::vector<std::string>{"lost: message 1 of sender 0"});
}

TEST_F(LedgerVerdict, WhatWasCountedBeforeTheNextCallIsInNobodysHands) {
  put_into_buffer(acknowledged(1));
  ledger_.begin_receive(0);
  ledger_.dissect_receiver(0);
  EXPECT_EQ(ledger_.judge().wrongs, 1u);
}

TEST_F(LedgerVerdict, RefusedAndReceivedIsWrong) {
  const std::uint64_t first = ledger_.begin_send(0, 4).value();
  ledger_.end_send(0, 2);
  for (const std::uint64_t i : {0, 1, 2}) count(first + i);
  const Verdict verdict = ledger_.judge();
  EXPECT_EQ(verdict.refused, 2u);
  EXPECT_EQ(verdict.wrong, std::vector<std::string>{"refused, but sent: message 2 of sender 0, received 1 times"});
}

TEST_F(LedgerVerdict, TheCallOfAKilledSenderMayBeThereOnceOrNot) {
  const std::uint64_t first = ledger_.begin_send(0, 3).value();
  ledger_.dissect_sender(0);
  count(first + 1);
  Verdict verdict = ledger_.judge();
  EXPECT_EQ(verdict.cut_short, 3u);
  EXPECT_EQ(verdict.cut_but_sent, 1u);
  EXPECT_EQ(verdict.wrongs, 0u);
  count(first + 1);
  verdict = ledger_.judge();
  EXPECT_EQ(verdict.wrongs, 1u);
}

TEST_F(LedgerVerdict, OnlyTheNewestCallOfAKilledSenderIsExcused) {
  (void)ledger_.begin_send(0, 1).value();
  (void)ledger_.begin_send(0, 1).value();
  ledger_.dissect_sender(0);
  const Verdict verdict = ledger_.judge();
  EXPECT_EQ(verdict.cut_short, 1u);
  EXPECT_EQ(verdict.wrongs, 1u);
}

TEST_F(LedgerVerdict, ReceivedButNeverSentIsWrong) {
  count(acknowledged(1));
  count(1);
  EXPECT_EQ(ledger_.judge().wrong, std::vector<std::string>{"received, but never sent: message 1 of sender 0"});
}

TEST_F(LedgerVerdict, WhatAProcessSawAndCouldNotTellBeforeItsDeathIsFound) {
  Child child([this] {
    ledger_.complain("the sky is green");
    for (;;) ::pause();
  });
  wait_until([&] { return ledger_.judge().wrongs == 1; });
  child.kill();
  EXPECT_EQ(ledger_.judge().wrong, std::vector<std::string>{"the sky is green"});
}

TEST(OrderOfOneSender, OnlyAHigherPriorityOvertakes) {
  OrderCheck order(1);
  const auto saw = [&](std::uint64_t counter, Priority priority) {
    return order.saw({0, priority, counter, sizeof(Stamp), 0});
  };
  EXPECT_TRUE(saw(0, 5));
  EXPECT_TRUE(saw(4, 5));
  EXPECT_FALSE(saw(2, 5)) << "as high as 4, which was sent later and came first";
  EXPECT_FALSE(saw(3, 6)) << "higher than 4";
  EXPECT_TRUE(saw(3, 4)) << "lower than 4, which overtook it";
  EXPECT_TRUE(saw(9, 0));
  EXPECT_FALSE(saw(8, 0));
  EXPECT_FALSE(saw(8, 1));
  EXPECT_TRUE(saw(10, 1));
}

// ---- The storm

std::chrono::milliseconds storm_time() {
  const char* soak = std::getenv("MQXX_SOAK");  // NOLINT(concurrency-mt-unsafe): there is one thread
  if (soak == nullptr) return std::chrono::milliseconds(5500);
  return std::chrono::milliseconds(std::stoll(soak) * 1000 / 3);  // each of three storms
}

constexpr auto kRound = std::chrono::milliseconds(10'000);

struct Weather {
  std::string name;
  std::vector<Face> faces;
};

void PrintTo(const Weather& weather, std::ostream* out) { *out << weather.name; }

class ProcessStorm : public testing::TestWithParam<Weather> {
 protected:
  Watchdog watchdog_{std::chrono::duration_cast<std::chrono::seconds>(storm_time() * 4) + std::chrono::seconds(200)};
};

TEST_P(ProcessStorm, LosesAndDoublesNothingButWhatTheDeadHeld) {
  Storm storm(GetParam().faces, fresh_seed());
  for (auto left = storm_time(); left.count() > 0; left -= std::min(left, kRound)) {
    storm.begin_round();
    storm.rage(std::min(left, kRound));
    storm.end_round();
    if (storm.figures().verdict.wrongs != 0) break;
  }
  storm.finish();
  std::cout << storm.figures() << std::flush;
  const Verdict& verdict = storm.figures().verdict;
  for (const std::string& sentence : verdict.wrong) ADD_FAILURE() << sentence;
  EXPECT_EQ(verdict.wrongs, 0u);
  EXPECT_GT(verdict.acknowledged, 0u);
}

INSTANTIATE_TEST_SUITE_P(Faces, ProcessStorm,
                         testing::Values(Weather{"Cpp", {Face::cpp}}, Weather{"Posix", {Face::posix}},
                                         Weather{"Both", {Face::cpp, Face::posix}}),
                         [](const auto& weather) { return weather.param.name; });

/// A short storm in which something is made to go wrong, so that the verdict is seen to fail.
class SpoiltStorm : public testing::Test {
 protected:
  SpoiltStorm() {
    storm_.begin_round();
    storm_.rage(std::chrono::milliseconds(200));
  }
  /// Sends message `counter` of the free seat, behind the back of the ledger.
  static void send(std::uint64_t counter) {
    std::array<std::byte, sizeof(Stamp)> message{};
    write_stamped(message, Storm::kFreeSeat, counter, 0);
    Queue::open(kPlaces[1].name).send(std::span<const std::byte>(message));
  }

  Watchdog watchdog_{std::chrono::seconds(100)};
  Storm storm_{{Face::cpp, Face::posix}, fresh_seed()};
};

TEST_F(SpoiltStorm, ALostMessageIsFound) {
  (void)storm_.ledger().begin_send(Storm::kFreeSeat, 2).value();
  send(0);
  storm_.ledger().end_send(Storm::kFreeSeat, 2);
  storm_.end_round();
  EXPECT_EQ(storm_.figures().verdict.wrong, std::vector<std::string>{"lost: message 1 of sender 31"});
}

TEST_F(SpoiltStorm, ADoubledMessageIsFound) {
  (void)storm_.ledger().begin_send(Storm::kFreeSeat, 1).value();
  send(0);
  send(0);
  storm_.ledger().end_send(Storm::kFreeSeat, 1);
  storm_.end_round();
  // A receiver that got both may have said before that the second was out of turn.
  EXPECT_EQ(std::ranges::count(storm_.figures().verdict.wrong, "doubled: message 0 of sender 31, received 2 times"), 1);
}

}  // namespace
}  // namespace mqxx::test
