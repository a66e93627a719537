// One test for each rule of posix/limits.hpp; those that are Linux's are asked of the kernel too.
#include "posix/limits.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/segment.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"

namespace mqxx::posix {
namespace {

Limits with_text(std::string_view text) {
  Limits limits;
  configure(limits, text);
  return limits;
}

/// The environment of lower(): a plain function must do, so it is global.
std::map<std::string, std::string> g_variables;

const char* variable(const char* name) {
  const auto found = g_variables.find(name);
  return found == g_variables.end() ? nullptr : found->second.c_str();
}

Limits with_variables(const std::map<std::string, std::string>& variables, Limits limits = {}) {
  g_variables = variables;
  lower(limits, variable);
  return limits;
}

Limits as_linux() { return with_variables({{"MQXX_COMPAT", "linux"}}); }

// ---- The file

TEST(LimitsFile, SetsEachLimit) {
  const Limits limits = with_text(
      "msg_max = 1000\nmsgsize_max=2000\n  msg_default =\t5\nmsgsize_default = 100 # bytes\nqueues_max = 0\n"
      "quota = 123456789012");
  EXPECT_EQ(limits.msg_max, 1000U);
  EXPECT_EQ(limits.msgsize_max, 2000U);
  EXPECT_EQ(limits.msg_default, 5U);
  EXPECT_EQ(limits.msgsize_default, 100U);
  EXPECT_EQ(limits.queues_max, 0U);
  EXPECT_EQ(limits.quota, 123456789012U);
  EXPECT_EQ(limits.privileged_msg_max, 1000U);
  EXPECT_EQ(with_text("quota = 5\r\nquota = unlimited\r\n").quota, kUnlimited);
}

TEST(LimitsFile, LineThatMeansNothingIsPassedOverWhole) {
  for (const char* text : {"",
                           "\n\n",
                           "msg_max",
                           "msg_max =",
                           "msg_max = ten",
                           "msg_max = 10 20",
                           "msg_max = -1",
                           "msg_max = +1",
                           "msg_max = 0",
                           "msg_max = 16777217",
                           "msg_max = 1e3",
                           "msg_max = 0x10",
                           "msg_max == 10",
                           "= 10",
                           "msg_max = 99999999999999999999999999",
                           "msg_max = 10 messages",
                           "# msg_max = 10",
                           "MSG_MAX = 10",
                           "depth = 10",
                           "msg_max = unlimited",
                           "msgsize_max = 1073741825",
                           "queues_max = -1",
                           "queues_max = 2147483648",
                           "quota = -1"}) {
    EXPECT_EQ(with_text(text), Limits{}) << text;
  }
  EXPECT_EQ(with_text("msg_max = ten\nmsg_max = 10\nmsg_max = eleven").msg_max, 10U);
  EXPECT_EQ(with_text(std::string_view("msg_max = 10\0\nqueues_max = 7", 28)).queues_max, 7U);
}

class LimitsOnDisk : public testing::Test {
 protected:
  void write(mode_t mode) const {
    std::ofstream(path_) << "msg_max = 77\n";
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  [[nodiscard]] std::uint64_t msg_max(uid_t owner = ::geteuid()) const {
    Limits limits;
    configure_from_file(limits, path_.c_str(), owner);
    return limits.msg_max;
  }

  test::PrivateDirectory directory_;
  std::string path_ = directory_.path() / "mqxx.conf";
};

TEST_F(LimitsOnDisk, CountOnlyWhenNobodyElseMayWriteThem) {
  write(0644);
  EXPECT_EQ(msg_max(), 77U);
  EXPECT_EQ(msg_max(::geteuid() + 1), kMaxCapacity) << "another owner than the administrator";
  for (const mode_t mode : {0664U, 0646U}) {
    write(mode);
    EXPECT_EQ(msg_max(), kMaxCapacity) << mode;
  }
}

TEST_F(LimitsOnDisk, CountOnlyInARegularFile) {
  EXPECT_EQ(msg_max(), kMaxCapacity) << "no file";
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(msg_max(), kMaxCapacity) << "a pipe, and nobody waited for its writer";
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  ASSERT_EQ(::mkdir(path_.c_str(), 0700), 0);
  EXPECT_EQ(msg_max(), kMaxCapacity) << "a directory";
}

TEST_F(LimitsOnDisk, LeaveErrnoAlone) {
  errno = ERANGE;
  EXPECT_EQ(msg_max(), kMaxCapacity);
  (void)limits();
  (void)count_queues("/no/such/directory", ::getuid());
  EXPECT_EQ(errno, ERANGE);
}

// ---- The environment

TEST(LimitsEnvironment, LowersAndNeverRaises) {
  const Limits low = with_variables({{"MQXX_MSG_MAX", "100"},
                                     {"MQXX_MSGSIZE_MAX", "200"},
                                     {"MQXX_MSG_DEFAULT", "3"},
                                     {"MQXX_MSGSIZE_DEFAULT", "4"},
                                     {"MQXX_QUEUES_MAX", "5"},
                                     {"MQXX_QUOTA", "6"}});
  EXPECT_EQ(low.msg_max, 100U);
  EXPECT_EQ(low.msgsize_max, 200U);
  EXPECT_EQ(low.msg_default, 3U);
  EXPECT_EQ(low.msgsize_default, 4U);
  EXPECT_EQ(low.queues_max, 5U);
  EXPECT_EQ(low.quota, 6U);
  const Limits high = with_variables({{"MQXX_MSG_MAX", "101"},
                                      {"MQXX_MSGSIZE_MAX", "201"},
                                      {"MQXX_QUEUES_MAX", "99"},
                                      {"MQXX_QUOTA", "unlimited"},
                                      {"MQXX_MSG_DEFAULT", "nonsense"}},
                                     low);
  EXPECT_EQ(high, low);
}

TEST(LimitsEnvironment, DefaultsStayWithinTheMaxima) {
  const Limits limits = with_variables({{"MQXX_MSG_MAX", "7"}, {"MQXX_MSGSIZE_MAX", "100"}});
  EXPECT_EQ(limits.msg_default, 7U);
  EXPECT_EQ(limits.msgsize_default, 100U);
}

TEST(LimitsEnvironment, CompatibleMeansLinuxAsItIsDelivered) {
  const Limits limits = as_linux();
  rlimit bytes{};
  ASSERT_EQ(::getrlimit(RLIMIT_MSGQUEUE, &bytes), 0);
  EXPECT_EQ(limits.msg_max, 10U);
  EXPECT_EQ(limits.msgsize_max, 8192U);
  EXPECT_EQ(limits.msg_default, 10U);
  EXPECT_EQ(limits.msgsize_default, 8192U);
  EXPECT_EQ(limits.queues_max, 256U);
  EXPECT_EQ(limits.quota, bytes.rlim_cur);
  EXPECT_EQ(limits.privileged_msg_max, 65536U);
  EXPECT_EQ(limits.privileged_msgsize_max, 16U << 20);
  EXPECT_EQ(with_variables({{"MQXX_COMPAT", "solaris"}}), Limits{});
}

TEST(LimitsEnvironment, CompatibilityIsNoWayAroundTheAdministrator) {
  const Limits limits = with_variables({{"MQXX_COMPAT", "linux"}},
                                       with_text("msg_max = 4\nmsgsize_max = 100\nqueues_max = 3\nquota = 5"));
  EXPECT_EQ(limits.privileged_msg_max, 4U);
  EXPECT_EQ(limits.privileged_msgsize_max, 100U);
  EXPECT_EQ(limits.privileged_queues_max, 3U);
  EXPECT_EQ(limits.queues_max, 3U);
  EXPECT_LE(limits.quota, 5U);
}

// ---- Admission

class Admission : public testing::Test {
 protected:
  shm::Segment queue(const std::string& name, std::uint64_t capacity = 10, std::uint64_t message_size = 64,
                     std::uint32_t mode = 0600) const {
    Result<shm::Segment> segment = shm::publish({name, capacity, message_size, mode});
    if (!segment) throw std::runtime_error("publish " + name);
    return std::move(*segment);
  }
  [[nodiscard]] int ask(const Limits& limits, long capacity, long message_size, bool privileged = false) const {
    return admit(limits, privileged, capacity, message_size, directory_.path());
  }

