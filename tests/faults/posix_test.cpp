// The faults of this folder through the drop-in: errno as documented, the program's own SIGBUS action untouched.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {
namespace {

class PosixFaults : public testing::Test {
 protected:
  static mqd_t open_queue(const char* name, long capacity, long size) {
    mq_attr attributes{};
    attributes.mq_maxmsg = capacity;
    attributes.mq_msgsize = size;
    const mqd_t queue = ::mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
    EXPECT_NE(queue, -1) << std::strerror(errno);
    return queue;
  }
  static void set_nonblocking(mqd_t queue) {
    mq_attr attributes{};
    attributes.mq_flags = O_NONBLOCK;
    EXPECT_EQ(::mq_setattr(queue, &attributes, nullptr), 0);
  }
  void cut(off_t size) const { ASSERT_EQ(::truncate(directory_.queue_file().c_str(), size), 0); }
  static void limit(int resource, rlim_t value) {
    rlimit now{};
    ASSERT_EQ(::getrlimit(static_cast<__rlimit_resource>(resource), &now), 0);
    now.rlim_cur = value;
    ASSERT_EQ(::setrlimit(static_cast<__rlimit_resource>(resource), &now), 0);
  }

  PrivateDirectory directory_;
  Watchdog watchdog_{std::chrono::seconds(50)};
};

testing::AssertionResult fails(long result, int error) {
  const int seen = errno;
  if (result == -1 && seen == error) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "result " << result << ", errno " << seen << " (" << std::strerror(seen) << ")";
}

TEST_F(PosixFaults, TheQueuesAreOurs) {
  const mqd_t queue = open_queue("/q", 4, 64);
  EXPECT_TRUE(std::filesystem::exists(directory_.path() / "mqxx.q"));
  ::mq_close(queue);
}

// ---- A file that is cut short

TEST_F(PosixFaults, EveryCallOnACutQueueIsEBADMSG) {
  const mqd_t queue = open_queue("/q", 4, 64);
  char buffer[64];
  ASSERT_EQ(::mq_send(queue, "one", 3, 0), 0);
  cut(0);
  mq_attr attributes{};
  EXPECT_TRUE(fails(::mq_send(queue, "two", 3, 0), EBADMSG));
  EXPECT_TRUE(fails(::mq_receive(queue, buffer, sizeof buffer, nullptr), EBADMSG));
  EXPECT_TRUE(fails(::mq_getattr(queue, &attributes), EBADMSG));
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  EXPECT_TRUE(fails(::mq_notify(queue, &event), EBADMSG));
  pollfd polled{queue, POLLIN, 0};
  EXPECT_EQ(::poll(&polled, 1, -1), 1) << "what follows says what is wrong";
  EXPECT_EQ(::mq_close(queue), 0);
  EXPECT_TRUE(fails(::mq_open("/q", O_RDWR), EBADMSG));
  EXPECT_EQ(::mq_unlink("/q"), 0);
}

// ---- Ways to wait until there is a message

bool poll_for(mqd_t queue) {
  pollfd polled{queue, POLLIN, 0};
  return ::poll(&polled, 1, -1) == 1 && polled.revents == POLLIN;
}

bool poll_under_a_mask(mqd_t queue) {
  pollfd polled{queue, POLLIN, 0};
  sigset_t mask;
  sigemptyset(&mask);
  return ::ppoll(&polled, 1, nullptr, &mask) == 1 && polled.revents == POLLIN;
}

bool select_for(mqd_t queue) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(queue, &set);
  return ::select(queue + 1, &set, nullptr, nullptr, nullptr) == 1 && FD_ISSET(queue, &set);
}

bool wait_in_epoll(mqd_t queue, std::uint32_t events, int timeout) {
  const int instance = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = events;
  EXPECT_EQ(::epoll_ctl(instance, EPOLL_CTL_ADD, queue, &event), 0) << std::strerror(errno);
  epoll_event seen{};
  const int count = ::epoll_wait(instance, &seen, 1, timeout);
  ::close(instance);
  return count == 1 && seen.events == EPOLLIN;
}

