// One test for each duty of os/guard.hpp.
#include "os/guard.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/memory.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"

namespace mqxx::os {
namespace {

constexpr std::uint64_t kPages = 8;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kBytes = kPages * kPageBytes;

/// A file of eight pages, each full of its number, mapped and guarded.
class GuardedFile : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(resize(file_->fd.get(), kBytes));
    memory_ = *map_shared(file_->fd.get(), kBytes);
    for (std::uint64_t page = 0; page < kPages; ++page) std::memset(at(page), static_cast<int>(page + 1), kPageBytes);
    Result<Guard> guard = Guard::over(memory_, kBytes);
    ASSERT_TRUE(guard);
    guard_ = std::move(*guard);
  }
  void TearDown() override {
    guard_ = {};
    unmap(memory_, kBytes);
  }

  [[nodiscard]] std::byte* at(std::uint64_t page) const { return memory_ + page * kPageBytes; }
  /// Through memory that the compiler cannot see through.
  [[nodiscard]] int read(std::uint64_t page) const {
    return static_cast<int>(*const_cast<volatile std::byte*>(at(page)));
  }
  void cut(std::uint64_t pages) const {
    ASSERT_EQ(ftruncate(file_->fd.get(), static_cast<off_t>(pages * kPageBytes)), 0);
  }
  /// What the owner of the range is told by.
  [[nodiscard]] bool told() const { return read(kPages - 1) == 0; }
  /// Makes the file what it was, for those who have not lost a page.
  void grow_again() const {
    cut(kPages);
    std::vector<std::byte> bytes(kPageBytes);
    for (std::uint64_t page = 0; page < kPages; ++page) {
      std::fill(bytes.begin(), bytes.end(), static_cast<std::byte>(page + 1));
      ASSERT_TRUE(write_at(file_->fd.get(), page * kPageBytes, bytes));
    }
  }

  test::PrivateDirectory directory_;
  Result<UnnamedFile> file_ = create_unnamed(directory_.path(), 0600);
  std::byte* memory_ = nullptr;
  Guard guard_;
};

TEST_F(GuardedFile, APageThatIsGoneReadsAsZeros) {
  cut(4);
  EXPECT_EQ(read(3), 4);
  EXPECT_EQ(read(4), 0);
  EXPECT_EQ(read(7), 0);
}

TEST_F(GuardedFile, TheLastPageIsLostWithAnyOther) {
  EXPECT_FALSE(told());
  cut(4);
  EXPECT_EQ(read(4), 0);
  grow_again();
  EXPECT_EQ(read(6), 7) << "nobody has touched it while it was gone";
  EXPECT_EQ(read(4), 0);
  EXPECT_TRUE(told());
}

TEST_F(GuardedFile, APageThatIsGoneKeepsWhatIsWritten) {
  cut(0);
  std::memset(memory_, 0x5a, kBytes);
  for (std::uint64_t page = 0; page < kPages; ++page) EXPECT_EQ(read(page), 0x5a) << page;
  EXPECT_EQ(facts(file_->fd.get())->size, 0U);
}

TEST_F(GuardedFile, PagesThatAreLeftStayShared) {
  std::byte* const other = *map_shared(file_->fd.get(), kBytes);
  cut(4);
  EXPECT_EQ(read(5), 0);
  at(3)[1] = std::byte{77};
  EXPECT_EQ(other[3 * kPageBytes + 1], std::byte{77});
  unmap(other, kBytes);
}

TEST_F(GuardedFile, ACopyOverTheEdgeEndsWithZeros) {
  cut(4);
  std::vector<std::byte> copy(2 * kPageBytes, std::byte{9});
  std::memcpy(copy.data(), at(3), copy.size());
  EXPECT_EQ(copy[kPageBytes - 1], std::byte{4});
  EXPECT_EQ(copy[kPageBytes], std::byte{0});
  EXPECT_EQ(copy.back(), std::byte{0});
  EXPECT_TRUE(told());
}

TEST_F(GuardedFile, EachMappingLosesItsPagesByItself) {
  std::byte* const other = *map_shared(file_->fd.get(), kBytes);
  {
    const Result<Guard> second = Guard::over(other, kBytes);
    ASSERT_TRUE(second);
    cut(0);
    EXPECT_EQ(read(0), 0);
    grow_again();
    EXPECT_TRUE(told());
    EXPECT_EQ(other[kBytes - 1], std::byte{kPages});
  }
  unmap(other, kBytes);
}

