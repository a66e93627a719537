// One test for each duty of os/sysv_queue.hpp, against the kernel itself.
#include "os/sysv_queue.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/process.hpp"
#include "support/child.hpp"
#include "support/emulated.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {
namespace {

using test::Child;
using test::expect_well;

void wait_until_asleep(std::uint32_t thread) {
  while (doing(thread) != Doing::sleeping) std::this_thread::yield();
}

class SysvQueue : public testing::Test {
 protected:
  void SetUp() override {
    const Result<int> made = open_sysv_queue({.create = true});
    if (!made && made.failure().detail == ENOSYS) GTEST_SKIP() << "this system has no System V queues";
    ASSERT_TRUE(made) << made.failure().detail;
    queue_ = *made;
  }
  void TearDown() override {
    if (queue_ >= 0) (void)remove_sysv_queue(queue_);
  }

  void send(std::string_view text, long type) const {
    ASSERT_TRUE(send_sysv(queue_, std::as_bytes(std::span(text)), type, false)) << text;
  }
  /// The next message as "TYPE text", or "" where there is none.
  std::string receive(const SysvReceiving& how) {
    SysvReceived received;
    const Result<void> done = receive_sysv(queue_, buffer_, how, received);
    return done ? text_of(received) : "";
  }
  std::string peek(std::size_t index) {
    SysvReceived received;
    return peek_sysv(queue_, buffer_, index, received) ? text_of(received) : "";
  }
  std::string text_of(const SysvReceived& received) const {
    return std::to_string(received.type) + " " +
           std::string(reinterpret_cast<const char*>(buffer_.data()), received.size);
  }
  [[nodiscard]] std::uint64_t depth() const { return sysv_facts(queue_)->messages; }

