// mq_close, close(2), and numbers that were a queue and are something else now.

#include <atomic>
#include <thread>

#include "strangers.hpp"
#include "trace.hpp"

// From a Linux header that cannot be included beside <fcntl.h>.
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

namespace {

/// Each call with a number that is no queue (any more).
void trace_calls(mqd_t number) {
  char buffer[64];
  mq_attr attributes{};
  const timespec late = from_now(-1000);
  traced("send", ::mq_send(number, "x", 1, 0));
  traced("timedsend", ::mq_timedsend(number, "x", 1, 0, &late));
  traced("receive", ::mq_receive(number, buffer, sizeof buffer, nullptr));
  traced("timedreceive", ::mq_timedreceive(number, buffer, sizeof buffer, nullptr, &late));
  traced("getattr", ::mq_getattr(number, &attributes));
  traced("setattr", ::mq_setattr(number, &attributes, nullptr));
  traced("notify", ::mq_notify(number, nullptr));
}

/// A queue's number is now one end of a socket pair, `peer` the other: no call may touch the socket or the queue.
void trace_calls_on_socket(mqd_t number, int peer, mqd_t other) {
  trace_calls(number);
  char byte = 0;
  traced("the peer reads", ::read(peer, &byte, 1));
  traced("write", ::write(number, "w", 1));
  traced("the peer reads", ::read(peer, &byte, 1));
  traced("depth of the queue", depth(other));
  traced("close", ::mq_close(number));
  traced("the peer reads", ::read(peer, &byte, 1));
  traced("depth of the queue", depth(other));
}

int lowest_free() {
  const int lowest = ::dup(STDOUT_FILENO);
  ::close(lowest);
  return lowest;
}

void trace_reuse(int (*close_it)(int)) {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "kept", 4, 0);
  const mqd_t other = ::mq_open(queue_name(), O_RDONLY | O_NONBLOCK);
  close_it(queue);
  while (lowest_free() < queue) ::dup(STDOUT_FILENO);
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets) != 0) give_up("no sockets");
  trace("reused: %s", sockets[0] == queue ? "yes" : "no");
  trace_calls_on_socket(sockets[0], sockets[1], other);
}

}  // namespace

POSIX_TEST(mq_close, 1, "a closed descriptor: 0, and from then on each call gives EBADF") {
  const mqd_t queue = open_queue();
  traced("close", ::mq_close(queue));
  trace_calls(queue);
  traced("close", ::mq_close(queue));
}

POSIX_TEST(mq_close, 2, "-1 and a number that is not open: EBADF") {
  traced("-1", ::mq_close(-1));
  traced("99999", ::mq_close(99999));
}

POSIX_TEST(mq_close, 3, "a descriptor that is no queue is closed like any other: 0") {
  int ends[2];
  if (::pipe(ends) != 0) give_up("no pipe");
  traced("close the write end", ::mq_close(ends[1]));
  char byte = 0;
  traced("read", ::read(ends[0], &byte, 1));
  const int file = ::open(program(), O_RDONLY);
  traced("close a file", ::mq_close(file));
  traced("read", ::read(file, &byte, 1));
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) give_up("no sockets");
  traced("close a socket", ::mq_close(sockets[0]));
  traced("read from its peer", ::read(sockets[1], &byte, 1));
}

POSIX_TEST(mq_close, 4, "other descriptors of the queue go on, and its messages stay when the last is closed") {
  const mqd_t first = open_queue();
  const mqd_t second = ::mq_open(queue_name(), O_RDWR);
  ::mq_send(first, "kept", 4, 7);
  traced("close the first", ::mq_close(first));
  ::mq_send(second, "more", 4, 1);
  traced("close the second", ::mq_close(second));
  const mqd_t third = ::mq_open(queue_name(), O_RDWR);
  trace_receive(third);
  trace_receive(third);
}

POSIX_TEST(mq_close, 5, "close(2) does the same") {
  const mqd_t queue = open_queue();
  traced("close", ::close(queue));
  trace_calls(queue);
  traced("mq_close", ::mq_close(queue));
}

POSIX_TEST(mq_close, 6, "a number that a socket took after mq_close: EBADF, and neither socket nor queue is touched") {
  trace_reuse(::mq_close);
}

POSIX_TEST(mq_close, 7, "a number that a socket took after close(2): the same") { trace_reuse(::close); }

POSIX_TEST(mq_close, 8, "a number that a socket took by dup2: the same") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "kept", 4, 0);
  const mqd_t other = ::mq_open(queue_name(), O_RDONLY | O_NONBLOCK);
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets) != 0) give_up("no sockets");
  traced("dup2 returns its number", ::dup2(sockets[0], queue) == queue ? 1 : 0);
  ::close(sockets[0]);
  trace_calls_on_socket(queue, sockets[1], other);
}

