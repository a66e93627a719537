// Limits: those that Linux has by default, which MQXX_COMPAT=linux gives. The runner sets it for these cases, and the
// kernel's queues have an IPC namespace of their own there, so that nobody else's count.
//
// The kernel charges a queue's bytes to its user: capacity * (message size + 48) + min(capacity, 32768) * 48, from its
// creation to its last close, whether it has a name or not. Each case becomes a user whom nobody else is likely to be.

#include <climits>
#include <csignal>
#include <ctime>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "strangers.hpp"
#include "trace.hpp"

namespace {

unsigned private_user(unsigned which = 0) { return 100'000 + static_cast<unsigned>(::getpid()) % 500'000 * 4 + which; }

void limit_bytes(rlim_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_MSGQUEUE, &limit);
  limit.rlim_cur = bytes;
  if (::setrlimit(RLIMIT_MSGQUEUE, &limit) != 0) give_up("cannot limit bytes: %s", error_name(errno));
}

mqd_t create(const std::string& suffix, long capacity, long size) {
  mq_attr attributes = attributes_of(capacity, size);
  return ::mq_open(queue_name(suffix.c_str()), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
}

void trace_create(const char* what, long capacity, long size) {
  const mqd_t queue = traced_descriptor(what, create("-tried", capacity, size));
  if (queue == -1) return;
  ::mq_close(queue);
  ::mq_unlink(queue_name("-tried"));
}

/// Creates queues until it fails; traces how many and why.
std::vector<mqd_t> create_all(long capacity, long size, int most = 300) {
  std::vector<mqd_t> queues;
  while (static_cast<int>(queues.size()) < most) {
    const mqd_t queue = create("-" + std::to_string(queues.size()), capacity, size);
    if (queue == -1) {
      trace("%zu queues, then %s", queues.size(), error_name(errno));
      return queues;
    }
    queues.push_back(queue);
  }
  trace("%zu queues and no end", queues.size());
  return queues;
}

void remove_all(std::size_t count) {
  for (std::size_t number = 0; number < count; ++number) {
    ::mq_unlink(queue_name(("-" + std::to_string(number)).c_str()));
  }
}

}  // namespace

POSIX_TEST(limits, 1, "capacity up to 10 and message size up to 8192; more of either: EINVAL") {
  become_user(private_user());
  trace_create("10 x 8192", 10, 8192);
  trace_create("11 x 8192", 11, 8192);
  trace_create("10 x 8193", 10, 8193);
  trace_create("11 x 1", 11, 1);
  trace_create("1 x 8193", 1, 8193);
  trace_create("65536 x 1", 65536, 1);
  trace_create("1 x 16777216", 1, 16777216);
  trace_create("LONG_MAX x 1", LONG_MAX, 1);
  trace_create("1 x LONG_MAX", 1, LONG_MAX);
  trace_create("LONG_MAX x LONG_MAX", LONG_MAX, LONG_MAX);
  trace_create("2^32 + 1 x 1", (1L << 32) + 1, 1);
}

POSIX_TEST(limits, 2, "without attributes 10 messages of 8192 bytes") {
  become_user(private_user());
  trace_attributes("default", ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, nullptr));
}

POSIX_TEST(limits, 3, "819200 bytes a user are nine default queues; the next is EMFILE and leaves no name") {
  become_user(private_user());
  const std::vector<mqd_t> queues = create_all(10, 8192);
  traced_descriptor("open it", ::mq_open(queue_name(("-" + std::to_string(queues.size())).c_str()), O_RDWR));
  trace_create("a small one fits", 1, 1);
  remove_all(queues.size());
}

POSIX_TEST(limits, 4, "the charge of a queue is exact: its bytes are enough, one less is EMFILE") {
  become_user(private_user());
  const struct {
    long capacity;
    long size;
  } shapes[] = {{1, 1}, {1, 8192}, {10, 1}, {3, 100}, {7, 4097}, {10, 8192}};
  for (const auto& [capacity, size] : shapes) {
    const long bytes = capacity * (size + 48) + capacity * 48;
    trace("%ld x %ld", capacity, size);
    limit_bytes(static_cast<rlim_t>(bytes));
    trace_create("  enough", capacity, size);
    limit_bytes(static_cast<rlim_t>(bytes - 1));
    trace_create("  one less", capacity, size);
  }
}

