// Processes that share queues by fork, and the order in which those that wait are served.

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>
#include <thread>

#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.hpp"

namespace {

constexpr int kWaiting = 4;

void send_text(mqd_t queue, const std::string& text, unsigned priority = 0) {
  if (::mq_send(queue, text.data(), text.size(), priority) != 0) give_up("cannot send: %s", error_name(errno));
}

void wait_for(int event) {
  eventfd_t count = 0;
  ::eventfd_read(event, &count);
}

/// Starts children that send "0" to "3", each when the one before it waits.
void start_senders(mqd_t queue, pid_t (&children)[kWaiting], const unsigned (&priorities)[kWaiting]) {
  for (int index = 0; index < kWaiting; ++index) {
    const unsigned priority = priorities[index];
    children[index] = start_child([=] {
      send_text(queue, std::to_string(index), priority);
      return 0;
    });
    wait_until_sleeping(children[index]);
  }
}

/// Starts children that receive one message each and end with its first byte, each when the one before it waits.
void start_receivers(mqd_t queue, pid_t (&children)[kWaiting]) {
  for (pid_t& child : children) {
    child = start_child([=] {
      char buffer[16] = {};
      return ::mq_receive(queue, buffer, sizeof buffer, nullptr) == 1 ? buffer[0] : 1;
    });
    wait_until_sleeping(child);
  }
}

/// Waits for whichever child ends next: which of them, and its exit status.
void trace_next_to_end(const pid_t (&children)[kWaiting]) {
  int status = 0;
  const pid_t ended = ::waitpid(-1, &status, 0);
  for (int index = 0; index < kWaiting; ++index) {
    if (children[index] == ended) trace("receiver %d got %c", index, WEXITSTATUS(status));
  }
}

}  // namespace

POSIX_TEST(fork, 1, "a child uses the descriptors of its parent, both ways") {
  const mqd_t queue = open_queue();
  send_text(queue, "question", 7);
  in_child([=] {
    trace_receive(queue);
    send_text(queue, "answer", 3);
    return 0;
  });
  trace_receive(queue);
}

POSIX_TEST(fork, 2, "parent and child at the same time: what the parent sends, the waiting child receives") {
  const mqd_t there = open_named("-there");
  const mqd_t back = open_named("-back");
  const pid_t child = start_child([=] {
    for (int round = 0; round < 100; ++round) {
      char buffer[16];
      const ssize_t size = ::mq_receive(there, buffer, sizeof buffer, nullptr);
      send_text(back, std::string(buffer, static_cast<std::size_t>(size)));
    }
    return 0;
  });
  int right = 0;
  for (int round = 0; round < 100; ++round) {
    send_text(there, std::to_string(round));
    char buffer[16];
    const ssize_t size = ::mq_receive(back, buffer, sizeof buffer, nullptr);
    if (size > 0 && std::string(buffer, static_cast<std::size_t>(size)) == std::to_string(round)) ++right;
  }
  traced("child", finish(child));
  traced("right", right);
}

POSIX_TEST(fork, 3, "a child's close leaves its parent's descriptor, a parent's close its child's") {
  const mqd_t queue = open_queue();
  in_child([=] {
    traced("close in the child", ::mq_close(queue));
    traced("send in the child", ::mq_send(queue, "x", 1, 0));
    return 0;
  });
  traced("send in the parent", ::mq_send(queue, "x", 1, 0));
  const int closed = ::eventfd(0, 0);
  const pid_t child = start_child([=] {
    wait_for(closed);
    trace_receive(queue);
    return 0;
  });
  ::mq_close(queue);
  ::eventfd_write(closed, 1);
  finish(child);
}

POSIX_TEST(fork, 4, "a parent exits, and its child goes on") {
  const mqd_t queue = open_queue();
  const int ended = ::eventfd(0, 0);
  in_child([=] {
    if (::fork() == 0) {  // start_child() would end it with its parent
      wait_for(ended);
      send_text(queue, "from the orphan");
    }
    return 0;
  });
  ::eventfd_write(ended, 1);
  trace_receive(queue);
}

