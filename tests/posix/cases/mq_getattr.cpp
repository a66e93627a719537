// mq_getattr: what the queue is, how full it is, and O_NONBLOCK of this description.

#include <cstring>

#include "strangers.hpp"
#include "trace.hpp"

POSIX_TEST(mq_getattr, 1, "capacity, message size and depth, as messages come and go") {
  const mqd_t queue = open_queue(O_RDWR, 3, 11);
  trace_attributes("empty", queue);
  ::mq_send(queue, "x", 1, 0);
  trace_attributes("one", queue);
  fill(queue);
  trace_attributes("full", queue);
  char buffer[16];
  ::mq_receive(queue, buffer, sizeof buffer, nullptr);
  trace_attributes("one less", queue);
}

POSIX_TEST(mq_getattr, 2, "a number that is no queue: EBADF") {
  each_stranger([](mqd_t number) {
    mq_attr attributes{};
    return ::mq_getattr(number, &attributes);
  });
}

POSIX_TEST(mq_getattr, 3, "any access mode will do") {
  open_queue();
  for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR}) {
    trace_attributes("attributes", ::mq_open(queue_name(), flags));
  }
}

POSIX_TEST(mq_getattr, 4, "mq_flags is O_NONBLOCK and nothing else, and what is reserved is zero") {
  open_queue();
  const mqd_t queue = ::mq_open(queue_name(), O_RDWR | O_NONBLOCK | O_APPEND | O_SYNC);
  mq_attr attributes;
  std::memset(&attributes, 0x5a, sizeof attributes);
  traced("getattr", ::mq_getattr(queue, &attributes));
  trace("flags are O_NONBLOCK: %s", attributes.mq_flags == O_NONBLOCK ? "yes" : "no");
  bool zero = true;
  const char* bytes = reinterpret_cast<const char*>(&attributes);
  for (std::size_t at = 4 * sizeof(long); at < sizeof attributes; ++at) zero = zero && bytes[at] == 0;
  trace("the rest is zero: %s", zero ? "yes" : "no");
}

POSIX_TEST(mq_getattr, 5, "a null pointer: 0, or EBADF if the descriptor is bad") {
  traced("queue", ::mq_getattr(open_queue(), null_pointer<mq_attr>()));
  traced("-1", ::mq_getattr(-1, null_pointer<mq_attr>()));
  traced("stdin", ::mq_getattr(STDIN_FILENO, null_pointer<mq_attr>()));
}

POSIX_TEST(mq_getattr, 6, "a failure writes nothing") {
  mq_attr attributes;
  std::memset(&attributes, 0x5a, sizeof attributes);
  const mq_attr before = attributes;
  traced("getattr", ::mq_getattr(-1, &attributes));
  trace("untouched: %s", std::memcmp(&before, &attributes, sizeof before) == 0 ? "yes" : "no");
}

POSIX_TEST(mq_getattr, 7, "a success leaves errno alone") {
  mq_attr attributes{};
  const mqd_t queue = open_queue();
  errno = kStale;
  trace_errno("getattr", ::mq_getattr(queue, &attributes));
}

POSIX_DIFFERENCE(
    mq_getattr, 8,
    "an address that is none: Linux says EFAULT, mqxx is stopped by SIGSEGV; a bad descriptor comes first") {
  const auto none = reinterpret_cast<mq_attr*>(forbidden_memory());
  const mqd_t queue = open_queue();
  const int status = in_child([=] {
    traced("-1", ::mq_getattr(-1, none));
    traced("queue", ::mq_getattr(queue, none));
    return 0;
  });
  traced("child", status);
}