POSIX_TEST(mq_close, 9, "a number that a socket took by dup3: the same") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "kept", 4, 0);
  const mqd_t other = ::mq_open(queue_name(), O_RDONLY | O_NONBLOCK);
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets) != 0) give_up("no sockets");
  traced("dup3 returns its number", ::dup3(sockets[0], queue, O_CLOEXEC) == queue ? 1 : 0);
  ::close(sockets[0]);
  trace_calls_on_socket(queue, sockets[1], other);
}

POSIX_TEST(mq_close, 10, "a number that another queue took means that queue") {
  const mqd_t first = open_queue(O_RDWR | O_NONBLOCK);
  ::mq_send(first, "first", 5, 0);
  ::mq_close(first);
  const mqd_t second = open_named("-second", O_RDWR | O_NONBLOCK, 2, 8);
  trace("reused: %s", first == second ? "yes" : "no");
  trace_attributes("attributes", second);
  trace_receive(second);
  ::mq_send(second, "second", 6, 0);
  trace_receive(second);
  trace_receive(::mq_open(queue_name(), O_RDONLY));
}

POSIX_TEST(mq_close, 11, "dup2 of one queue over another") {
  const mqd_t first = open_queue(O_RDWR | O_NONBLOCK);
  const mqd_t second = open_named("-second", O_RDWR | O_NONBLOCK, 2, 8);
  traced("dup2 returns its number", ::dup2(second, first) == first ? 1 : 0);
  traced("send", ::mq_send(first, "x", 1, 0));
  trace_attributes("first", first);
  trace_attributes("second", second);
  traced("dup2 onto itself", ::dup2(first, first) == first ? 1 : 0);
  trace_attributes("first", first);
}

POSIX_TEST(mq_close, 12, "close_range and closefrom close queues as well") {
  const mqd_t first = open_queue();
  const mqd_t second = ::mq_open(queue_name(), O_RDWR);
  const mqd_t third = ::mq_open(queue_name(), O_RDWR);
  traced("close_range", ::close_range(static_cast<unsigned>(second), static_cast<unsigned>(second), 0));
  trace_attributes("first", first);
  trace_attributes("second", second);
  trace_attributes("third", third);
  traced("close_range, close-on-exec",
         ::close_range(static_cast<unsigned>(third), static_cast<unsigned>(third), CLOSE_RANGE_CLOEXEC));
  trace_attributes("third", third);
  ::closefrom(third);
  trace_attributes("first", first);
  trace_attributes("third", third);
}

POSIX_TEST(mq_close, 13,
           "a receiver that waits is not woken when its descriptor is closed, and gets what comes later") {
  const mqd_t queue = open_queue();
  const mqd_t other = ::mq_open(queue_name(), O_RDWR);
  std::atomic<pid_t> waiting = 0;
  std::thread receiver([&] {
    waiting = thread_id();
    trace_receive(queue);
  });
  while (waiting == 0) ::sched_yield();
  wait_until_sleeping(waiting);
  traced("close", ::mq_close(queue));
  wait_until_sleeping(waiting);
  trace("still waits");
  ::mq_send(other, "later", 5, 1);
  receiver.join();
  traced("the number", ::mq_send(queue, "x", 1, 0));
}

POSIX_TEST(mq_close, 14, "the last close of an unlinked queue frees its name for good: nothing comes back") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  ::mq_send(queue, "gone", 4, 0);
  ::mq_unlink(queue_name());
  traced("close", ::mq_close(queue));
  traced_descriptor("open", ::mq_open(queue_name(), O_RDWR));
  trace_receive(open_queue(O_RDWR | O_NONBLOCK));
}

POSIX_TEST(mq_close, 15, "a success leaves errno alone") {
  const mqd_t queue = open_queue();
  errno = kStale;
  trace_errno("close", ::mq_close(queue));
}

POSIX_TEST(mq_close, 16, "opening and closing a thousand times leaves no descriptor behind") {
  open_queue();
  const int before = lowest_free();
  for (int round = 0; round < 1000; ++round) {
    const mqd_t queue = ::mq_open(queue_name(), O_RDWR);
    if (queue == -1) return trace("round %d: %s", round, error_name(errno));
    if (::mq_send(queue, "x", 1, 0) != 0) return trace("round %d: %s", round, error_name(errno));
    char buffer[16];
    if (::mq_receive(queue, buffer, sizeof buffer, nullptr) != 1)
      return trace("round %d: %s", round, error_name(errno));
    ::mq_close(queue);
  }
  trace("the lowest free number is the same: %s", lowest_free() == before ? "yes" : "no");
}
