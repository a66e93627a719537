// mq_timedsend: as mq_send, with a deadline on CLOCK_REALTIME that is looked at before everything else.

#include <climits>

#include "strangers.hpp"
#include "trace.hpp"

namespace {

mqd_t full_queue(int flags = O_RDWR) {
  const mqd_t queue = open_queue(flags, 4, 16);
  fill(queue);
  return queue;
}

void take(mqd_t queue) {
  char buffer[16];
  ::mq_receive(queue, buffer, sizeof buffer, nullptr);
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

POSIX_TEST(mq_timedsend, 1, "full until the deadline: ETIMEDOUT, not before it, and nothing is queued") {
  const mqd_t queue = full_queue();
  const long begin = milliseconds();
  const timespec deadline = from_now(60);
  traced("send", ::mq_timedsend(queue, "late", 4, 9, &deadline));
  trace("waited: %s", milliseconds() - begin >= 50 ? "yes" : "no");
  traced("depth", depth(queue));
  trace_receive(queue);
}

POSIX_TEST(mq_timedsend, 2, "room: success, even if the deadline is long past") {
  const mqd_t queue = open_queue();
  for (const timespec deadline : {from_now(-10'000), timespec{.tv_sec = 0, .tv_nsec = 0}, from_now(10'000),
                                  timespec{.tv_sec = LONG_MAX, .tv_nsec = 999'999'999}}) {
    traced("send", ::mq_timedsend(queue, "x", 1, 0, &deadline));
  }
  traced("depth", depth(queue));
}

POSIX_TEST(mq_timedsend, 3, "full and the deadline has passed: ETIMEDOUT at once") {
  const mqd_t queue = full_queue();
  for (const timespec deadline : {from_now(-10'000), timespec{.tv_sec = 0, .tv_nsec = 0}, from_now(0)}) {
    traced("send", ::mq_timedsend(queue, "x", 1, 0, &deadline));
  }
  traced("depth", depth(queue));
}

POSIX_TEST(mq_timedsend, 4, "a deadline that is no time: EINVAL, even if there is room") {
  const mqd_t queue = open_queue();
  for (const auto& [what, time] : kNoTimes) traced(what, ::mq_timedsend(queue, "x", 1, 0, &time));
  traced("depth", depth(queue));
}

POSIX_TEST(mq_timedsend, 5, "a deadline that is no time comes before EBADF, EMSGSIZE, EFAULT and EAGAIN") {
  const mqd_t queue = full_queue(O_RDWR | O_NONBLOCK);
  const mqd_t reader = ::mq_open(queue_name(), O_RDONLY);
  const char text[32] = {};
  for (const auto& [what, time] : kNoTimes) {
    trace("%s", what);
    traced("  -1", ::mq_timedsend(-1, "x", 1, 0, &time));
    traced("  reader", ::mq_timedsend(reader, "x", 1, 0, &time));
    traced("  too long", ::mq_timedsend(queue, text, 17, 0, &time));
    traced("  from nowhere", ::mq_timedsend(queue, null_pointer<char>(), 1, 0, &time));
    traced("  full", ::mq_timedsend(queue, "x", 1, 0, &time));
  }
}

POSIX_TEST(mq_timedsend, 6, "O_NONBLOCK wins over the deadline: EAGAIN at once") {
  const mqd_t queue = full_queue(O_RDWR | O_NONBLOCK);
  for (const timespec deadline : {from_now(600'000), from_now(-1000)}) {
    traced("send", ::mq_timedsend(queue, "x", 1, 0, &deadline));
  }
}

POSIX_TEST(mq_timedsend, 7, "no deadline: waits as mq_send does") {
  const mqd_t queue = full_queue();
  const pid_t child = start_child([queue] {
    traced("send", ::mq_timedsend(queue, "last", 4, 0, null_pointer<timespec>()));
    return 0;
  });
  wait_until_sleeping(child);
  trace("the sender waits");
  take(queue);
  traced("child", finish(child));
  traced("depth", depth(queue));
}

POSIX_TEST(mq_timedsend, 8, "room that comes before the deadline: success, also with the last deadline there is") {
  const mqd_t queue = full_queue();
  for (const timespec deadline : {from_now(600'000), timespec{.tv_sec = LONG_MAX, .tv_nsec = 999'999'999}}) {
    const pid_t child = start_child([&] {
      traced("send", ::mq_timedsend(queue, "last", 4, 0, &deadline));
      return 0;
    });
    wait_until_sleeping(child);
    trace("the sender waits");
    take(queue);
    traced("child", finish(child));
  }
}

POSIX_TEST(mq_timedsend, 9, "the priority comes before the descriptor; the deadline, which is good, changes nothing") {
  const timespec deadline = from_now(-1000);
  traced("-1", ::mq_timedsend(-1, "x", 1, 32768, &deadline));
  traced("reader", ::mq_timedsend(open_queue(O_RDONLY), "x", 1, 32768, &deadline));
}

POSIX_TEST(mq_timedsend, 10, "a number that is no queue: EBADF, also past the deadline") {
  each_stranger([](mqd_t number) {
    const timespec deadline = from_now(-1000);
    return ::mq_timedsend(number, "x", 1, 0, &deadline);
  });
}

POSIX_TEST(mq_timedsend, 11, "EBADF of a reader, EMSGSIZE and EFAULT come before ETIMEDOUT, in this order") {
  const mqd_t queue = full_queue();
  const mqd_t reader = ::mq_open(queue_name(), O_RDONLY);
  const char text[32] = {};
  const timespec deadline = from_now(-1000);
  traced("reader, too long", ::mq_timedsend(reader, text, 17, 0, &deadline));
  traced("too long, from nowhere", ::mq_timedsend(queue, null_pointer<char>(), 17, 0, &deadline));
  traced("too long", ::mq_timedsend(queue, text, 17, 0, &deadline));
  traced("from nowhere", ::mq_timedsend(queue, null_pointer<char>(), 1, 0, &deadline));
  traced("full", ::mq_timedsend(queue, text, 1, 0, &deadline));
}

POSIX_TEST(mq_timedsend, 12, "a success leaves errno alone, past its deadline too") {
  const mqd_t queue = open_queue();
  for (const timespec deadline : {from_now(-1000), from_now(1000)}) {
    errno = kStale;
    trace_errno("send", ::mq_timedsend(queue, "x", 1, 0, &deadline));
  }
}

POSIX_TEST(mq_timedsend, 13, "after a sender has timed out the next in line is served, and no place is lost") {
  const mqd_t queue = full_queue();
  const timespec soon = from_now(1000);
  const pid_t impatient = start_child([&] {
    traced("impatient", ::mq_timedsend(queue, "impatient", 9, 9, &soon));
    return 0;
  });
  wait_until_sleeping(impatient);
  const pid_t patient = start_child([&] { return ::mq_send(queue, "patient", 7, 5); });
  traced("child", finish(impatient));
  wait_until_sleeping(patient);
  trace_receive(queue);
  traced("child", finish(patient));
  trace_receive(queue);
  traced("depth", depth(queue));
}

POSIX_DIFFERENCE(
    mq_timedsend, 14,
    "a deadline at an address that is none: Linux says EFAULT, mqxx is stopped by SIGSEGV; nothing is queued") {
  const auto none = reinterpret_cast<timespec*>(forbidden_memory());
  const mqd_t queue = open_queue();
  const int status = in_child([=] {
    traced("room", ::mq_timedsend(queue, "x", 1, 0, none));
    traced("-1", ::mq_timedsend(-1, "x", 1, 0, none));
    traced("priority", ::mq_timedsend(queue, "x", 1, 32768, none));
    return 0;
  });
  traced("child", status);
  traced("depth", depth(queue));
}