POSIX_TEST(limits, 5, "a queue that is unlinked stays charged until its last close") {
  become_user(private_user());
  const std::vector<mqd_t> queues = create_all(10, 8192);
  remove_all(queues.size());
  trace_create("all unlinked", 10, 8192);
  const mqd_t twin = ::dup(queues[0]);
  ::mq_close(queues[0]);
  trace_create("one closed, but for its twin", 10, 8192);
  ::mq_close(twin);
  trace_create("and its twin", 10, 8192);
}

POSIX_TEST(limits, 6, "a queue that is closed stays charged until it is unlinked") {
  become_user(private_user());
  const std::vector<mqd_t> queues = create_all(10, 8192);
  for (const mqd_t queue : queues) ::mq_close(queue);
  trace_create("all closed", 10, 8192);
  ::mq_unlink(queue_name("-3"));
  trace_create("one unlinked", 10, 8192);
  remove_all(queues.size());
}

POSIX_TEST(limits, 7, "the end of a process is a close: what it had unlinked is free again") {
  become_user(private_user());
  const int status = in_child([] {
    const std::vector<mqd_t> queues = create_all(10, 8192);
    remove_all(queues.size());
    trace_create("in the child", 10, 8192);
    return 0;
  });
  traced("child", status);
  trace_create("after the child", 10, 8192);
}

POSIX_TEST(limits, 8,
           "queues outlive their creator, and so does the charge; another process of the user pays as well") {
  become_user(private_user());
  traced("child", in_child([] {
           create_all(10, 8192);
           return 0;
         }));
  trace_create("in the parent", 10, 8192);
  remove_all(9);
  trace_create("all unlinked", 10, 8192);
}

POSIX_TEST(limits, 9, "each user has bytes of his own") {
  if (::geteuid() != 0) return trace("only for root");
  const Meeting meeting;
  const pid_t owner = start_child([=]() -> int {
    become_user(private_user(1));
    create_all(10, 8192);
    meeting.stay();
  });
  meeting.wait();
  traced("child", in_child([] {
           become_user(private_user(2));
           trace_create("another user", 10, 8192);
           return 0;
         }));
  ::kill(owner, SIGKILL);
  finish(owner);
  remove_all(9);
}

POSIX_TEST(limits, 10,
           "a limit of no bytes stops creation only: open, O_CREAT on what exists, send and receive go on") {
  become_user(private_user());
  const mqd_t queue = open_queue();
  limit_bytes(0);
  trace_create("create", 1, 1);
  const mqd_t again = traced_descriptor("open", ::mq_open(queue_name(), O_RDWR));
  traced_descriptor("O_CREAT", ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, nullptr));
  traced("send", ::mq_send(queue, "x", 1, 0));
  trace_receive(again);
}

POSIX_TEST(limits, 11, "256 queues, then ENOSPC; unlinked ones count as long as they are open") {
  become_user(private_user());
  const std::vector<mqd_t> queues = create_all(1, 1);
  ::mq_unlink(queue_name("-0"));
  trace_create("one unlinked", 1, 1);
  ::mq_close(queues[0]);
  trace_create("and closed", 1, 1);
  traced_descriptor("existing", ::mq_open(queue_name("-1"), O_RDWR | O_CREAT, 0600, nullptr));
  remove_all(queues.size());
}

POSIX_TEST(limits, 12, "ENOSPC comes before sizes that are too large (EINVAL), and these before bytes (EMFILE)") {
  become_user(private_user());
  limit_bytes(0);
  trace_create("no bytes, 11 x 1", 11, 1);
  trace_create("no bytes, 1 x 8193", 1, 8193);
  trace_create("no bytes, 0 x 0", 0, 0);
  trace_create("no bytes, 1 x 1", 1, 1);
  limit_bytes(819200);
  const std::vector<mqd_t> queues = create_all(1, 1);
  trace_create("256 queues, 11 x 1", 11, 1);
  trace_create("256 queues, 0 x 0", 0, 0);
  limit_bytes(0);
  trace_create("256 queues, no bytes, 1 x 1", 1, 1);
  remove_all(queues.size());
}

POSIX_TEST(limits, 13, "a queue that exists is opened whatever attributes come with O_CREAT") {
  become_user(private_user());
  open_queue(O_RDWR, 4, 16);
  limit_bytes(0);
  for (mq_attr absurd : {attributes_of(11, 8193), attributes_of(LONG_MAX, LONG_MAX), attributes_of(0, 0)}) {
    const mqd_t queue = traced_descriptor("open", ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, &absurd));
    trace_attributes("is", queue);
    ::mq_close(queue);
  }
  mq_attr absurd = attributes_of(11, 8193);
  traced_descriptor("exclusive", ::mq_open(queue_name(), O_RDWR | O_CREAT | O_EXCL, 0600, &absurd));
}