struct Wait {
  const char* name;
  bool (*ready)(mqd_t queue);
};
const std::vector<Wait> kWaits = {
    {"mq_receive", [](mqd_t) { return true; }},
    {"poll", poll_for},
    {"ppoll", poll_under_a_mask},
    {"select", select_for},
    {"epoll_wait", [](mqd_t queue) { return wait_in_epoll(queue, EPOLLIN, -1); }},
    {"epoll_wait for an edge", [](mqd_t queue) { return wait_in_epoll(queue, EPOLLIN | EPOLLET, -1); }},
};

TEST_F(PosixFaults, WhoWaitsForACutQueueIsToldWhereverHeWaits) {
  for (const Wait& wait : kWaits) {
    SCOPED_TRACE(wait.name);
    const mqd_t queue = open_queue("/q", 4, 64);
    std::atomic<int>* waiting = static_cast<std::atomic<int>*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    Child child([&] {
      waiting->store(1);
      char buffer[64];
      EXPECT_TRUE(wait.ready(queue));
      EXPECT_TRUE(fails(::mq_receive(queue, buffer, sizeof buffer, nullptr), EBADMSG));
    });
    wait_until([&] { return waiting->load() == 1; });
    std::this_thread::sleep_for(kMoment);
    cut(0);
    expect_well(child);
    ::munmap(waiting, 4096);
    ::mq_close(queue);
    ::mq_unlink("/q");
  }
}

TEST_F(PosixFaults, AnEpollInstanceThatIsAskedAtOnceTellsOfACutQueueToo) {
  const mqd_t queue = open_queue("/q", 4, 64);
  const int instance = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  ASSERT_EQ(::epoll_ctl(instance, EPOLL_CTL_ADD, queue, &event), 0);
  ASSERT_EQ(::epoll_wait(instance, &event, 1, 0), 0);
  cut(2'000'000);
  EXPECT_EQ(::epoll_wait(instance, &event, 1, 0), 1);
  ::close(instance);
  ::mq_close(queue);
}

// The kernel ends a process that faults where the signal is blocked. docs/security.md says so, and this that it is so.
TEST_F(PosixFaults, AThreadThatBlocksTheSignalEndsTheProcess) {
  Child child([this] {
    const mqd_t queue = open_queue("/q", 4, 64);
    sigset_t blocked;
    sigfillset(&blocked);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, nullptr), 0);
    ASSERT_EQ(::mq_send(queue, "x", 1, 0), 0);
    cut(0);
    (void)::mq_send(queue, "x", 1, 0);
  });
  EXPECT_EQ(child.join().signal, SIGBUS);
}

