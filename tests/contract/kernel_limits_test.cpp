// The kernel's limits: each failure says which it was, its value, what was asked for, and how to raise it.
#include <functional>

#include <sys/resource.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/private_ipc.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

/// In a child, as an ordinary user without any queue: root may be above the limits, and "nobody" may have queues.
void as_ordinary_user(const std::function<void()>& body) {
  Child child([&] {
    become_user_without_queues();
    body();
  });
  expect_well(child);
}

class KernelLimits : public QueueTest {
 protected:
  void SetUp() override {
    std::error_code ec;
    const Queue none = Queue::open(address_, {}, ec);
    if (ec == std::errc::function_not_supported) GTEST_SKIP() << "this system has no POSIX message queues";
  }

  /// Creates and hopes for a failure; what succeeds is gone again.
  [[nodiscard]] std::function<void()> create(std::size_t capacity, std::size_t message_size) const {
    return [=, address = address_ + "-limit"] {
      Queue queue = Queue::create(address, {.capacity = capacity, .message_size = message_size});
      queue.unlink();
    };
  }

  const bool is_private_ = enter_private_ipc();
  std::string address_ = "kernel:/mqxx-test-" + std::to_string(::getpid());
};

TEST_F(KernelLimits, ACapacityAboveMsgMaxNamesTheLimitItsValueAndTheWayOut) {
  if (is_private_) {
    ASSERT_TRUE(set_queue_limit("msg_max", 10));
  }
  const std::uint64_t limit = queue_limits().capacity;
  as_ordinary_user([&] {
    const auto call = create(limit + 1, 8);
    EXPECT_TRUE(fails_with(Errc::invalid_capacity, call));
    EXPECT_TRUE(says(sentence_of(call), "create", address_, "capacity is " + std::to_string(limit + 1),
                     "1 to " + std::to_string(limit), "sysctl fs.mqueue.msg_max=" + std::to_string(limit + 1),
                     "EINVAL"));
  });
}

TEST_F(KernelLimits, AMessageSizeAboveMsgsizeMaxNamesTheLimitItsValueAndTheWayOut) {
  if (is_private_) {
    ASSERT_TRUE(set_queue_limit("msgsize_max", 8192));
  }
  const std::uint64_t limit = queue_limits().message_size;
  as_ordinary_user([&] {
    const auto call = create(1, limit + 1);
    EXPECT_TRUE(fails_with(Errc::invalid_message_size, call));
    EXPECT_TRUE(says(sentence_of(call), "message size is " + std::to_string(limit + 1), "1 to " + std::to_string(limit),
                     "sysctl fs.mqueue.msgsize_max=" + std::to_string(limit + 1), "EINVAL"));
  });
}

TEST_F(KernelLimits, AHardCeilingIsToldWithoutAWayOut) {
  for (const auto& [call, limit] :
       {std::pair{create(65537, 8), "65536"}, std::pair{create(1, (16 << 20) + 1), "16777216"}}) {
    const std::string sentence = sentence_of(call);
    EXPECT_TRUE(says(sentence, limit, "EINVAL"));
    EXPECT_EQ(sentence.find("sysctl"), sentence.npos) << sentence;
  }
}

TEST_F(KernelLimits, MoreBytesThanRlimitMsgqueueIsNotCalledTooManyFiles) {
  as_ordinary_user([&] {
    // One queue of ten messages of 100 bytes counts as 10 * (100 + 48) + 10 * 48 = 1960 bytes.
    const rlimit small{1959, 1959};
    ASSERT_EQ(::setrlimit(RLIMIT_MSGQUEUE, &small), 0);
    const auto call = create(10, 100);
    EXPECT_TRUE(fails_with(Errc::too_many_bytes, call));
    EXPECT_TRUE(
        says(sentence_of(call), "10 messages of 100 bytes", "1960", "1959 (RLIMIT_MSGQUEUE)", "ulimit -q", "EMFILE"));
    std::error_code ec;
    (void)Queue::create(address_ + "-limit", {.capacity = 10, .message_size = 100}, ec);
    EXPECT_EQ(ec, std::errc::too_many_files_open) << "the errno is still the kernel's";
  });
}

TEST_F(KernelLimits, TheBytesOfAQueueAreThoseOfTheKernel) {
  if (!is_root()) GTEST_SKIP() << "other queues of this user would count too";
  as_ordinary_user([&] {
    const rlimit exact{1960, 1960};
    ASSERT_EQ(::setrlimit(RLIMIT_MSGQUEUE, &exact), 0);
    EXPECT_NO_THROW(create(10, 100)());
  });
}

TEST_F(KernelLimits, TooManyOpenFilesAreNotCalledTooManyBytes) {
  as_ordinary_user([&] {
    const rlimit none{0, 0};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_TRUE(fails_with(Errc::too_many_files, create(1, 8)));
    EXPECT_TRUE(says(sentence_of(create(1, 8)), "RLIMIT_NOFILE", "ulimit -n", "EMFILE"));
  });
}

TEST_F(KernelLimits, MoreQueuesThanQueuesMaxNamesTheLimitAndTheWayOut) {
  if (!is_private_) GTEST_SKIP() << "only root can make the kernel run out of queues without harm to others";
  ASSERT_TRUE(set_queue_limit("queues_max", 1));
  Queue only = Queue::create(address_, {.capacity = 1, .message_size = 8});
  as_ordinary_user([&] {
    EXPECT_TRUE(fails_with(Errc::too_many_queues, create(1, 8)));
    EXPECT_TRUE(says(sentence_of(create(1, 8)), "all of its 1 queues", "sysctl fs.mqueue.queues_max=2", "ENOSPC"));
  });
  only.unlink();
}

TEST_F(KernelLimits, ListingWithoutTheRightToMountSaysHow) {
  if (!is_private_) GTEST_SKIP() << "whether a mount shows the queues is the administrator's choice here";
  as_ordinary_user([&] {
    try {
      (void)list("kernel:");  // an administrator may have mounted it
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::permission_denied);
      EXPECT_TRUE(says(error.what(), "list", "mount -t mqueue none /dev/mqueue", "EPERM"));
    }
  });
}

}  // namespace
}  // namespace mqxx::test
