// The limits of System V queues: each failure says which it was, its value, what was asked for, and how to raise it.
#include <functional>

#include <sys/msg.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/private_ipc.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

/// In a child, as an ordinary user: root is above some of the limits.
void as_ordinary_user(const std::function<void()>& body) {
  Child child([&] {
    become_ordinary_user();
    body();
  });
  expect_well(child);
}

class SysvQueueLimits : public QueueTest {
 protected:
  void SetUp() override {
    std::error_code ec;
    const Queue none = Queue::open(address_, {}, ec);
    if (ec == std::errc::function_not_supported) GTEST_SKIP() << "this system has no System V message queues";
  }
  SysvQueueLimits() = default;
  SysvQueueLimits(const SysvQueueLimits&) = delete;
  SysvQueueLimits& operator=(const SysvQueueLimits&) = delete;
  ~SysvQueueLimits() override {
    std::error_code ignored;
    Queue::unlink(address_, ignored);
  }

  /// Creates and hopes for a failure; what succeeds is gone again.
  [[nodiscard]] std::function<void()> create(std::size_t capacity, std::size_t message_size) const {
    return [=, address = address_] {
      Queue queue = Queue::create(address, {.capacity = capacity, .message_size = message_size});
      queue.unlink();
    };
  }
  static std::size_t queue_count() {
    msginfo use{};
    ::msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&use));
    return static_cast<std::size_t>(use.msgpool);
  }

  const bool is_private_ = enter_private_ipc();
  std::string address_ = "sysv:" + std::to_string(0x4e000000 + ::getpid());
};

TEST_F(SysvQueueLimits, AMessageSizeAboveMsgmaxNamesTheLimitItsValueAndTheWayOut) {
  if (is_private_) {
    ASSERT_TRUE(set_sysv_limit("msgmax", 8192));
  }
  const std::uint64_t limit = sysv_limits().message_size;
  const auto call = create(1, limit + 1);
  EXPECT_TRUE(fails_with(Errc::invalid_message_size, call));
  EXPECT_TRUE(says(sentence_of(call), "create", address_.substr(0, 5), "message size is " + std::to_string(limit + 1),
                   "1 to " + std::to_string(limit), "sysctl kernel.msgmax=" + std::to_string(limit + 1), "EINVAL"));
}

TEST_F(SysvQueueLimits, MoreBytesThanMsgmnbAreForThePrivilegedAndTheErrorSaysSo) {
  if (is_private_) {
    ASSERT_TRUE(set_sysv_limit("msgmnb", 16384));
  }
  as_ordinary_user([&] {
    const std::uint64_t limit = sysv_limits().queue_bytes;
    const std::size_t before = queue_count();
    const auto call = create(limit + 1, 1);
    EXPECT_TRUE(fails_with(Errc::queue_too_large, call));
    EXPECT_TRUE(says(sentence_of(call), std::to_string(limit + 1) + " messages of 1 bytes", std::to_string(limit),
                     "kernel.msgmnb", "sysctl kernel.msgmnb=" + std::to_string(limit + 1)));
    if (is_private_) {
      EXPECT_EQ(queue_count(), before) << "nothing was created";
    }
    EXPECT_NO_THROW(create(limit, 1)());
  });
  constexpr std::uint64_t kMsgmnb = 16384;
  if (is_private_ && sysv_limits().queue_bytes > kMsgmnb) {  // CAP_SYS_RESOURCE
    EXPECT_NO_THROW(create(kMsgmnb + 1, 1)());
  }
}

TEST_F(SysvQueueLimits, OptionsLeftAsTheyAreGetAsMuchAsTheUserMayHave) {
  if (is_private_) {
    ASSERT_TRUE(set_sysv_limit("msgmax", 8192));
    ASSERT_TRUE(set_sysv_limit("msgmnb", 16384));
  }
  as_ordinary_user([&] {
    Queue queue = Queue::create(address_);
    const std::uint64_t wanted = OpenOptions{}.capacity * OpenOptions{}.message_size;
    EXPECT_EQ(describe(address_).most_bytes, std::min(wanted, sysv_limits().queue_bytes));
    queue.unlink();
  });
}

TEST_F(SysvQueueLimits, AHardCeilingIsToldWithoutAWayOut) {
  const auto many = create(0x80000000U, 1);
  EXPECT_TRUE(fails_with(Errc::invalid_capacity, many));
  const auto large = create(0x7fffffff, 2);
  EXPECT_TRUE(fails_with(Errc::queue_too_large, large));
  for (const std::string& sentence : {sentence_of(many), sentence_of(large)}) {
    EXPECT_TRUE(says(sentence, "2147483647"));
    EXPECT_EQ(sentence.find("sysctl"), sentence.npos) << sentence;
  }
}

TEST_F(SysvQueueLimits, MoreQueuesThanMsgmniNamesTheLimitAndTheWayOut) {
  if (!is_private_) GTEST_SKIP() << "only root can make the kernel run out of queues without harm to others";
  ASSERT_TRUE(set_sysv_limit("msgmni", queue_count() + 1));
  Queue only = Queue::create("sysv:private");
  const auto call = create(1, 8);
  EXPECT_TRUE(fails_with(Errc::too_many_queues, call));
  EXPECT_TRUE(says(sentence_of(call), "kernel.msgmni", "sysctl kernel.msgmni=", "ENOSPC"));
  only.unlink();
  EXPECT_NO_THROW(call());
}

TEST_F(SysvQueueLimits, AnExistingQueueIsToldBeforeItsSizesAreJudged) {
  Queue queue = Queue::create(address_, {.capacity = 1, .message_size = 8});
  EXPECT_TRUE(fails_with(Errc::already_exists, create(0, 0)));
  queue.unlink();
}

}  // namespace
}  // namespace mqxx::test
