// mq_setattr: O_NONBLOCK, and nothing else.

#include <atomic>
#include <cstring>
#include <thread>

#include "strangers.hpp"
#include "trace.hpp"

namespace {

mq_attr flags_of(long flags) {
  mq_attr attributes{};
  attributes.mq_flags = flags;
  return attributes;
}

}  // namespace

POSIX_TEST(mq_setattr, 1, "sets and clears O_NONBLOCK, at once, and returns what was before") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "x", 1, 0);
  mq_attr wanted = flags_of(O_NONBLOCK);
  mq_attr before{};
  traced("set", ::mq_setattr(queue, &wanted, &before));
  trace("was: flags %s, capacity %ld, size %ld, depth %ld", before.mq_flags == 0 ? "none" : "some", before.mq_maxmsg,
        before.mq_msgsize, before.mq_curmsgs);
  trace_attributes("is", queue);
  trace_receive(queue);
  trace_receive(queue);
  wanted = flags_of(0);
  traced("clear", ::mq_setattr(queue, &wanted, &before));
  trace("was: %s", before.mq_flags == O_NONBLOCK ? "nonblocking" : "something else");
  trace_attributes("is", queue);
}

POSIX_TEST(mq_setattr, 2, "the other fields are ignored, however absurd") {
  const mqd_t queue = open_queue(O_RDWR, 4, 16);
  mq_attr wanted = attributes_of(-7, 1L << 60);
  wanted.mq_flags = O_NONBLOCK;
  wanted.mq_curmsgs = 99;
  traced("set", ::mq_setattr(queue, &wanted, nullptr));
  trace_attributes("is", queue);
}

POSIX_TEST(mq_setattr, 3, "any other flag: EINVAL, nothing changed and nothing returned") {
  const mqd_t queue = open_queue();
  for (const long flags : {1L, long{O_APPEND}, long{O_NONBLOCK | O_APPEND}, long{O_RDWR}, -1L, 1L << 40}) {
    mq_attr wanted = flags_of(flags);
    mq_attr before;
    std::memset(&before, 0x5a, sizeof before);
    const mq_attr untouched = before;
    traced("set", ::mq_setattr(queue, &wanted, &before));
    trace("untouched: %s", std::memcmp(&before, &untouched, sizeof before) == 0 ? "yes" : "no");
  }
  trace_attributes("is", queue);
}

POSIX_TEST(mq_setattr, 4, "a bad flag comes before a bad descriptor: EINVAL, not EBADF") {
  const mq_attr wanted = flags_of(O_APPEND);
  each_stranger([&](mqd_t number) { return ::mq_setattr(number, &wanted, nullptr); });
}

POSIX_TEST(mq_setattr, 5, "a number that is no queue: EBADF") {
  const mq_attr wanted = flags_of(O_NONBLOCK);
  each_stranger([&](mqd_t number) {
    mq_attr before{};
    return ::mq_setattr(number, &wanted, &before);
  });
}

POSIX_TEST(mq_setattr, 6, "any access mode will do") {
  open_queue();
  const mq_attr wanted = flags_of(O_NONBLOCK);
  for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR}) {
    const mqd_t queue = ::mq_open(queue_name(), flags);
    traced("set", ::mq_setattr(queue, &wanted, nullptr));
    trace_attributes("is", queue);
  }
}

POSIX_TEST(mq_setattr, 7, "null pointers: nothing to set or nothing to return, 0; EBADF if the descriptor is bad") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  mq_attr before{};
  traced("both", ::mq_setattr(queue, null_pointer<mq_attr>(), nullptr));
  traced("old only", ::mq_setattr(queue, null_pointer<mq_attr>(), &before));
  trace("returned: capacity %ld, nonblocking: %s", before.mq_maxmsg, before.mq_flags == O_NONBLOCK ? "yes" : "no");
  trace_attributes("is", queue);
  traced("both, -1", ::mq_setattr(-1, null_pointer<mq_attr>(), nullptr));
  traced("both, stdin", ::mq_setattr(STDIN_FILENO, null_pointer<mq_attr>(), nullptr));
}

POSIX_TEST(mq_setattr, 8, "both may be the same struct") {
  const mqd_t queue = open_queue();
  mq_attr both = flags_of(O_NONBLOCK);
  traced("set", ::mq_setattr(queue, &both, &both));
  trace("returned: capacity %ld, flags %s", both.mq_maxmsg, both.mq_flags == 0 ? "none" : "some");
  trace_attributes("is", queue);
}

POSIX_TEST(mq_setattr, 9, "a call that already waits goes on waiting") {
  const mqd_t queue = open_queue();
  std::atomic<pid_t> waiting = 0;
  std::thread receiver([&] {
    waiting = thread_id();
    trace_receive(queue);
  });
  while (waiting == 0) ::sched_yield();
  wait_until_sleeping(waiting);
  const mq_attr wanted = flags_of(O_NONBLOCK);
  traced("set", ::mq_setattr(queue, &wanted, nullptr));
  wait_until_sleeping(waiting);
  trace("still waits");
  ::mq_send(queue, "later", 5, 0);
  receiver.join();
  trace_receive(queue);
}

POSIX_TEST(mq_setattr, 10, "a success leaves errno alone") {
  const mqd_t queue = open_queue();
  const mq_attr wanted = flags_of(O_NONBLOCK);
  errno = kStale;
  trace_errno("setattr", ::mq_setattr(queue, &wanted, nullptr));
}

POSIX_DIFFERENCE(mq_setattr, 11,
                 "new attributes at an address that is none: Linux says EFAULT, mqxx is stopped by SIGSEGV") {
  const auto none = reinterpret_cast<mq_attr*>(forbidden_memory());
  const mqd_t queue = open_queue();
  const int status = in_child([=] {
    traced("queue", ::mq_setattr(queue, none, nullptr));
    traced("-1", ::mq_setattr(-1, none, nullptr));
    return 0;
  });
  traced("child", status);
}