// The helper blocks every signal but the one that it needs itself.
TEST_F(PosixFaults, TheHelperOfARegisteredProcessOutlivesTheFile) {
  Child child([this] {
    const mqd_t queue = open_queue("/q", 4, 64);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = [](sigval) {};
    ASSERT_EQ(::mq_notify(queue, &event), 0) << std::strerror(errno);
    cut(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // longer than it sleeps at a time
    EXPECT_TRUE(fails(::mq_send(queue, "x", 1, 0), EBADMSG));
  });
  expect_well(child);
}

// ---- The program's own action for SIGBUS

volatile sig_atomic_t g_seen = 0;
void note(int) { g_seen = g_seen + 1; }
void note_more(int, siginfo_t* info, void*) { g_seen = g_seen + (info->si_code == BUS_ADRERR ? 100 : 10); }

void expect_guarded(mqd_t queue) {
  char buffer[64];
  EXPECT_TRUE(fails(::mq_receive(queue, buffer, sizeof buffer, nullptr), EBADMSG));
}

TEST_F(PosixFaults, TheProgramSeesTheActionThatItHadBefore) {
  Child child([this] {
    struct sigaction mine {};
    mine.sa_sigaction = note_more;
    mine.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaddset(&mine.sa_mask, SIGUSR1);
    ASSERT_EQ(::sigaction(SIGBUS, &mine, nullptr), 0);
    const mqd_t queue = open_queue("/q", 4, 64);
    ASSERT_EQ(::mq_send(queue, "x", 1, 0), 0);
    struct sigaction seen {};
    ASSERT_EQ(::sigaction(SIGBUS, nullptr, &seen), 0);
    EXPECT_EQ(seen.sa_sigaction, note_more);
    EXPECT_EQ(seen.sa_flags & (SA_SIGINFO | SA_RESTART), SA_SIGINFO | SA_RESTART);
    EXPECT_EQ(sigismember(&seen.sa_mask, SIGUSR1), 1);
    cut(0);
    expect_guarded(queue);
    EXPECT_EQ(g_seen, 0) << "a page of a queue is none of its business";
    std::raise(SIGBUS);
    EXPECT_EQ(g_seen, 10);
  });
  expect_well(child);
}

TEST_F(PosixFaults, AnActionThatTheProgramSetsLaterIsKeptAndOursStaysInFront) {
  Child child([this] {
    const mqd_t queue = open_queue("/q", 4, 64);
    ASSERT_EQ(::mq_send(queue, "x", 1, 0), 0);
    struct sigaction seen {};
    ASSERT_EQ(::sigaction(SIGBUS, nullptr, &seen), 0);
    EXPECT_EQ(seen.sa_handler, SIG_DFL);
    EXPECT_EQ(::signal(SIGBUS, note), SIG_DFL);
    std::raise(SIGBUS);
    EXPECT_EQ(g_seen, 1);
    EXPECT_EQ(::signal(SIGBUS, SIG_IGN), note);
    std::raise(SIGBUS);
    EXPECT_EQ(g_seen, 1);
    EXPECT_EQ(::sysv_signal(SIGBUS, note), SIG_IGN);
    std::raise(SIGBUS);
    EXPECT_EQ(g_seen, 2);
    EXPECT_EQ(::signal(SIGBUS, note), SIG_DFL) << "reset by its run";
    cut(0);
    expect_guarded(queue);
    EXPECT_EQ(g_seen, 2);
  });
  expect_well(child);
}

TEST_F(PosixFaults, ABusErrorThatIsNotOursEndsTheProgramAsEver) {
  Child child([] {
    const mqd_t queue = open_queue("/q", 4, 64);
    EXPECT_EQ(::mq_send(queue, "x", 1, 0), 0);
    const int fd = ::memfd_create("lost", MFD_CLOEXEC);
    (void)*static_cast<volatile char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
  });
  EXPECT_EQ(child.join().signal, SIGBUS);
}

TEST_F(PosixFaults, OtherSignalsGoThrough) {
  Child child([] {
    EXPECT_EQ(::signal(SIGUSR2, note), SIG_DFL);
    std::raise(SIGUSR2);
    EXPECT_EQ(g_seen, 1);
    struct sigaction seen {};
    ASSERT_EQ(::sigaction(SIGUSR2, nullptr, &seen), 0);
    EXPECT_EQ(seen.sa_handler, note);
    EXPECT_EQ(::signal(12345, note), SIG_ERR);
  });
  expect_well(child);
}

// ---- Limits of the process

TEST_F(PosixFaults, WithoutThreadsANoticeByThreadIsRefusedAndNobodyIsRegistered) {
  directory_.share_with_everybody();
  Child child([] {
    become_ordinary_user();
    const mqd_t queue = open_queue("/q", 4, 64);
    limit(RLIMIT_NPROC, 0);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = [](sigval) {};
    const int result = ::mq_notify(queue, &event);
    EXPECT_TRUE(fails(result, ENOMEM) || fails(result, EAGAIN)) << result << ' ' << std::strerror(errno);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    struct sigaction action {};
    action.sa_handler = note;
    ::sigaction(SIGUSR1, &action, nullptr);
    ASSERT_EQ(::mq_notify(queue, &event), 0) << std::strerror(errno);  // not EBUSY, and needs no thread here
    ASSERT_EQ(::mq_send(queue, "x", 1, 0), 0);
    EXPECT_EQ(g_seen, 1);
  });
  expect_well(child);
}

TEST_F(PosixFaults, WithoutDescriptorsOpeningIsEMFILEAndOpenQueuesGoOn) {
  Child child([this] {
    const mqd_t queue = open_queue("/q", 4, 64);
    ASSERT_EQ(::mq_send(queue, "x", 1, 0), 0);
    limit(RLIMIT_NOFILE, 0);
    EXPECT_TRUE(fails(::mq_open("/q", O_RDWR), EMFILE));
    EXPECT_TRUE(fails(::mq_open("/new", O_RDWR | O_CREAT, 0600, nullptr), EMFILE));
    char buffer[64];
    EXPECT_EQ(::mq_receive(queue, buffer, sizeof buffer, nullptr), 1);
    limit(RLIMIT_NOFILE, 1000);
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "mqxx.new"));
  });
  expect_well(child);
}