  test::PrivateDirectory directory_;
};

TEST_F(Admission, SizesOverTheirMaximaAreInvalid) {
  const Limits limits = with_variables({{"MQXX_MSG_MAX", "20"}, {"MQXX_MSGSIZE_MAX", "300"}});
  EXPECT_EQ(ask(limits, 20, 300), 0);
  for (const auto& [capacity, size] :
       {std::pair{21L, 1L}, {1, 301}, {0, 1}, {1, 0}, {-1, 1}, {1, -1}, {LONG_MIN, 1}, {1, LONG_MAX}}) {
    EXPECT_EQ(ask(limits, capacity, size), EINVAL) << capacity << " x " << size;
  }
}

TEST_F(Admission, GenerousWithoutAnybodysWord) {
  EXPECT_EQ(ask({}, 1'000'000, 64L << 20), 0);
  EXPECT_EQ(ask({}, 1L << 24, 1L << 30), 0);
  EXPECT_EQ(ask({}, (1L << 24) + 1, 1), EINVAL);
}

TEST_F(Admission, TooManyQueuesIsNoSpaceAndComesFirst) {
  const Limits limits = with_variables({{"MQXX_QUEUES_MAX", "2"}, {"MQXX_QUOTA", "1"}});
  queue("/one");
  EXPECT_EQ(ask(limits, 0, 1), EINVAL);
  EXPECT_EQ(ask(limits, 1, 1), EMFILE);
  queue("/two");
  EXPECT_EQ(ask(limits, 0, 1), ENOSPC);
  EXPECT_EQ(ask(with_variables({{"MQXX_QUEUES_MAX", "0"}}), 1, 1), ENOSPC);
}

TEST_F(Admission, FilesThatAreNoQueuesDoNotCount) {
  for (const char* name : {"mqxx.5.queue", "mqxx-.queue", "mqxx-5a.queue", "mqxx-5.bell", "mqxx-new.00", "other",
                           "mqxx-5.queue.old", ".mqxx-5.queue"}) {
    std::ofstream(directory_.path() / name) << "x";
  }
  EXPECT_EQ(count_queues(directory_.path(), ::getuid()).queues, 0U);
}

TEST_F(Admission, QueueThatLostItsNameCountsUntilItIsClosed) {
  const Result<shm::Visit> open = shm::publish_unmapped({"/q", 10, 64, 0600}, os::Blocking::no);
  ASSERT_TRUE(open);
  ASSERT_TRUE(shm::remove("/q"));
  const Census census = count_queues(directory_.path(), ::getuid());
  EXPECT_EQ(census.queues, 1U);
  EXPECT_EQ(census.bytes, charge(10, 64));
}

TEST_F(Admission, BytesAreThoseOfTheUser) {
  queue("/one", 10, 64);
  queue("/two", 3, 1000, 0640);
  const Census ours = count_queues(directory_.path(), ::getuid());
  EXPECT_EQ(ours.queues, 2U);
  EXPECT_EQ(ours.bytes, charge(10, 64) + charge(3, 1000));
  EXPECT_EQ(count_queues(directory_.path(), ::getuid() + 1).bytes, 0U);
  EXPECT_EQ(count_queues(directory_.path(), ::getuid() + 1).queues, 2U);
  Limits limits;
  limits.quota = ours.bytes + charge(10, 10);
  EXPECT_EQ(ask(limits, 10, 10), 0);
  EXPECT_EQ(ask(limits, 10, 11), EMFILE);
}

TEST_F(Admission, FileThatOnlyClaimsToBeAQueueCostsItsSize) {
  std::ofstream(directory_.path() / "mqxx-1.queue") << std::string(5000, 'x');
  EXPECT_EQ(count_queues(directory_.path(), ::getuid()).bytes, 5000U);
  ASSERT_EQ(::symlink("/etc/passwd", (directory_.path() / "mqxx-2.queue").c_str()), 0);
  ASSERT_EQ(::mkfifo((directory_.path() / "mqxx-3.queue").c_str(), 0600), 0);
  EXPECT_EQ(count_queues(directory_.path(), ::getuid()).bytes, 5000U);
}

TEST_F(Admission, OwnerWithoutRightsToHisQueueIsChargedItsWholeFile) {
  if (!test::is_root()) GTEST_SKIP() << "needs root, to become another user";
  directory_.share_with_everybody();
  test::Child child([&] {
    test::become_ordinary_user();
    queue("/hidden", 10, 64, 0);
    EXPECT_GE(count_queues(directory_.path(), ::getuid()).bytes, charge(10, 64));
  });
  test::expect_well(child);
}

TEST_F(Admission, PrivilegeExceedsSoftLimitsUpToTheHardOnes) {
  Limits limits = as_linux();
  limits.quota = kUnlimited;
  EXPECT_EQ(ask(limits, 11, 64), EINVAL);
  EXPECT_EQ(ask(limits, 65536, 16 << 20, true), 0);
  EXPECT_EQ(ask(limits, 65537, 64, true), EINVAL);
  EXPECT_EQ(ask(limits, 1, (16 << 20) + 1, true), EINVAL);
  limits.queues_max = 0;
  EXPECT_EQ(ask(limits, 1, 1), ENOSPC);
  EXPECT_EQ(ask(limits, 1, 1, true), 0);
  limits.quota = 1;
  EXPECT_EQ(ask(limits, 1, 1, true), EMFILE) << "bytes are counted for everybody";
}

// ---- The kernel as the oracle

/// What the kernel says to a new queue, which is gone again afterwards.
int kernel_admits(long capacity, long message_size) {
  mq_attr attributes{};
  attributes.mq_maxmsg = capacity;
  attributes.mq_msgsize = message_size;
  const mqd_t queue = ::mq_open("/mqxx-limits", O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  if (queue == static_cast<mqd_t>(-1)) return errno;
  ::mq_unlink("/mqxx-limits");
  ::mq_close(queue);
  return 0;
}

/// Null, or why the kernel cannot be asked. In namespaces of its own a process has the limits of Linux as it is
/// delivered, and nobody else's bytes are counted with its own.
const char* enter_fresh_namespaces() {
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWIPC) != 0) return "may not make namespaces";
  std::ofstream("/proc/self/uid_map") << user << ' ' << user << " 1";
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/gid_map") << group << ' ' << group << " 1";
  return kernel_admits(1, 1) == ENOSYS ? "no queues in this kernel" : nullptr;
}

TEST_F(Admission, AgreesWithTheKernel) {
  test::Child child([&] {
    if (const char* why = enter_fresh_namespaces()) {
      std::printf("not compared: %s\n", why);
      return;
    }
    ASSERT_EQ(::setenv("MQXX_COMPAT", "linux", 1), 0);
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_MSGQUEUE, &limit), 0);
    for (const rlim_t bytes : {rlim_t{0}, rlim_t{1599}, rlim_t{1600}, rlim_t{82880}, rlim_t{819200}}) {
      limit.rlim_cur = std::min(bytes, limit.rlim_max);
      ASSERT_EQ(::setrlimit(RLIMIT_MSGQUEUE, &limit), 0);
      for (const long capacity : {-1L, 0L, 1L, 9L, 10L, 11L, 65536L, 65537L, LONG_MAX}) {
        for (const long size : {-1L, 0L, 1L, 64L, 65L, 8191L, 8192L, 8193L, 16L << 20, (16L << 20) + 1, LONG_MAX}) {
          EXPECT_EQ(admit(capacity, size, directory_.path()), kernel_admits(capacity, size))
              << capacity << " x " << size << " under " << limit.rlim_cur << " bytes";
        }
      }
    }
  });
  test::expect_well(child);
}

}  // namespace
}  // namespace mqxx::posix
