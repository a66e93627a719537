// mq_send: order, priorities, and its errors in Linux's order of checks:
// priority, descriptor, access mode, size, buffer, would block.

#include <climits>
#include <cstring>
#include <string>

#include "strangers.hpp"
#include "trace.hpp"

POSIX_TEST(mq_send, 1, "the highest priority leaves first, and equals in the order in which they were sent") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 10, 16);
  const struct {
    const char* text;
    unsigned priority;
  } messages[] = {{"low 1", 1}, {"high 1", 9}, {"low 2", 1}, {"zero", 0}, {"high 2", 9}, {"top", 32767}, {"low 3", 1}};
  for (const auto& [text, priority] : messages) traced("send", ::mq_send(queue, text, std::strlen(text), priority));
  for (int count = 0; count < 8; ++count) trace_receive(queue);
}

POSIX_TEST(mq_send, 2, "priorities 0 to 32767 are good; 32768 and above: EINVAL, nothing queued") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 10, 16);
  traced("sysconf", ::sysconf(_SC_MQ_PRIO_MAX));
  for (const unsigned priority : {0U, 1U, 31U, 63U, 64U, 4095U, 4096U, 32767U}) {
    traced("good", ::mq_send(queue, "g", 1, priority));
  }
  for (const unsigned priority : {32768U, 65536U, 0x7fffffffU, 0x80000000U, UINT_MAX}) {
    traced("bad", ::mq_send(queue, "b", 1, priority));
  }
  for (int count = 0; count < 9; ++count) trace_receive(queue);
}

POSIX_TEST(mq_send, 3, "a number that is no queue: EBADF") {
  each_stranger([](mqd_t number) { return ::mq_send(number, "x", 1, 0); });
}

POSIX_TEST(mq_send, 4, "the priority is looked at before the descriptor: EINVAL, not EBADF") {
  each_stranger([](mqd_t number) { return ::mq_send(number, "x", 1, 32768); });
  traced("reader", ::mq_send(open_queue(O_RDONLY), "x", 1, 32768));
}

POSIX_TEST(mq_send, 5, "opened for reading only: EBADF, before a message that is too long (EMSGSIZE)") {
  const mqd_t reader = open_queue(O_RDONLY, 4, 16);
  const char text[32] = {};
  traced("send", ::mq_send(reader, "x", 1, 0));
  traced("too long", ::mq_send(reader, text, 17, 0));
  traced("from nowhere", ::mq_send(reader, null_pointer<char>(), 1, 0));
}

POSIX_TEST(mq_send, 6,
           "a message of the message size fits, one byte more is EMSGSIZE, as is any length up to SIZE_MAX") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16);
  const char text[32] = {};
  traced("16", ::mq_send(queue, text, 16, 0));
  traced("17", ::mq_send(queue, text, 17, 0));
  traced("2^31", ::mq_send(queue, text, std::size_t{1} << 31, 0));
  traced("2^32", ::mq_send(queue, text, std::size_t{1} << 32, 0));
  traced("2^63", ::mq_send(queue, text, std::size_t{1} << 63, 0));
  traced("SIZE_MAX", ::mq_send(queue, text, SIZE_MAX, 0));
  traced("depth", depth(queue));
}

POSIX_TEST(mq_send, 7, "full queue with O_NONBLOCK: EAGAIN, nothing queued") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  fill(queue);
  traced("send", ::mq_send(queue, "more", 4, 0));
  traced("send, higher priority", ::mq_send(queue, "more", 4, 9));
  traced("depth", depth(queue));
  for (int count = 0; count < 5; ++count) trace_receive(queue);
}

POSIX_TEST(mq_send, 8, "a message that is too long for a full queue: EMSGSIZE, not EAGAIN") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16);
  fill(queue);
  const char text[32] = {};
  traced("17", ::mq_send(queue, text, 17, 0));
  traced("16", ::mq_send(queue, text, 16, 0));
}

POSIX_TEST(mq_send, 9, "a bad priority of a message that is too long for a full queue: EINVAL") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16);
  fill(queue);
  const char text[32] = {};
  traced("send", ::mq_send(queue, text, 17, 32768));
}

POSIX_TEST(mq_send, 10, "a message of no bytes is a message, also from a null pointer") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  traced("send", ::mq_send(queue, "", 0, 3));
  traced("send from NULL", ::mq_send(queue, null_pointer<char>(), 0, 4));
  traced("depth", depth(queue));
  for (int count = 0; count < 3; ++count) trace_receive(queue);
}

POSIX_TEST(mq_send, 11, "a null pointer to some bytes: EFAULT, nothing queued") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  traced("1 byte", ::mq_send(queue, null_pointer<char>(), 1, 0));
  traced("16 bytes", ::mq_send(queue, null_pointer<char>(), 16, 0));
  traced("depth", depth(queue));
  traced("send", ::mq_send(queue, "good", 4, 0));
  trace_receive(queue);
}

POSIX_TEST(mq_send, 12,
           "a null pointer: EFAULT before a full queue (EAGAIN), after a length that is too long (EMSGSIZE)") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16);
  fill(queue);
  traced("full", ::mq_send(queue, null_pointer<char>(), 1, 0));
  traced("too long", ::mq_send(queue, null_pointer<char>(), 17, 0));
  traced("priority", ::mq_send(queue, null_pointer<char>(), 1, 32768));
  traced("descriptor", ::mq_send(-1, null_pointer<char>(), 1, 0));
  traced("no bytes", ::mq_send(queue, null_pointer<char>(), 0, 0));
}