TEST_F(GuardedFile, ThousandsMayBeGuardedAtOnceAndTheirPlacesAreUsedAgain) {
  for (int round = 0; round < 3; ++round) {
    std::vector<Guard> guards;
    for (int i = 0; i < 3000; ++i) {
      Result<Guard> guard = Guard::over(memory_ + kBytes, 1);  // of nothing: never touched
      ASSERT_TRUE(guard);
      guards.push_back(std::move(*guard));
    }
  }
  cut(0);
  EXPECT_EQ(read(0), 0);
  EXPECT_TRUE(told());
}

TEST_F(GuardedFile, AChildOfForkIsGuardedToo) {
  test::Child child([this] {
    cut(0);
    EXPECT_EQ(read(2), 0);
    grow_again();
    EXPECT_TRUE(told());
  });
  expect_well(child);
  EXPECT_FALSE(told());
}

// ---- What is not a lost page of ours goes on as if we were not there

/// A page of a file that nobody guards, behind the file's end.
const volatile char* lost_page() {
  const int fd = memfd_create("lost", MFD_CLOEXEC);
  return static_cast<const volatile char*>(mmap(nullptr, kPageBytes, PROT_READ, MAP_SHARED, fd, 0));
}

volatile sig_atomic_t g_seen = 0;

/// A process that had arranged for the signal before its first guard. Children of this one have a guard already, so
/// the actions are exchanged as src/posix does it.
void arrange(const struct sigaction& action) {
  struct sigaction before {};
  ASSERT_TRUE(exchange_action(action, before));
  const struct sigaction front = guard_in_front_of(action);
  ASSERT_EQ(sigaction(SIGBUS, &front, nullptr), 0);
}

/// Not what a sanitizer has arranged.
void arrange_default() { arrange({}); }

TEST_F(GuardedFile, ALostPageOfSomethingElseEndsTheProcess) {
  test::Child child([] {
    arrange_default();
    (void)*lost_page();
  });
  EXPECT_EQ(child.join().signal, SIGBUS);
}

TEST_F(GuardedFile, ASignalThatSomebodySendsEndsTheProcess) {
  test::Child child([] {
    arrange_default();
    std::raise(SIGBUS);
  });
  EXPECT_EQ(child.join().signal, SIGBUS);
}

TEST_F(GuardedFile, TheProgramsHandlerSeesWhatIsNotOurs) {
  test::Child child([this] {
    struct sigaction action {};
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
      if (info->si_code > 0) _exit(info->si_code == BUS_ADRERR ? 42 : 43);
      g_seen = g_seen + 1;
    };
    action.sa_flags = SA_SIGINFO;
    arrange(action);
    cut(0);
    EXPECT_EQ(read(0), 0);
    EXPECT_EQ(g_seen, 0) << "of ours";
    std::raise(SIGBUS);
    EXPECT_EQ(g_seen, 1);
    (void)*lost_page();
  });
  EXPECT_EQ(child.join().exit_status, 42);
}

TEST_F(GuardedFile, AHandlerThatIsResetRunsOnce) {
  test::Child child([] {
    struct sigaction action {};
    action.sa_handler = [](int) { g_seen = g_seen + 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    arrange(action);
    std::raise(SIGBUS);
    EXPECT_EQ(g_seen, 1);
    EXPECT_EQ(program_action().sa_handler, SIG_DFL);
    std::raise(SIGBUS);
  });
  const test::Ended ended = child.join();
  EXPECT_EQ(ended.signal, SIGBUS) << ended.failures;
}

TEST_F(GuardedFile, AnIgnoredSignalIsIgnored) {
  test::Child child([] {
    struct sigaction action {};
    action.sa_handler = SIG_IGN;
    arrange(action);
    std::raise(SIGBUS);
  });
  expect_well(child);
}

TEST_F(GuardedFile, ManyExchangesTakeNoRoom) {
  test::Child child([] {
    for (int i = 0; i < 10'000; ++i) {
      struct sigaction action {};
      action.sa_handler = i % 2 == 0 ? SIG_IGN : SIG_DFL;
      arrange(action);
    }
  });
  expect_well(child);
}

}  // namespace
}  // namespace mqxx::os
