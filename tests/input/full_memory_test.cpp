// A full memory file system: an error, nothing lost, never SIGBUS; and all is well again when there is room.
//
// Each test runs in a child with a mount namespace of its own, where the queue directory is a tiny tmpfs.
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

constexpr std::size_t kMemory = 2 << 20;
constexpr const char* kOptions = "size=2m,mode=0777";

void write_file(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;  // what it was needed for will fail, and say so
  if (::write(fd, text.data(), text.size()) < 0) errno = 0;
  ::close(fd);
}

/// Mounts a small file system over `directory`, for this process alone. @return why not, or ""
std::string mount_small_memory(const std::string& directory) {
  const auto uid = ::geteuid();
  const auto gid = ::getegid();
  if (::unshare(CLONE_NEWNS | (is_root() ? 0 : CLONE_NEWUSER)) != 0) {
    return std::string("unshare: ") + std::strerror(errno);
  }
  if (uid != 0) {
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
    write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", directory.c_str(), "tmpfs", 0, kOptions) != 0) {
    return std::string("mount: ") + std::strerror(errno);
  }
  return {};
}

class FullMemory : public QueueTest {
 protected:
  void SetUp() override {
    std::string why;
    Child probe([&] {
      why = mount_small_memory(directory_.path().string());
      if (!why.empty()) throw std::runtime_error(why);
    });
    const Ended ended = probe.join();
    if (!ended.well()) GTEST_SKIP() << "no file system of our own can be mounted here: " << ended.failures;
  }

  template <class Body>
  void in_small_memory(Body body) {
    Child child([&] {
      ASSERT_EQ(mount_small_memory(directory_.path().string()), "");
      body();
    });
    expect_well(child);
  }

  /// Takes all that is left, but for `spare` bytes.
  void fill_memory(std::size_t spare = 0) const {
    const int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    for (off_t size = 0; ::posix_fallocate(fd, size, 4096) == 0; size += 4096) {
    }
    if (spare > 0) {
      const off_t size = ::lseek(fd, 0, SEEK_END);
      ASSERT_EQ(::ftruncate(fd, std::max<off_t>(0, size - static_cast<off_t>(spare))), 0);
    }
    ::close(fd);
  }
  void make_room() const { ::unlink(filler().c_str()); }
  [[nodiscard]] std::string filler() const { return (directory_.path() / "filler").string(); }

  /// Sends patterns 0, 1, ... until there is no space. @return how many were sent
  static std::uint64_t send_until_full(Queue& queue, std::size_t size, std::uint64_t first = 0) {
    for (std::uint64_t tag = first;; ++tag) {
      std::error_code ec;
      const bool sent = queue.try_send(std::span<const std::byte>(pattern(size, tag)), 0, ec);
      if (sent) continue;
      EXPECT_EQ(ec, Errc::no_space) << ec.message();
      return tag - first;
    }
  }

  static void expect_received(Queue& queue, std::size_t size, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t tag = first; tag < first + count; ++tag) {
      const std::optional<Message> message = queue.try_receive();
      ASSERT_TRUE(message) << tag;
      ASSERT_EQ(message->size(), size);
      ASSERT_TRUE(is_pattern(message->bytes(), tag)) << tag;
    }
  }
};