POSIX_TEST(fork, 5, "a grandchild uses what its grandparent opened, after the child between them closed it") {
  const mqd_t queue = open_queue();
  const int closed = ::eventfd(0, 0);
  in_child([=] {
    const pid_t grandchild = start_child([=] {
      wait_for(closed);
      send_text(queue, "grandchild");
      return 0;
    });
    ::mq_close(queue);
    ::eventfd_write(closed, 1);
    return finish(grandchild);
  });
  trace_receive(queue);
}

POSIX_TEST(fork, 6, "a queue that a child opened is the parent's by name, and its own descriptor ends with it") {
  in_child([] {
    send_text(open_queue(), "left behind", 9);
    return 0;
  });
  trace_receive(::mq_open(queue_name(), O_RDONLY | O_NONBLOCK));
}

POSIX_TEST(fork, 7,
           "fork while another thread waits in mq_receive: the child's own calls work, the parent's thread stays") {
  const mqd_t queue = open_queue();
  std::atomic<pid_t> id{0};
  std::thread receiver([&] {
    id = thread_id();
    trace_receive(queue);
  });
  while (id == 0) ::usleep(100);
  wait_until_sleeping(id);
  in_child([=] {
    const mqd_t mine = open_named("-child");
    send_text(mine, "own");
    trace_receive(mine);
    ::mq_unlink(queue_name("-child"));  // the parent does not know of it
    send_text(queue, "for the thread");
    return 0;
  });
  receiver.join();
}

POSIX_TEST(fork, 8, "a child of a process whose threads send and receive all the time: its calls return, 100 times") {
  const mqd_t busy = open_named("-busy", O_RDWR | O_NONBLOCK);
  const mqd_t quiet = open_named("-quiet");
  const char* const name = queue_name("-quiet");
  std::atomic<bool> stop{false};
  std::thread threads[2];
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      char buffer[16];
      while (!stop) {
        ::mq_send(busy, "m", 1, 0);
        ::mq_receive(busy, buffer, sizeof buffer, nullptr);
        ::mq_close(::mq_open(name, O_RDWR));
      }
    });
  }
  int well = 0;
  for (int round = 0; round < 100; ++round) {
    const int status = in_child([=] {
      char buffer[16];
      const mqd_t mine = ::mq_open(name, O_RDWR);
      if (mine == -1 || ::mq_send(mine, "c", 1, 0) != 0) return 1;
      if (::mq_receive(quiet, buffer, sizeof buffer, nullptr) != 1) return 2;
      if (::mq_send(busy, "c", 1, 0) != 0 && errno != EAGAIN) return 3;
      if (::mq_receive(busy, buffer, sizeof buffer, nullptr) < 0 && errno != EAGAIN) return 4;
      return ::mq_close(mine);
    });
    if (status == 0) ++well;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  traced("well", well);
}

POSIX_TEST(fork, 9, "children that are killed while they send and receive: the parent goes on, 50 times") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  int wrong = 0;
  for (int round = 0; round < 50; ++round) {
    const int running = ::eventfd(0, 0);
    const pid_t child = start_child([=] {
      ::eventfd_write(running, 1);
      char buffer[16];
      for (;;) {
        ::mq_send(queue, "c", 1, 0);
        ::mq_receive(queue, buffer, sizeof buffer, nullptr);
      }
      return 0;
    });
    wait_for(running);
    ::usleep(static_cast<useconds_t>(100 + 37 * round));
    ::kill(child, SIGKILL);
    finish(child);
    ::close(running);
    char buffer[16];
    while (::mq_receive(queue, buffer, sizeof buffer, nullptr) >= 0) {
    }
    if (errno != EAGAIN || depth(queue) != 0) ++wrong;
    for (int count = 0; count < 4; ++count) wrong += ::mq_send(queue, "p", 1, 0) == 0 ? 0 : 1;
    wrong += ::mq_send(queue, "p", 1, 0) == -1 && errno == EAGAIN ? 0 : 1;
    for (int count = 0; count < 4; ++count) wrong += ::mq_receive(queue, buffer, sizeof buffer, nullptr) == 1 ? 0 : 1;
  }
  traced("wrong", wrong);
}

