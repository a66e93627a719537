// Damage: queues with wrong bytes in them. Another process's bytes are input: an error at worst, and never a crash, a
// hang or a byte beyond a buffer. Build it with the address sanitizer to see the last.
//
// The damage is done in a child process, which writes down how far it has come; when it crashes or hangs, the parent
// knows at which byte, and goes on behind it with another child.
#include <array>
#include <csignal>
#include <functional>

#include <gtest/gtest.h>
#include <unistd.h>

#include "input/specimen.hpp"
#include "support/child.hpp"
#include "support/queue_test.hpp"
#include "support/seed.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

constexpr const char* kName = "/q";
constexpr std::size_t kMessageSize = 100;

/// A call may succeed or fail with an Error; std::bad_alloc is a fair answer to a size that is damaged but in bounds.
template <class Call>
void survive(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()), "");
  } catch (const std::bad_alloc&) {
  }
}

/// One of everything. Nothing waits longer than a millisecond.
void exercise(Queue& queue) {
  std::vector<std::byte> buffer;
  survive([&] { buffer.resize(queue.attributes().message_size); });
  survive([&] { (void)queue.statistics(); });
  survive([&] { (void)queue.peek(5); });
  survive([&] { (void)queue.try_send("x", 3); });
  survive([&] { (void)queue.try_receive(buffer); });
  survive([&] {
    SendLoan loan = queue.try_loan(10);
    if (loan) std::ranges::fill(loan.bytes(), std::byte{1});
    if (loan) loan.send(7);
  });
  survive([&] {
    ReceiveLoan loan = queue.try_receive_loan();
    std::byte sum{};
    for (const std::byte byte : loan.bytes()) sum ^= byte;
    loan.put_back();
  });
  survive([&] { (void)queue.try_send_batch(std::array{Outgoing{"a", 1}, Outgoing{"b", kMaxPriority}}); });
  // A damaged count may pretend any number of messages, so the loops are bounded.
  for (int i = 0; i < 8; ++i) survive([&] { (void)queue.try_receive(); });
  for (int i = 0; i < 8; ++i) survive([&] { (void)queue.try_send("refill", static_cast<Priority>(i)); });
  survive([&] { (void)queue.receive_for(buffer, 1ms); });
  survive([&] { (void)queue.send_for("x", 1ms); });
}

void exercise_from_outside() {
  survive([] { (void)check(kName); });
  survive([] { (void)describe(kName); });
  survive([] { (void)list(); });
  survive([] { (void)repair(kName); });
}

class Damage : public QueueTest {
 protected:
  /// Four messages, three priorities, one free slot that was used and one that never was; nobody has it open.
  Specimen make_specimen() {
    Queue queue = Queue::create(kName, {.capacity = 6, .message_size = kMessageSize});
    queue.send("received");
    for (const Priority priority : {4u, 0u, 4u, kMaxPriority}) {
      queue.send(std::span<const std::byte>(pattern(kMessageSize - priority % 7, priority)), priority);
    }
    (void)queue.receive();
    queue.send("again");
    const std::filesystem::path path = directory_.queue_file();
    queue.close();
    return Specimen(path);
  }

  /// Runs trial(0), trial(1), ... trial(count - 1) in children. A trial that takes seconds hangs.
  void run_trials(std::uint64_t count, const std::function<void(std::uint64_t)>& trial,
                  const std::function<std::string(std::uint64_t)>& what) {
    constexpr unsigned kPatience = 4;
    constexpr int kMostFailures = 12;
    const SharedArray<std::atomic<std::uint64_t>> at(1);
    std::uint64_t next = 0;
    for (int failures = 0; next < count && failures < kMostFailures; ++failures) {
      Child child([&] {
        // The child has inherited what failed before it.
        const auto failed = [] {
          return testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
        };
        const int before = failed();
        for (std::uint64_t i = next; i < count && failed() == before; ++i) {
          at[0] = i;
          ::alarm(kPatience);  // whose default action ends the process
          trial(i);
        }
        ::alarm(0);
      });
      const Ended ended = child.join(kLimit);
      if (ended.well()) return;
      ADD_FAILURE() << what(at[0]) << ": "
                    << (ended.signal == SIGALRM || ended.late ? "hangs"
                        : ended.signal != 0                   ? "crashes with signal " + std::to_string(ended.signal)
                                                              : ended.failures);
      next = at[0] + 1;
    }
  }
};