  static constexpr SysvReceiving kNow{.wait = false};

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  std::array<std::byte, 64> buffer_{};
  int queue_ = -1;
};

TEST_F(SysvQueue, IsTheSameNumberForAllWhoKnowItsKey) {
  const std::int32_t key = 0x6d710000 + (::getpid() & 0xffff);
  const Result<int> made = open_sysv_queue({.key = key, .create = true, .exclusive = true});
  ASSERT_TRUE(made);
  EXPECT_EQ(*open_sysv_queue({.key = key}), *made);
  EXPECT_EQ(*open_sysv_queue({.key = key, .create = true}), *made);
  EXPECT_TRUE(open_sysv_queue({.key = key, .create = true, .exclusive = true}).is(Errc::already_exists));
  EXPECT_EQ(sysv_facts(*made)->key, key);
  ASSERT_TRUE(remove_sysv_queue(*made));
  EXPECT_TRUE(open_sysv_queue({.key = key}).is(Errc::not_found));
}

TEST_F(SysvQueue, IsGoneForEveryCallOnceItIsRemoved) {
  ASSERT_TRUE(remove_sysv_queue(queue_));
  SysvReceived received;
  EXPECT_TRUE(send_sysv(queue_, {}, 1, true).is(Errc::queue_removed));
  EXPECT_TRUE(receive_sysv(queue_, buffer_, {}, received).is(Errc::queue_removed));
  EXPECT_TRUE(peek_sysv(queue_, buffer_, 0, received).is(Errc::queue_removed));
  EXPECT_TRUE(sysv_facts(queue_).is(Errc::queue_removed));
  EXPECT_TRUE(change_sysv_queue(queue_, {.mode = 0600, .most_bytes = 1}).is(Errc::queue_removed));
  EXPECT_TRUE(remove_sysv_queue(queue_).is(Errc::queue_removed));
}

TEST_F(SysvQueue, RemovalWakesASleepingReceiver) {
  Result<void> ended;
  std::atomic<std::uint32_t> thread_id{0};
  std::thread sleeper([&] {
    thread_id = os::thread_id();
    SysvReceived received;
    ended = receive_sysv(queue_, buffer_, {}, received);
  });
  while (thread_id == 0) std::this_thread::yield();
  wait_until_asleep(thread_id);
  ASSERT_TRUE(remove_sysv_queue(queue_));
  sleeper.join();
  EXPECT_TRUE(ended.is(Errc::queue_removed));
}

TEST_F(SysvQueue, RemovalWakesASleepingSender) {
  const SysvFacts facts = *sysv_facts(queue_);
  ASSERT_TRUE(change_sysv_queue(queue_, {.uid = facts.uid, .gid = facts.gid, .mode = 0600, .most_bytes = 1}));
  send("x", 1);
  EXPECT_TRUE(send_sysv(queue_, std::as_bytes(std::span("y", 1)), 1, false).is(Errc::would_block));
  Result<void> ended;
  std::atomic<std::uint32_t> thread_id{0};
  std::thread sleeper([&] {
    thread_id = os::thread_id();
    ended = send_sysv(queue_, std::as_bytes(std::span("y", 1)), 1, true);
  });
  while (thread_id == 0) std::this_thread::yield();
  wait_until_asleep(thread_id);
  ASSERT_TRUE(remove_sysv_queue(queue_));
  sleeper.join();
  EXPECT_TRUE(ended.is(Errc::queue_removed));
}

TEST_F(SysvQueue, ReceivesByType) {
  for (const auto& [text, type] : {std::pair{"a", 5L}, {"b", 2L}, {"c", 9L}, {"d", 2L}, {"e", 5L}, {"f", 1L}})
    send(text, type);
  EXPECT_EQ(receive({.type = 2, .wait = false}), "2 b") << "the first of its type";
  EXPECT_EQ(receive({.type = -4, .wait = false}), "1 f") << "the lowest type there is";
  EXPECT_EQ(receive({.type = -4, .wait = false}), "2 d") << "the next, and no type above four";
  EXPECT_EQ(receive({.type = -4, .wait = false}), "");
  EXPECT_EQ(receive({.type = 5, .except = true, .wait = false}), "9 c") << "all but type five";
  EXPECT_EQ(receive(kNow), "5 a") << "the first, whatever its type";
  EXPECT_EQ(receive({.type = 7, .wait = false}), "");
  EXPECT_EQ(receive(kNow), "5 e");
  EXPECT_EQ(receive(kNow), "");
}

TEST_F(SysvQueue, ATextMayBeEmpty) {
  send("", 3);
  EXPECT_EQ(receive(kNow), "3 ");
  ASSERT_TRUE(send_sysv(queue_, {}, 1, false));
  SysvReceived received;
  EXPECT_TRUE(receive_sysv(queue_, {}, kNow, received)) << "also into no room at all";
}

TEST_F(SysvQueue, WhatIsTooLongForTheBufferStaysOrLosesItsEnd) {
  send("hello", 1);
  std::array<std::byte, 2> small{};
  SysvReceived received{.type = 77, .size = 77};
  EXPECT_TRUE(receive_sysv(queue_, small, kNow, received).is(Errc::buffer_too_small));
  EXPECT_EQ(received.type, 77) << "written only on success";
  EXPECT_EQ(depth(), 1u);
  ASSERT_TRUE(receive_sysv(queue_, small, {.truncate = true, .wait = false}, received));
  EXPECT_EQ(received.size, 2u);
  EXPECT_EQ(depth(), 0u);
}

TEST_F(SysvQueue, PeekingTakesNothing) {
  send("a", 5);
  send("b", 2);
  EXPECT_EQ(peek(0), "5 a");
  EXPECT_EQ(peek(1), "2 b") << "in order of arrival, whatever the type";
  EXPECT_EQ(peek(2), "");
  std::array<std::byte, 0> none{};
  SysvReceived received;
  EXPECT_TRUE(peek_sysv(queue_, none, 0, received).is(Errc::buffer_too_small));
  EXPECT_EQ(depth(), 2u);
}

TEST_F(SysvQueue, RefusesTypesThatAreNotAboveZero) {
  EXPECT_TRUE(send_sysv(queue_, {}, 0, false).is(Errc::invalid_argument));
  EXPECT_TRUE(send_sysv(queue_, {}, -1, false).is(Errc::invalid_argument));
  EXPECT_EQ(depth(), 0u);
}

TEST_F(SysvQueue, RefusesATextAboveTheLimit) {
  const std::vector<std::byte> text(sysv_limits()->message_size + 1);
  EXPECT_TRUE(send_sysv(queue_, text, 1, true).is(Errc::message_too_big));
  std::vector<std::byte> in_place(kSysvTypeBytes + text.size());
  EXPECT_TRUE(
      send_sysv_in_place(queue_, std::span(in_place).subspan(kSysvTypeBytes), 1, true).is(Errc::message_too_big));
}

TEST_F(SysvQueue, TextsTravelInPlace) {
  alignas(long) std::array<std::byte, kSysvTypeBytes + 64> room{};
  const std::span text = std::span(room).subspan(kSysvTypeBytes);
  text[0] = std::byte{'p'};
  ASSERT_TRUE(send_sysv_in_place(queue_, text.first(1), 4, false));
  text[0] = std::byte{};
  SysvReceived received;
  ASSERT_TRUE(receive_sysv_in_place(queue_, text, kNow, received));
  EXPECT_EQ(received.type, 4);
  EXPECT_EQ(received.size, 1u);
  EXPECT_EQ(text[0], std::byte{'p'});
}

extern "C" void do_nothing(int) {}

TEST_F(SysvQueue, AnyHandlerEndsAWaitAndNothingHasHappened) {
  struct sigaction action {};
  action.sa_handler = do_nothing;
  action.sa_flags = SA_RESTART;
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  Result<void> ended;
  std::atomic<std::uint32_t> thread_id{0};
  std::thread sleeper([&] {
    thread_id = os::thread_id();
    SysvReceived received;
    ended = receive_sysv(queue_, buffer_, {}, received);
  });
  while (thread_id == 0) std::this_thread::yield();
  wait_until_asleep(thread_id);
  pthread_kill(sleeper.native_handle(), SIGUSR1);
  sleeper.join();
  EXPECT_TRUE(ended.is(Errc::interrupted));
  send("kept", 1);
  EXPECT_EQ(receive(kNow), "1 kept");
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST_F(SysvQueue, AReceiverThatIsKilledWhileItSleepsTakesNothing) {
  Child sleeper([&] {
    SysvReceived received;
    (void)receive_sysv(queue_, buffer_, {}, received);
  });
  wait_until_asleep(static_cast<std::uint32_t>(sleeper.pid()));
  EXPECT_EQ(sleeper.kill().signal, SIGKILL);
  send("kept", 1);
  EXPECT_EQ(receive(kNow), "1 kept");
}

TEST_F(SysvQueue, NoCallIsACancellationPoint) {
  std::string received;
  std::thread thread([&] {
    pthread_cancel(pthread_self());
    send("x", 1);
    received = receive(kNow);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  });
  thread.join();
  EXPECT_EQ(received, "1 x");
}

TEST_F(SysvQueue, KnowsWhatHappenedToIt) {
  if (test::kEmulated) GTEST_SKIP() << "the emulator does not tell who received last";
  const SysvFacts fresh = *sysv_facts(queue_);
  EXPECT_EQ(fresh.queue, queue_);
  EXPECT_EQ(fresh.uid, ::geteuid());
  EXPECT_EQ(fresh.creator_gid, ::getegid());
  EXPECT_EQ(fresh.mode, 0600u);
  EXPECT_EQ(fresh.most_bytes, sysv_limits()->queue_bytes);
  EXPECT_EQ(fresh.last_send_s, 0);
  EXPECT_EQ(fresh.last_sender_pid, 0);
  EXPECT_GT(fresh.changed_s, 0);
  send("hello", 1);
  send("hi", 1);
  (void)receive(kNow);
  const SysvFacts used = *sysv_facts(queue_);
  EXPECT_EQ(used.messages, 1u);
  EXPECT_EQ(used.queued_bytes, 2u);
  EXPECT_EQ(used.last_sender_pid, ::getpid());
  EXPECT_EQ(used.last_receiver_pid, ::getpid());
  EXPECT_GE(used.last_receive_s, used.last_send_s);
  EXPECT_GE(used.last_send_s, fresh.changed_s);
}

TEST_F(SysvQueue, MayBeChangedByItsOwner) {
  const SysvFacts facts = *sysv_facts(queue_);
  ASSERT_TRUE(change_sysv_queue(queue_, {.uid = facts.uid, .gid = facts.gid, .mode = 0640, .most_bytes = 100}));
  EXPECT_EQ(sysv_facts(queue_)->mode, 0640u);
  EXPECT_EQ(sysv_facts(queue_)->most_bytes, 100u);
  EXPECT_TRUE(change_sysv_queue(queue_, {.uid = 0xffffffff, .gid = facts.gid, .mode = 0600, .most_bytes = 100})
                  .is(Errc::invalid_argument));
  const SysvSettings beyond{.uid = facts.uid, .gid = facts.gid, .mode = 0600, .most_bytes = std::uint64_t{1} << 32};
  EXPECT_TRUE(change_sysv_queue(queue_, beyond).is(Errc::invalid_argument)) << "which the kernel would take for 0";
  EXPECT_EQ(sysv_facts(queue_)->most_bytes, 100u);
}

TEST_F(SysvQueue, IsRefusedToStrangersAndStillListed) {
  if (test::kEmulated) GTEST_SKIP() << "the emulator has no list of queues";
  if (!test::is_root()) GTEST_SKIP() << "needs root to become somebody else";
  send("secret", 1);
  Child stranger([&] {
    test::become_ordinary_user();
    SysvReceived received;
    EXPECT_TRUE(receive_sysv(queue_, buffer_, kNow, received).is(Errc::permission_denied));
    EXPECT_TRUE(peek_sysv(queue_, buffer_, 0, received).is(Errc::permission_denied));
    EXPECT_TRUE(send_sysv(queue_, {}, 1, false).is(Errc::permission_denied));
    EXPECT_TRUE(sysv_facts(queue_).is(Errc::permission_denied));
    EXPECT_TRUE(change_sysv_queue(queue_, {.mode = 0777, .most_bytes = 1}).is(Errc::permission_denied));
    EXPECT_TRUE(remove_sysv_queue(queue_).is(Errc::permission_denied));
    const std::vector<SysvFacts> all = *list_sysv_queues();
    EXPECT_NE(std::ranges::find(all, queue_, &SysvFacts::queue), all.end());
  });
  expect_well(stranger);
}

TEST_F(SysvQueue, KeysStandForFilesAndProjects) {
  const std::int32_t key = *sysv_key_of("/", 'a');
  EXPECT_EQ(*sysv_key_of("/", 'a'), key);
  EXPECT_NE(*sysv_key_of("/", 'b'), key);
  EXPECT_TRUE(sysv_key_of("/no/such/file", 'a').is(Errc::not_found));
}

// In a namespace of its own there are only the queues that the test makes, and the limits are its own too.
TEST(SysvNamespace, HasItsOwnQueuesAndLimits) {
  if (test::kEmulated) GTEST_SKIP() << "the emulator has no list of queues";
  if (!test::is_root()) GTEST_SKIP() << "needs root to make a namespace";
  Child alone([] {
    ASSERT_EQ(::unshare(CLONE_NEWIPC), 0);
    EXPECT_TRUE(list_sysv_queues()->empty());
    std::ofstream("/proc/sys/kernel/msgmni") << 2 << std::flush;
    std::ofstream("/proc/sys/kernel/msgmax") << 100000 << std::flush;
    std::ofstream("/proc/sys/kernel/msgmnb") << 200000 << std::flush;
    EXPECT_EQ(sysv_limits()->queues, 2u);
    EXPECT_EQ(sysv_limits()->message_size, 100000u);
    EXPECT_EQ(sysv_limits()->queue_bytes, 200000u);
    const int first = *open_sysv_queue({.create = true});
    const int queue = *open_sysv_queue({.create = true});
    ASSERT_TRUE(remove_sysv_queue(first)) << "leaves a hole in the table";
    EXPECT_EQ(list_sysv_queues()->size(), 1u);
    (void)*open_sysv_queue({.create = true});
    EXPECT_TRUE(open_sysv_queue({.create = true}).is(Errc::too_many_queues));
    EXPECT_EQ(list_sysv_queues()->size(), 2u);
    // Above kSysvSmallText, twice: made, then kept.
    std::vector<std::byte> large(100000, std::byte{'z'});
    for (int round = 0; round < 2; ++round) {
      ASSERT_TRUE(send_sysv(queue, large, 1, false));
      EXPECT_EQ(sysv_use()->bytes, large.size());
      std::vector<std::byte> copy(large.size() + 1);
      SysvReceived received;
      ASSERT_TRUE(peek_sysv(queue, copy, 0, received));
      ASSERT_TRUE(receive_sysv(queue, copy, {.wait = false}, received));
      copy.resize(received.size);
      EXPECT_TRUE(copy == large);
    }
    EXPECT_EQ(sysv_use()->queues, 2u);
    EXPECT_EQ(sysv_use()->messages, 0u);
  });
  expect_well(alone);
}

}  // namespace
}  // namespace mqxx::os