// ---- Who is served next ---------------------------------------------------------------------------------------------

POSIX_TEST(fork, 10, "senders that wait are served in the order in which they came") {
  const mqd_t queue = open_queue(O_RDWR, 1);
  fill(queue);
  pid_t children[kWaiting];
  start_senders(queue, children, {0, 0, 0, 0});
  trace_receive(queue);
  for (const pid_t child : children) {
    traced("sender", finish(child));
    trace_receive(queue);
  }
}

POSIX_TEST(fork, 11, "the same whatever the priorities of their messages") {
  const mqd_t queue = open_queue(O_RDWR, 1);
  fill(queue);
  pid_t children[kWaiting];
  start_senders(queue, children, {1, 9, 5, 32767});
  trace_receive(queue);
  for (const pid_t child : children) {
    traced("sender", finish(child));
    trace_receive(queue);
  }
}

POSIX_TEST(fork, 12, "receivers that wait are served in the order in which they came") {
  const mqd_t queue = open_queue();
  pid_t children[kWaiting];
  start_receivers(queue, children);
  for (int index = 0; index < kWaiting; ++index) {
    send_text(queue, std::string(1, static_cast<char>('a' + index)));
    trace_next_to_end(children);
  }
}

POSIX_TEST(fork, 13, "threads of one process that wait are served in the order in which they came") {
  const mqd_t queue = open_queue(O_RDWR, 1);
  fill(queue);
  std::atomic<pid_t> ids[kWaiting] = {};
  std::thread threads[kWaiting];
  for (int index = 0; index < kWaiting; ++index) {
    threads[index] = std::thread([&, index] {
      ids[index] = thread_id();
      send_text(queue, std::to_string(index));
    });
    while (ids[index] == 0) ::usleep(100);
    wait_until_sleeping(ids[index]);
  }
  trace_receive(queue);
  for (std::thread& thread : threads) {
    thread.join();
    trace_receive(queue);
  }
}

POSIX_TEST(fork, 14, "a sender that gave up is passed over, and the next in line is served") {
  const mqd_t queue = open_queue(O_RDWR, 1);
  fill(queue);
  pid_t children[kWaiting];
  start_senders(queue, children, {0, 0, 0, 0});
  ::kill(children[0], SIGKILL);
  finish(children[0]);
  trace_receive(queue);
  for (int index = 1; index < kWaiting; ++index) {
    traced("sender", finish(children[index]));
    trace_receive(queue);
  }
  traced("depth", depth(queue));
}

POSIX_TEST(fork, 15, "several that wait, and as many messages at once: each gets one") {
  const mqd_t queue = open_queue();
  pid_t children[kWaiting];
  start_receivers(queue, children);
  for (int index = 0; index < kWaiting; ++index) send_text(queue, "m");
  for (const pid_t child : children) traced("got m", finish(child) == 'm' ? 1 : 0);
  traced("depth", depth(queue));
}

POSIX_TEST(fork, 16, "several that wait for room, and a drain at once: each message comes") {
  const mqd_t queue = open_queue(O_RDWR, 4);
  fill(queue);
  pid_t children[kWaiting];
  start_senders(queue, children, {0, 0, 0, 0});
  int seen[kWaiting] = {};
  for (int count = 0; count < 4 + kWaiting; ++count) {
    char buffer[16] = {};
    ::mq_receive(queue, buffer, sizeof buffer, nullptr);
    if (buffer[0] >= '0' && buffer[0] < '0' + kWaiting) ++seen[buffer[0] - '0'];
  }
  for (const int times : seen) traced("came", times);
  for (const pid_t child : children) traced("sender", finish(child));
}
