// mq_receive: its errors in Linux's order of checks: descriptor, access mode, size of the buffer, would block.

#include <climits>
#include <cstring>

#include <sys/wait.h>

#include "strangers.hpp"
#include "trace.hpp"

POSIX_TEST(mq_receive, 1, "empty queue with O_NONBLOCK: EAGAIN") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  trace_receive(queue);
  ::mq_send(queue, "one", 3, 0);
  trace_receive(queue);
  trace_receive(queue);
}

POSIX_TEST(mq_receive, 2, "a number that is no queue: EBADF") {
  each_stranger([](mqd_t number) {
    char buffer[64];
    return ::mq_receive(number, buffer, sizeof buffer, nullptr);
  });
}

POSIX_TEST(mq_receive, 3, "opened for writing only: EBADF, before a buffer that is too small (EMSGSIZE)") {
  const mqd_t writer = open_queue(O_WRONLY, 4, 16);
  ::mq_send(writer, "x", 1, 0);
  char buffer[16];
  traced("receive", ::mq_receive(writer, buffer, 16, nullptr));
  traced("too small", ::mq_receive(writer, buffer, 1, nullptr));
  traced("depth", depth(writer));
}

POSIX_TEST(mq_receive, 4, "a buffer below the message size: EMSGSIZE, though the message would fit, and it stays") {
  const mqd_t queue = open_queue(O_RDWR, 4, 16);
  ::mq_send(queue, "x", 1, 3);
  char buffer[16];
  for (const std::size_t size : {0, 1, 15}) traced("too small", ::mq_receive(queue, buffer, size, nullptr));
  traced("depth", depth(queue));
  traced("exact", ::mq_receive(queue, buffer, 16, nullptr));
}

POSIX_TEST(mq_receive, 5, "a buffer that is too small for an empty queue: EMSGSIZE, not EAGAIN, and no wait") {
  char buffer[16];
  traced("O_NONBLOCK", ::mq_receive(open_queue(O_RDWR | O_NONBLOCK, 4, 16), buffer, 15, nullptr));
  traced("blocking", ::mq_receive(::mq_open(queue_name(), O_RDWR), buffer, 15, nullptr));
}

POSIX_TEST(mq_receive, 6, "the buffer may be said to have any size above, up to SIZE_MAX") {
  const mqd_t queue = open_queue(O_RDWR, 4, 16);
  char buffer[64];
  for (const std::size_t size : {std::size_t{17}, std::size_t{64}, std::size_t{1} << 31, std::size_t{1} << 32,
                                 static_cast<std::size_t>(SSIZE_MAX), std::size_t{1} << 63, SIZE_MAX}) {
    ::mq_send(queue, "text", 4, 0);
    traced("receive", ::mq_receive(queue, buffer, size, nullptr));
  }
}

POSIX_TEST(mq_receive, 7, "the priority may be left out, and is that of the message otherwise") {
  const mqd_t queue = open_queue();
  for (const unsigned priority : {0U, 1U, 32767U}) {
    char buffer[16];
    unsigned received = 99999;
    ::mq_send(queue, "x", 1, priority);
    traced("without", ::mq_receive(queue, buffer, sizeof buffer, nullptr));
    ::mq_send(queue, "x", 1, priority);
    traced("with", ::mq_receive(queue, buffer, sizeof buffer, &received));
    trace("priority %u", received);
  }
}

POSIX_TEST(mq_receive, 8, "the buffer beyond the message is left alone") {
  const mqd_t queue = open_queue(O_RDWR, 4, 16);
  for (const std::size_t size : {0, 1, 7, 15}) {
    char buffer[17] = "................";
    ::mq_send(queue, "0123456789abcdef", size, 0);
    traced("receive", ::mq_receive(queue, buffer, 16, nullptr));
    trace("%s", buffer);
  }
}

POSIX_TEST(mq_receive, 9, "a failure leaves buffer and priority alone") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16);
  char buffer[17] = "................";
  unsigned priority = 77;
  traced("empty", ::mq_receive(queue, buffer, 16, &priority));
  ::mq_send(queue, "0123456789abcdef", 16, 5);
  traced("too small", ::mq_receive(queue, buffer, 15, &priority));
  trace("%s, priority %u", buffer, priority);
}

POSIX_TEST(mq_receive, 10, "an empty queue makes the receiver wait until somebody sends") {
  const mqd_t queue = open_queue();
  const pid_t child = start_child([queue] {
    trace_receive(queue);
    return 0;
  });
  wait_until_sleeping(child);
  trace("the receiver waits");
  ::mq_send(queue, "at last", 7, 2);
  traced("child", finish(child));
}

POSIX_TEST(mq_receive, 11, "receivers that wait are served in the order in which they came") {
  const mqd_t queue = open_queue();
  for (int child = 0; child < 3; ++child) {
    const pid_t receiver = start_child([queue, child] {
      char buffer[17] = {};
      ::mq_receive(queue, buffer, 16, nullptr);
      trace("receiver %d: %s", child, buffer);
      return 0;
    });
    wait_until_sleeping(receiver);
  }
  for (int child = 0; child < 3; ++child) {
    const char text[] = {static_cast<char>('a' + child), '\0'};
    ::mq_send(queue, text, 1, 0);
    ::wait(nullptr);  // for whoever got it
  }
}