TEST_F(FullMemory, SendFailsWithNoSpaceAndLosesNothing) {
  in_small_memory([] {
    for (const std::size_t size : {std::size_t{8}, std::size_t{500}, std::size_t{5000}, std::size_t{100'000}}) {
      SCOPED_TRACE(size);
      Queue queue = Queue::create("/q", {.capacity = 1'000'000, .message_size = size});
      const std::uint64_t count = send_until_full(queue, size);
      EXPECT_GT(count, 0u);
      EXPECT_LT(count * size, kMemory);
      EXPECT_EQ(queue.attributes().depth, count);
      EXPECT_EQ(queue.statistics().messages_sent, count);
      EXPECT_EQ(broken_invariants("/q"), "");
      expect_received(queue, size, 0, count);
      EXPECT_FALSE(queue.try_receive());
      queue.unlink();
    }
  });
}

TEST_F(FullMemory, EveryFormOfSendSaysNoSpaceAndDoesNotWait) {
  in_small_memory([this] {
    Queue queue = Queue::create("/q", {.capacity = 1000, .message_size = 8192});
    const std::uint64_t count = send_until_full(queue, 8192);
    const std::vector<std::byte> bytes = pattern(8192, 0);
    const Payload payload = std::span<const std::byte>(bytes);
    EXPECT_TRUE(fails_with(Errc::no_space, [&] { queue.send(payload); }));
    EXPECT_TRUE(fails_with(Errc::no_space, [&] { queue.try_send(payload); }));
    EXPECT_TRUE(fails_with(Errc::no_space, [&] { queue.send_for(payload, 1h); }));
    EXPECT_TRUE(fails_with(Errc::no_space, [&] { (void)queue.loan(8192); }));
    EXPECT_TRUE(fails_with(Errc::no_space, [&] { queue.send_batch(std::array{Outgoing{payload}}); }));
    EXPECT_TRUE(says(sentence_of([&] { queue.send(payload); }), "send", "'/q'", directory_.path().string(), "ENOSPC"));
    EXPECT_EQ(queue.attributes().depth, count);
    EXPECT_EQ(queue.statistics().loans, 0u);
  });
}

TEST_F(FullMemory, SendingGoesOnWhenThereIsRoomAgain) {
  in_small_memory([this] {
    constexpr std::size_t kSize = 8192;
    Queue queue = Queue::create("/q", {.capacity = 1000, .message_size = kSize});
    fill_memory(std::size_t{512} << 10);
    const std::uint64_t before = send_until_full(queue, kSize);
    EXPECT_GT(before, 0u);
    make_room();
    const std::uint64_t after = send_until_full(queue, kSize, before);
    EXPECT_GT(after, 0u);
    EXPECT_EQ(broken_invariants("/q"), "");
    expect_received(queue, kSize, 0, before + after);
    EXPECT_FALSE(queue.try_receive());
  });
}

TEST_F(FullMemory, RoomOfReceivedMessagesIsUsedAgainThoughTheMemoryIsFull) {
  in_small_memory([this] {
    constexpr std::size_t kSize = 8192;
    Queue queue = Queue::create("/q", {.capacity = 1000, .message_size = kSize});
    const std::uint64_t count = send_until_full(queue, kSize);
    fill_memory();
    for (std::uint64_t tag = count; tag < 3 * count; ++tag) {
      expect_received(queue, kSize, tag - count, 1);
      ASSERT_TRUE(queue.try_send(std::span<const std::byte>(pattern(kSize, tag)))) << tag;
    }
    expect_received(queue, kSize, 2 * count, count);
  });
}

TEST_F(FullMemory, ABatchTellsHowManyOfItWereSent) {
  in_small_memory([] {
    Queue queue = Queue::create("/q", {.capacity = 1000, .message_size = 8192});
    const std::vector<std::byte> payload = pattern(8192, 1);
    const std::vector<Outgoing> batch(1000, Outgoing{std::span<const std::byte>(payload)});
    const std::size_t sent = queue.send_batch(batch, Wait::none());
    EXPECT_GT(sent, 0u);
    EXPECT_LT(sent, 1000u);
    EXPECT_EQ(queue.attributes().depth, sent);
    EXPECT_EQ(drained(queue).size(), sent);
  });
}

TEST_F(FullMemory, CreateFailsWithNoSpaceAndLeavesNothingBehind) {
  in_small_memory([this] {
    fill_memory();
    EXPECT_TRUE(fails_with(Errc::no_space, [] { (void)Queue::create("/q"); }));
    EXPECT_TRUE(
        says(sentence_of([] { (void)Queue::create("/q"); }), "create", "'/q'", directory_.path().string(), "ENOSPC"));
    EXPECT_EQ(directory_.file_count(), 1u) << "the filler alone";
    make_room();
    Queue queue = Queue::create("/q");
    queue.send("x");
    EXPECT_EQ(queue.receive().text(), "x");
  });
}

// The more priorities, the more of the index is needed: it must be there before a message is, or the message not sent.
TEST_F(FullMemory, NewPrioritiesInAFullMemoryAreSentOrRefused) {
  in_small_memory([this] {
    Queue queue = Queue::create("/q", {.capacity = 10, .message_size = 64});
    queue.send("first");
    fill_memory(16384);
    std::size_t sent = 0;
    std::size_t refused = 0;
    for (Priority priority = 0; priority <= kMaxPriority; priority += 101) {
      std::error_code ec;
      if (queue.try_send("x", priority, ec)) {
        ++sent;
        ASSERT_EQ(queue.receive().priority(), priority);
      } else {
        ASSERT_EQ(ec, Errc::no_space) << ec.message();
        ++refused;
      }
      if (priority == 0) (void)queue.try_send("last");  // keeps one queued all the time
    }
    EXPECT_GT(sent, 0u);
    EXPECT_GT(refused, 0u);
    EXPECT_EQ(broken_invariants("/q"), "");
    EXPECT_GE(drained(queue).size(), 1u);
  });
}

TEST_F(FullMemory, AQueueInAFullMemoryCanBeOpenedAndEmptied) {
  in_small_memory([this] {
    Queue queue = Queue::create("/q", {.capacity = 1000, .message_size = 8192});
    const std::uint64_t count = send_until_full(queue, 8192);
    queue.close();
    fill_memory();
    Queue again = Queue::open("/q");
    EXPECT_EQ(describe("/q").attributes.depth, count);
    expect_received(again, 8192, 0, count);
    EXPECT_EQ(broken_invariants("/q"), "");
  });
}

TEST_F(FullMemory, LoansAreSafeToWriteToTheirLastByte) {
  in_small_memory([] {
    Queue queue = Queue::create("/q", {.capacity = 100, .message_size = 100'000});
    std::vector<SendLoan> loans;
    for (;;) {
      std::error_code ec;
      SendLoan loan = queue.loan(100'000, Wait::none(), ec);
      if (!loan) {
        EXPECT_EQ(ec, Errc::no_space) << ec.message();
        break;
      }
      fill_pattern(loan.bytes(), loans.size());
      loans.push_back(std::move(loan));
    }
    EXPECT_GT(loans.size(), 1u);
    const std::uint64_t count = loans.size();
    for (SendLoan& loan : loans) loan.send();
    expect_received(queue, 100'000, 0, count);
  });
}

}  // namespace
}  // namespace mqxx::test
