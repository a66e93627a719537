// mq_timedreceive: as mq_receive, with a deadline on CLOCK_REALTIME that is looked at before everything else.

#include <climits>

#include "strangers.hpp"
#include "trace.hpp"

namespace {

/// As mq_timedreceive, into a buffer that is large enough.
long receive_until(mqd_t queue, const timespec* deadline, std::size_t size = 16) {
  char buffer[64];
  return ::mq_timedreceive(queue, buffer, size, nullptr, deadline);
}

/// Deadlines that are no time, with the error that Linux gives at once.
const struct {
  const char* what;
  timespec time;
} kNoTimes[] = {{"tv_nsec -1", {.tv_sec = 0, .tv_nsec = -1}},
                {"tv_nsec 1e9", {.tv_sec = 0, .tv_nsec = 1'000'000'000}},
                {"tv_nsec LONG_MAX", {.tv_sec = 0, .tv_nsec = LONG_MAX}},
                {"tv_nsec LONG_MIN", {.tv_sec = 0, .tv_nsec = LONG_MIN}},
                {"tv_sec -1", {.tv_sec = -1, .tv_nsec = 0}},
                {"tv_sec LONG_MIN", {.tv_sec = LONG_MIN, .tv_nsec = 0}}};

}  // namespace

POSIX_TEST(mq_timedreceive, 1, "empty until the deadline: ETIMEDOUT, and not before it") {
  const mqd_t queue = open_queue();
  const long begin = milliseconds();
  const timespec deadline = from_now(60);
  traced("receive", receive_until(queue, &deadline));
  trace("waited: %s", milliseconds() - begin >= 50 ? "yes" : "no");
}

POSIX_TEST(mq_timedreceive, 2, "a message that is ready: success, even if the deadline is long past") {
  const mqd_t queue = open_queue();
  for (const timespec deadline : {from_now(-10'000), timespec{.tv_sec = 0, .tv_nsec = 0}, from_now(10'000),
                                  timespec{.tv_sec = LONG_MAX, .tv_nsec = 999'999'999}}) {
    ::mq_send(queue, "x", 1, 0);
    traced("receive", receive_until(queue, &deadline));
  }
}

POSIX_TEST(mq_timedreceive, 3, "empty and the deadline has passed: ETIMEDOUT at once") {
  const mqd_t queue = open_queue();
  for (const timespec deadline : {from_now(-10'000), timespec{.tv_sec = 0, .tv_nsec = 0}, from_now(0)}) {
    traced("receive", receive_until(queue, &deadline));
  }
}

POSIX_TEST(mq_timedreceive, 4, "a deadline that is no time: EINVAL, even if a message is ready, which stays") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "stays", 5, 0);
  for (const auto& [what, time] : kNoTimes) traced(what, receive_until(queue, &time));
  trace_receive(queue);
}

POSIX_TEST(mq_timedreceive, 5, "a deadline that is no time comes before EBADF, EMSGSIZE and EAGAIN") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16);
  const mqd_t writer = ::mq_open(queue_name(), O_WRONLY);
  for (const auto& [what, time] : kNoTimes) {
    trace("%s", what);
    traced("  -1", receive_until(-1, &time));
    traced("  writer", receive_until(writer, &time));
    traced("  too small", receive_until(queue, &time, 15));
    traced("  empty", receive_until(queue, &time));
  }
}

POSIX_TEST(mq_timedreceive, 6, "O_NONBLOCK wins over the deadline: EAGAIN at once") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  for (const timespec deadline : {from_now(600'000), from_now(-1000)}) {
    traced("receive", receive_until(queue, &deadline));
  }
}

POSIX_TEST(mq_timedreceive, 7, "no deadline: waits as mq_receive does") {
  const mqd_t queue = open_queue();
  const pid_t child = start_child([queue] {
    traced("receive", receive_until(queue, null_pointer<timespec>()));
    return 0;
  });
  wait_until_sleeping(child);
  trace("the receiver waits");
  ::mq_send(queue, "at last", 7, 0);
  traced("child", finish(child));
}

POSIX_TEST(mq_timedreceive, 8,
           "a message that comes before the deadline: success, also with the last deadline there is") {
  const mqd_t queue = open_queue();
  for (const timespec deadline : {from_now(600'000), timespec{.tv_sec = LONG_MAX, .tv_nsec = 999'999'999}}) {
    const pid_t child = start_child([&] {
      char buffer[16];
      unsigned priority = 99999;
      traced("receive", ::mq_timedreceive(queue, buffer, sizeof buffer, &priority, &deadline));
      trace("priority %u", priority);
      return 0;
    });
    wait_until_sleeping(child);
    trace("the receiver waits");
    ::mq_send(queue, "at last", 7, 6);
    traced("child", finish(child));
  }
}

POSIX_TEST(mq_timedreceive, 9, "a number that is no queue: EBADF, also past the deadline") {
  each_stranger([](mqd_t number) {
    const timespec deadline = from_now(-1000);
    return receive_until(number, &deadline);
  });
}

POSIX_TEST(mq_timedreceive, 10,
           "EBADF of a writer and EMSGSIZE come before ETIMEDOUT, in this order; EFAULT after it") {
  const mqd_t queue = open_queue(O_RDWR, 4, 16);
  const mqd_t writer = ::mq_open(queue_name(), O_WRONLY);
  const timespec deadline = from_now(-1000);
  traced("writer, too small", receive_until(writer, &deadline, 15));
  traced("too small", receive_until(queue, &deadline, 15));
  traced("to nowhere", ::mq_timedreceive(queue, null_pointer<char>(), 16, nullptr, &deadline));
  traced("empty", receive_until(queue, &deadline));
}

POSIX_TEST(mq_timedreceive, 11, "a success leaves errno alone, past its deadline too") {
  const mqd_t queue = open_queue();
  for (const timespec deadline : {from_now(-1000), from_now(1000)}) {
    ::mq_send(queue, "x", 1, 0);
    errno = kStale;
    trace_errno("receive", receive_until(queue, &deadline));
  }
}

POSIX_TEST(mq_timedreceive, 12, "after a receiver has timed out the next in line is served, and no message is lost") {
  const mqd_t queue = open_queue();
  const timespec soon = from_now(1000);
  const pid_t impatient = start_child([&] {
    traced("impatient", receive_until(queue, &soon));
    return 0;
  });
  wait_until_sleeping(impatient);
  const pid_t patient = start_child([&] {
    trace_receive(queue);
    return 0;
  });
  traced("child", finish(impatient));
  wait_until_sleeping(patient);
  ::mq_send(queue, "for the patient", 15, 0);
  traced("child", finish(patient));
  traced("depth", depth(queue));
}

POSIX_TEST(mq_timedreceive, 13, "the priority and the bytes are those of the message") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "bytes", 5, 321);
  char buffer[17] = "................";
  unsigned priority = 99999;
  const timespec deadline = from_now(1000);
  traced("receive", ::mq_timedreceive(queue, buffer, 16, &priority, &deadline));
  trace("%s, priority %u", buffer, priority);
}

POSIX_DIFFERENCE(
    mq_timedreceive, 14,
    "a deadline at an address that is none: Linux says EFAULT, mqxx is stopped by SIGSEGV; the message stays") {
  const auto none = reinterpret_cast<timespec*>(forbidden_memory());
  const mqd_t queue = open_queue();
  ::mq_send(queue, "stays", 5, 0);
  const int status = in_child([=] {
    traced("message ready", receive_until(queue, none));
    traced("-1", receive_until(-1, none));
    return 0;
  });
  traced("child", status);
  traced("depth", depth(queue));
}