TEST_F(Damage, TheSpecimenIsHealthyWhenItIsRestored) {
  const Specimen specimen = make_specimen();
  for (int i = 0; i < 3; ++i) {
    specimen.restore();
    EXPECT_EQ(broken_invariants(kName), "");
    Queue queue = Queue::open(kName);
    EXPECT_EQ(queue.attributes().depth, 5u);
    exercise(queue);
    EXPECT_EQ(broken_invariants(kName), "");
  }
}

TEST_F(Damage, EachByteOfTheFirstPageFlippedBeforeOpeningIsSurvived) {
  const Specimen specimen = make_specimen();
  run_trials(
      std::min<std::uint64_t>(4096, specimen.size()),
      [&](std::uint64_t offset) {
        specimen.restore();
        specimen.poke(offset, static_cast<unsigned char>(specimen.byte_at(offset) ^ 0xFFU));
        exercise_from_outside();
        survive([] {
          Queue queue = Queue::open(kName);
          exercise(queue);
        });
        exercise_from_outside();
      },
      [](std::uint64_t offset) { return "byte " + std::to_string(offset) + " flipped before opening"; });
}

TEST_F(Damage, EachByteOfTheFirstPageFlippedWhileOpenIsSurvived) {
  const Specimen specimen = make_specimen();
  run_trials(
      std::min<std::uint64_t>(4096, specimen.size()),
      [&](std::uint64_t offset) {
        specimen.restore();
        Queue queue = Queue::open(kName);
        specimen.poke(offset, static_cast<unsigned char>(specimen.byte_at(offset) ^ 0xFFU));
        exercise(queue);
        exercise_from_outside();
      },
      [](std::uint64_t offset) { return "byte " + std::to_string(offset) + " flipped while open"; });
}

TEST_F(Damage, RandomBytesAnywhereBeforeOpeningAreSurvived) {
  const Specimen specimen = make_specimen();
  const std::uint64_t seed = fresh_seed();
  const Random announced(seed);
  run_trials(
      static_cast<std::uint64_t>(scaled(3000)),
      [&](std::uint64_t number) {
        Random random(seed + number, Random::kQuiet);
        specimen.restore();
        for (std::uint64_t i = random.below(16) + 1; i > 0; --i) {
          specimen.poke(specimen.offset_of(random.below(specimen.data_size())),
                        static_cast<unsigned char>(random.below(256)));
        }
        survive([] {
          Queue queue = Queue::open(kName);
          exercise(queue);
        });
        exercise_from_outside();
      },
      [&](std::uint64_t number) { return "trial " + std::to_string(number) + " of seed " + std::to_string(seed); });
}

TEST_F(Damage, RandomBytesWhileOpenAreSurvived) {
  const Specimen specimen = make_specimen();
  const std::uint64_t seed = fresh_seed();
  const Random announced(seed);
  run_trials(
      static_cast<std::uint64_t>(scaled(3000)),
      [&](std::uint64_t number) {
        Random random(seed + number, Random::kQuiet);
        specimen.restore();
        Queue queue = Queue::open(kName);
        for (std::uint64_t round = random.below(4) + 1; round > 0; --round) {
          for (std::uint64_t i = random.below(4) + 1; i > 0; --i) {
            specimen.poke(specimen.offset_of(random.below(specimen.data_size())),
                          static_cast<unsigned char>(random.below(256)));
          }
          exercise(queue);
        }
        exercise_from_outside();
      },
      [&](std::uint64_t number) { return "trial " + std::to_string(number) + " of seed " + std::to_string(seed); });
}

TEST_F(Damage, AFlippedMagicIsNotAQueue) {
  const Specimen specimen = make_specimen();
  for (std::uint64_t offset = 0; offset < 8; ++offset) {
    specimen.restore();
    specimen.poke(offset, static_cast<unsigned char>(~specimen.byte_at(offset)));
    EXPECT_TRUE(fails_with(Errc::not_a_queue, [] { (void)Queue::open(kName); })) << offset;
  }
}

// The format's number stands behind the magic in every format, and behind it the fingerprint of C library and word
// size.
TEST_F(Damage, AnotherFormatOrFingerprintIsAMismatchThatNamesTheWayOut) {
  const Specimen specimen = make_specimen();
  for (std::uint64_t offset = 8; offset < 16; ++offset) {
    specimen.restore();
    specimen.poke(offset, static_cast<unsigned char>(~specimen.byte_at(offset)));
    EXPECT_TRUE(fails_with(Errc::layout_mismatch, [] { (void)Queue::open(kName); })) << offset;
    EXPECT_TRUE(says(sentence_of([] { (void)Queue::open(kName); }), "open", "'/q'", "EPROTO", "remove"));
  }
}

}  // namespace
}  // namespace mqxx::test