POSIX_TEST(mq_send, 13,
           "a sender from memory that may not be read damages nothing, whether it gets EFAULT or SIGSEGV") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 8192);
  ::mq_send(queue, "before", 6, 1);
  for (const std::size_t size : {std::size_t{1}, std::size_t{16}, std::size_t{8192}}) {
    in_child([queue, size] { return static_cast<int>(::mq_send(queue, forbidden_memory(), size, 9)); });
  }
  traced("depth", depth(queue));
  for (int count = 0; count < 3; ++count) traced("send", ::mq_send(queue, "after", 5, 0));
  traced("send", ::mq_send(queue, "no room", 7, 0));
  for (int count = 0; count < 5; ++count) trace_receive(queue);
}

POSIX_TEST(mq_send, 14, "a full queue makes the sender wait until somebody receives") {
  const mqd_t queue = open_queue();
  fill(queue);
  const pid_t child = start_child([queue] {
    traced("send", ::mq_send(queue, "last", 4, 0));
    return 0;
  });
  wait_until_sleeping(child);
  trace("the sender waits");
  char buffer[16];
  ::mq_receive(queue, buffer, sizeof buffer, nullptr);
  traced("child", finish(child));
  for (int count = 0; count < 4; ++count) trace_receive(queue);
}

POSIX_TEST(mq_send, 15, "senders that wait are served in the order in which they came, and not by priority") {
  const mqd_t queue = open_queue(O_RDWR, 1);
  fill(queue);
  const struct {
    const char* text;
    unsigned priority;
  } messages[] = {{"first", 0}, {"second", 9}, {"third", 5}};
  pid_t children[3];
  for (int child = 0; child < 3; ++child) {
    children[child] = start_child([&] {
      return ::mq_send(queue, messages[child].text, std::strlen(messages[child].text), messages[child].priority);
    });
    wait_until_sleeping(children[child]);
  }
  for (int count = 0; count < 4; ++count) trace_receive(queue);
  for (const pid_t child : children) traced("sender", finish(child));
}

POSIX_TEST(mq_send, 16, "a message is its bytes, whatever they are, up to the whole message size") {
  const mqd_t queue = open_queue(O_RDWR, 2, 8192);
  std::string sent;
  for (int index = 0; index < 8192; ++index) sent.push_back(static_cast<char>(index * 31 % 256));
  std::string received(8192, '\0');
  for (const std::size_t size : {1, 7, 8, 63, 64, 65, 255, 256, 1000, 4096, 8191, 8192}) {
    ::mq_send(queue, sent.data(), size, 0);
    const ssize_t got = ::mq_receive(queue, received.data(), received.size(), nullptr);
    trace("%zu bytes: %zd, equal: %s", size, got, sent.compare(0, size, received, 0, size) == 0 ? "yes" : "no");
  }
}

POSIX_TEST(mq_send, 17, "a success leaves errno alone, also one that had to wait") {
  const mqd_t queue = open_queue();
  errno = kStale;
  trace_errno("send", ::mq_send(queue, "x", 1, 0));
  fill(queue);
  const pid_t child = start_child([queue] {
    errno = kStale;
    trace_errno("send after a wait", ::mq_send(queue, "x", 1, 0));
    return 0;
  });
  wait_until_sleeping(child);
  char buffer[16];
  ::mq_receive(queue, buffer, sizeof buffer, nullptr);
  traced("child", finish(child));
}

POSIX_TEST(mq_send, 18, "a message to a receiver that waits is its own: nothing stays in the queue") {
  const mqd_t queue = open_queue();
  const pid_t child = start_child([queue] {
    trace_receive(queue);
    return 0;
  });
  wait_until_sleeping(child);
  ::mq_send(queue, "direct", 6, 4);
  traced("child", finish(child));
  traced("depth", depth(queue));
}

POSIX_TEST(mq_send, 19, "depth counts messages and not bytes") {
  const mqd_t queue = open_queue(O_RDWR, 4, 16);
  for (const std::size_t size : {0, 1, 16, 5}) {
    ::mq_send(queue, "0123456789abcdef", size, 0);
    traced("depth", depth(queue));
  }
}

POSIX_TEST(mq_send, 20, "ten thousand messages of one process arrive in another, all and in order") {
  const mqd_t queue = open_queue(O_RDWR, 10, 16);
  const pid_t child = start_child([queue] {
    for (int expected = 0; expected < 10'000; ++expected) {
      char buffer[16];
      int number = -1;
      if (::mq_receive(queue, buffer, sizeof buffer, nullptr) != sizeof number) return 1;
      std::memcpy(&number, buffer, sizeof number);
      if (number != expected) return 2;
    }
    return 0;
  });
  int failures = 0;
  for (int number = 0; number < 10'000; ++number) {
    if (::mq_send(queue, reinterpret_cast<const char*>(&number), sizeof number, 0) != 0) ++failures;
  }
  traced("failures", failures);
  traced("child", finish(child));
  traced("depth", depth(queue));
}