TEST_F(PosixFaults, WithoutAddressSpaceTheFirstCallIsENOMEMAndALaterOneSucceeds) {
  Child child([] {
    const mqd_t queue = open_queue("/q", 16, 1 << 20);
    limit(RLIMIT_AS, 1 << 20);
    EXPECT_TRUE(fails(::mq_send(queue, "x", 1, 0), ENOMEM));
    limit(RLIMIT_AS, RLIM_INFINITY);
    EXPECT_EQ(::mq_send(queue, "x", 1, 0), 0) << std::strerror(errno);
  });
  expect_well(child);
}

TEST_F(PosixFaults, AQueueLargerThanFilesMayBeIsEFBIGAndNoSignal) {
  Child child([this] {
    limit(RLIMIT_FSIZE, 4096);
    EXPECT_TRUE(fails(::mq_open("/q", O_RDWR | O_CREAT, 0600, nullptr), EFBIG));
    EXPECT_EQ(directory_.file_count(), 0U);
  });
  expect_well(child);
}

// ---- A signal every 50 us, handled without SA_RESTART

void begin_storm() {
  struct sigaction action {};
  action.sa_handler = note;
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval every{{0, 50}, {0, 50}};
  ::setitimer(ITIMER_REAL, &every, nullptr);
}

TEST_F(PosixFaults, OnlyACallThatWaitsIsInterrupted) {
  Child child([] {
    begin_storm();
    char buffer[8192];
    for (int i = 0; i < 300; ++i) {
      const mqd_t queue = open_queue("/q", 4, sizeof buffer);
      for (const std::size_t size : {std::size_t{1}, sizeof buffer}) {
        ASSERT_EQ(::mq_send(queue, buffer, size, static_cast<unsigned>(i * 100)), 0) << std::strerror(errno);
        ASSERT_EQ(::mq_receive(queue, buffer, sizeof buffer, nullptr), static_cast<ssize_t>(size))
            << std::strerror(errno);
      }
      EXPECT_TRUE(fails(::mq_receive(queue, buffer, sizeof buffer, nullptr), EINTR));
      set_nonblocking(queue);
      EXPECT_TRUE(fails(::mq_receive(queue, buffer, sizeof buffer, nullptr), EAGAIN));
      ASSERT_EQ(::mq_close(queue), 0);
      ASSERT_EQ(::mq_unlink("/q"), 0);
    }
    EXPECT_GT(g_seen, 0);
  });
  expect_well(child);
}

TEST_F(PosixFaults, WhoCallsAgainAfterEINTRGetsEveryMessageOnce) {
  constexpr int kMessages = 1000;
  const mqd_t queue = open_queue("/q", 1, 64);
  const auto again = [](auto call) {
    long result = 0;
    do {
      result = call();
    } while (result == -1 && errno == EINTR);
    return result;
  };
  Child sender([&] {
    begin_storm();
    for (int i = 0; i < kMessages; ++i) {
      ASSERT_EQ(again([&] { return ::mq_send(queue, reinterpret_cast<const char*>(&i), sizeof i, 0); }), 0);
    }
  });
  Child receiver([&] {
    begin_storm();
    for (int i = 0; i < kMessages; ++i) {
      char buffer[64];
      ASSERT_EQ(again([&] { return ::mq_receive(queue, buffer, sizeof buffer, nullptr); }), 4);
      ASSERT_EQ(std::memcmp(buffer, &i, sizeof i), 0) << i;
    }
  });
  expect_well(sender);
  expect_well(receiver);
  ::mq_close(queue);
}

}  // namespace
}  // namespace mqxx::test