POSIX_DIFFERENCE(mq_receive, 12, "a null pointer for the message: EFAULT; Linux loses the message, mqxx keeps it") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  ::mq_send(queue, "kept?", 5, 3);
  unsigned priority = 77;
  traced("receive", ::mq_receive(queue, null_pointer<char>(), 16, &priority));
  traced("depth", depth(queue));
  trace_receive(queue);
}

POSIX_TEST(mq_receive, 13, "a null pointer for a message of no bytes is good: 0") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  ::mq_send(queue, "", 0, 3);
  unsigned priority = 77;
  traced("receive", ::mq_receive(queue, null_pointer<char>(), 16, &priority));
  trace("priority %u", priority);
  traced("depth", depth(queue));
}

POSIX_TEST(mq_receive, 14, "a null pointer: EFAULT comes after EBADF, EMSGSIZE and EAGAIN") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16);
  const mqd_t writer = ::mq_open(queue_name(), O_WRONLY);
  traced("empty", ::mq_receive(queue, null_pointer<char>(), 16, nullptr));
  ::mq_send(queue, "x", 1, 0);
  traced("too small", ::mq_receive(queue, null_pointer<char>(), 15, nullptr));
  traced("writer", ::mq_receive(writer, null_pointer<char>(), 16, nullptr));
  traced("-1", ::mq_receive(-1, null_pointer<char>(), 16, nullptr));
  traced("depth", depth(queue));
}

POSIX_DIFFERENCE(mq_receive, 15,
                 "memory that may not be written for the message: Linux loses the message, mqxx keeps it") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 8192);
  ::mq_send(queue, "kept?", 5, 3);
  in_child([queue] { return static_cast<int>(::mq_receive(queue, forbidden_memory(), 8192, nullptr)); });
  traced("depth", depth(queue));
  trace_receive(queue);
  traced("send", ::mq_send(queue, "x", 1, 0));
  trace_receive(queue);
}

POSIX_TEST(mq_receive, 16, "memory that may not be written for the priority: the queue goes on") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 2, 16);
  ::mq_send(queue, "first", 5, 3);
  in_child([queue] {
    char buffer[16];
    const auto none = reinterpret_cast<unsigned*>(forbidden_memory());
    return static_cast<int>(::mq_receive(queue, buffer, 16, none));
  });
  char buffer[16];
  ::mq_receive(queue, buffer, sizeof buffer, nullptr);  // who still has the first message is not the question here
  traced("depth", depth(queue));
  traced("send", ::mq_send(queue, "second", 6, 1));
  traced("send", ::mq_send(queue, "third", 5, 1));
  traced("send", ::mq_send(queue, "no room", 7, 1));
  for (int count = 0; count < 3; ++count) trace_receive(queue);
}

POSIX_TEST(mq_receive, 17, "a success leaves errno alone, also one that had to wait") {
  const mqd_t queue = open_queue();
  char buffer[16];
  ::mq_send(queue, "x", 1, 0);
  errno = kStale;
  trace_errno("receive", ::mq_receive(queue, buffer, sizeof buffer, nullptr));
  const pid_t child = start_child([&] {
    errno = kStale;
    trace_errno("receive after a wait", ::mq_receive(queue, buffer, sizeof buffer, nullptr));
    return 0;
  });
  wait_until_sleeping(child);
  ::mq_send(queue, "x", 1, 0);
  traced("child", finish(child));
}

POSIX_TEST(mq_receive, 18, "each message goes to one receiver only") {
  const mqd_t queue = open_queue(O_RDWR, 10, 16);
  pid_t children[4];
  for (pid_t& child : children) {
    child = start_child([queue] {
      for (int count = 0;; ++count) {
        char buffer[16];
        if (::mq_receive(queue, buffer, sizeof buffer, nullptr) == 0) return count & 0x7f;
      }
    });
  }
  for (int count = 0; count < 100; ++count) ::mq_send(queue, "x", 1, 1);
  for (int count = 0; count < 4; ++count) ::mq_send(queue, "", 0, 0);
  int received = 0;
  for (const pid_t child : children) received += finish(child);
  traced("received", received);
  traced("depth", depth(queue));
}

POSIX_TEST(mq_receive, 19, "a full queue has room again for each message that is received, around and around") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 3, 16);
  fill(queue);
  int failures = 0;
  for (int round = 0; round < 1000; ++round) {
    char buffer[16];
    if (::mq_receive(queue, buffer, sizeof buffer, nullptr) != 1) ++failures;
    if (::mq_send(queue, "f", 1, static_cast<unsigned>(round % 7)) != 0) ++failures;
    if (::mq_send(queue, "f", 1, 0) != -1 || errno != EAGAIN) ++failures;
  }
  traced("failures", failures);
  traced("depth", depth(queue));
}
