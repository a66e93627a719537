// The limits of a process: descriptors, address space, size of files. An error when one is reached, nothing half done,
// and queues that are open go on.
#include <cerrno>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

void limit(int resource, rlim_t value) {
  rlimit now{};
  ASSERT_EQ(::getrlimit(static_cast<__rlimit_resource>(resource), &now), 0);
  now.rlim_cur = value;
  ASSERT_EQ(::setrlimit(static_cast<__rlimit_resource>(resource), &now), 0);
}

/// Bytes of address space that this process has.
rlim_t address_space() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

class ProcessLimits : public QueueTest {
 protected:
  static void expect_usable(Queue& queue) {
    const std::vector<std::byte> bytes = pattern(queue.attributes().message_size, 1);
    for (int i = 0; i < 100; ++i) queue.send(std::span<const std::byte>(bytes), static_cast<Priority>(i * 300));
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(is_pattern(queue.receive().bytes(), 1));
  }
};

TEST_F(ProcessLimits, WithoutDescriptorsOpeningFailsAndLeavesNothing) {
  const Queue present = Queue::create("/present");
  Child child([this] {
    bool opened = false;
    bool created = false;
    for (rlim_t spare = 0; !opened || !created; ++spare) {
      SCOPED_TRACE(spare);
      ASSERT_LT(spare, 20U);
      const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      ::close(lowest);
      const std::size_t files = directory_.file_count();
      limit(RLIMIT_NOFILE, static_cast<rlim_t>(lowest) + spare);
      std::error_code ec;
      opened = Queue::open("/present", {}, ec).is_open();
      if (!opened) {
        EXPECT_EQ(ec, Errc::too_many_files) << ec.message();
      }
      created = Queue::create("/new", {}, ec).is_open();
      limit(RLIMIT_NOFILE, 1000);
      if (created) {
        Queue::unlink("/new");
      } else {
        EXPECT_EQ(ec, Errc::too_many_files) << ec.message();
      }
      EXPECT_EQ(directory_.file_count(), files);
    }
  });
  expect_well(child);
}

TEST_F(ProcessLimits, WithoutDescriptorsAnOpenQueueGoesOn) {
  Child child([] {
    Queue queue = Queue::create("/q", {.capacity = 200, .message_size = 10'000});
    limit(RLIMIT_NOFILE, 0);
    expect_usable(queue);
    queue.close();
    limit(RLIMIT_NOFILE, 1000);
    EXPECT_EQ(broken_invariants("/q"), "");
  });
  expect_well(child);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadows are address space
TEST_F(ProcessLimits, WithoutAddressSpaceOpeningFailsAndLeavesNothing) {
  constexpr std::size_t kLarge = 64 << 20;
  const Queue present = Queue::create("/present", {.capacity = 10, .message_size = kLarge});
  Child child([this] {
    const std::size_t files = directory_.file_count();
    limit(RLIMIT_AS, address_space() + kLarge);
    EXPECT_TRUE(fails_with(Errc::no_memory, [] { (void)Queue::open("/present"); }));
    EXPECT_TRUE(
        fails_with(Errc::no_memory, [] { (void)Queue::create("/new", {.capacity = 10, .message_size = kLarge}); }));
    EXPECT_TRUE(says(sentence_of([] { (void)Queue::open("/present"); }), "open", "'/present'", "ENOMEM"));
    EXPECT_EQ(directory_.file_count(), files);
    Queue small = Queue::create("/small", {.capacity = 200, .message_size = 64});
    expect_usable(small);
  });
  expect_well(child);
}

TEST_F(ProcessLimits, WithoutAddressSpaceAnOpenQueueGoesOn) {
  Child child([] {
    Queue queue = Queue::create("/q", {.capacity = 200, .message_size = 10'000});
    std::vector<std::byte> buffer = buffer_for(queue);
    limit(RLIMIT_AS, address_space());
    for (int i = 0; i < 200; ++i) queue.send(std::span<const std::byte>(buffer), static_cast<Priority>(i * 100));
    for (int i = 0; i < 200; ++i) (void)queue.receive(buffer);
    std::error_code ec;
    queue.send("x", 0, ec);
    EXPECT_FALSE(ec);
    limit(RLIMIT_AS, RLIM_INFINITY);
    EXPECT_EQ(broken_invariants("/q"), "");
  });
  expect_well(child);
}
#endif

// Above the limit the kernel does not only refuse: it raises SIGXFSZ, which ends the program.
TEST_F(ProcessLimits, AQueueLargerThanFilesMayBeIsAnErrorAndNoSignal) {
  Child child([this] {
    for (const rlim_t most : {rlim_t{0}, rlim_t{512}, rlim_t{1} << 20}) {
      limit(RLIMIT_FSIZE, most);
      std::error_code ec;
      (void)Queue::create("/q", {}, ec);
      EXPECT_EQ(ec, std::error_code(EFBIG, std::generic_category())) << ec.message();
      EXPECT_TRUE(says(sentence_of([] { (void)Queue::create("/q"); }), "create", "'/q'", "EFBIG"));
      EXPECT_EQ(directory_.file_count(), 0U);
    }
  });
  expect_well(child);
}

TEST_F(ProcessLimits, WhoMayWriteNoFilesUsesQueuesThatAreThere) {
  for (const std::size_t message_size : {std::size_t{64}, std::size_t{10'000}}) {
    const Queue keeper = Queue::create("/q", {.capacity = 5000, .message_size = message_size});
    Child child([] {
      limit(RLIMIT_FSIZE, 0);
      Queue queue = Queue::open("/q");
      expect_usable(queue);
      const std::vector<std::byte> bytes = pattern(queue.attributes().message_size, 2);
      for (int i = 0; i < 2000; ++i) queue.send(std::span<const std::byte>(bytes));
      EXPECT_EQ(broken_invariants("/q"), "");
    });
    expect_well(child);
    Queue::unlink("/q");
  }
}

TEST_F(ProcessLimits, WhoMayWriteNoFilesIsToldOfAFileThatWasCut) {
  const Queue keeper = Queue::create("/q", {.capacity = 5000, .message_size = 10'000});
  Child child([this] {
    Queue queue = Queue::open("/q");
    ASSERT_EQ(::truncate(directory_.queue_file().c_str(), 8192), 0);
    limit(RLIMIT_FSIZE, 0);
    std::error_code ec;
    queue.send("x", 0, ec);
    EXPECT_TRUE(ec == Errc::queue_damaged || ec == std::errc::file_too_large) << ec.message();
  });
  expect_well(child);
}

}  // namespace
}  // namespace mqxx::test
