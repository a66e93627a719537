// What descriptors of one description share, and what they survive: dup, fork, exec, SCM_RIGHTS, and close in all its
// forms.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "strangers.hpp"
#include "trace.hpp"

extern char** environ;

namespace {

// ---- What a descriptor says of itself -------------------------------------------------------------------------------

const char* access_mode(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags == -1) return error_name(errno);
  switch (flags & O_ACCMODE) {
    case O_RDONLY: return "read only";
    case O_WRONLY: return "write only";
    case O_RDWR: return "read and write";
    default: return "unknown access";
  }
}

/// Whether calls wait, as fcntl and mq_getattr both see it.
const char* waiting(mqd_t queue) {
  mq_attr attributes{};
  const int flags = ::fcntl(queue, F_GETFL);
  if (flags == -1 || ::mq_getattr(queue, &attributes) != 0) return error_name(errno);
  if (((flags & O_NONBLOCK) != 0) != (attributes.mq_flags == O_NONBLOCK)) return "fcntl and mq_getattr disagree";
  return attributes.mq_flags == O_NONBLOCK ? "does not wait" : "waits";
}

const char* over_exec(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFD);
  if (flags == -1) return error_name(errno);
  return flags == FD_CLOEXEC ? "closed by exec" : flags == 0 ? "kept by exec" : "unknown descriptor flags";
}

void set_waiting(int descriptor, bool waits) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (::fcntl(descriptor, F_SETFL, waits ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) != 0) give_up("no F_SETFL");
}

void set_waiting_by_attributes(mqd_t queue, bool waits) {
  mq_attr attributes{};
  attributes.mq_flags = waits ? 0 : O_NONBLOCK;
  if (::mq_setattr(queue, &attributes, nullptr) != 0) give_up("no mq_setattr: %s", error_name(errno));
}

/// Sends one text and receives it, through descriptors of the same queue.
void trace_round(const char* text, mqd_t sender, mqd_t receiver) {
  if (traced("send", ::mq_send(sender, text, std::strlen(text), 3)) == 0) trace_receive(receiver);
}

// ---- Passing over a socket ------------------------------------------------------------------------------------------

struct Sockets {
  Sockets() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) give_up("no sockets");
    here = ends[0];
    there = ends[1];
  }
  int here = -1;
  int there = -1;
};

/// A message of one byte with room for one descriptor.
struct Envelope {
  Envelope() {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;

  [[nodiscard]] int descriptor() {
    const cmsghdr* entry = CMSG_FIRSTHDR(&header);
    if (entry == nullptr || entry->cmsg_type != SCM_RIGHTS) give_up("no descriptor came");
    int result = -1;
    std::memcpy(&result, CMSG_DATA(entry), sizeof result);
    return result;
  }

  char byte = 'd';
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec part{.iov_base = &byte, .iov_len = 1};
  msghdr header{};
};

void pass(int socket, int descriptor) {
  Envelope envelope;
  cmsghdr* entry = CMSG_FIRSTHDR(&envelope.header);
  entry->cmsg_level = SOL_SOCKET;
  entry->cmsg_type = SCM_RIGHTS;
  entry->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(entry), &descriptor, sizeof descriptor);
  if (::sendmsg(socket, &envelope.header, 0) != 1) give_up("cannot pass a descriptor: %s", error_name(errno));
}

int passed(int socket, int flags = 0) {
  Envelope envelope;
  if (::recvmsg(socket, &envelope.header, flags) != 1) give_up("no descriptor came: %s", error_name(errno));
  return envelope.descriptor();
}

// ---- A new image of this program ------------------------------------------------------------------------------------

constexpr const char* kVariable = "MQXX_CASE_DESCRIPTOR";

void announce(int descriptor) { ::setenv(kVariable, std::to_string(descriptor).c_str(), 1); }

/// What the image before this one announced.
int inherited() {
  const char* number = std::getenv(kVariable);
  return number == nullptr ? -1 : static_cast<int>(std::strtol(number, nullptr, 10));
}

int become(const char* part, int descriptor) {
  announce(descriptor);
  ::execl(program(), program(), "--part", part, nullptr);
  return 127;
}

void in_new_image(const char* part, int descriptor) {
  const int status = in_child([=] { return become(part, descriptor); });
  if (status != 0) trace("the new image ended with %d", status);
}

}  // namespace

POSIX_PART(use_both_ways) {
  const mqd_t queue = inherited();
  trace("%s, %s, %s", access_mode(queue), waiting(queue), over_exec(queue));
  trace_receive(queue);
  traced("send", ::mq_send(queue, "new image", 9, 1));
}

POSIX_PART(try_both_ways) {
  const mqd_t queue = inherited();
  trace_receive(queue);
  traced("send", ::mq_send(queue, "x", 1, 1));
  trace("%s, %s", access_mode(queue), waiting(queue));
}

POSIX_PART(close_inherited) { traced("close in the new image", ::mq_close(inherited())); }

// ---- O_NONBLOCK -----------------------------------------------------------------------------------------------------

POSIX_TEST(descriptions, 1, "O_NONBLOCK is shared by dup, dup2, dup3, F_DUPFD and F_DUPFD_CLOEXEC") {
  const mqd_t queue = open_queue();
  const struct {
    const char* made_by;
    int descriptor;
  } twins[] = {{"dup", ::dup(queue)},
               {"dup2", ::dup2(queue, 70)},
               {"dup3", ::dup3(queue, 71, O_CLOEXEC)},
               {"F_DUPFD", ::fcntl(queue, F_DUPFD, 80)},
               {"F_DUPFD_CLOEXEC", ::fcntl(queue, F_DUPFD_CLOEXEC, 90)}};
  for (const auto& twin : twins) {
    trace("%s: %s", twin.made_by, waiting(twin.descriptor));
    set_waiting(queue, false);
    trace("set on the first: %s", waiting(twin.descriptor));
    trace_receive(twin.descriptor);
    set_waiting_by_attributes(twin.descriptor, true);
    trace("cleared on the second: %s", waiting(queue));
  }
}

POSIX_TEST(descriptions, 2, "O_NONBLOCK is shared by parent and child after fork, whoever sets it") {
  const mqd_t queue = open_queue();
  in_child([=] {
    trace("child: %s", waiting(queue));
    set_waiting(queue, false);
    return 0;
  });
  trace("parent: %s", waiting(queue));
  trace_receive(queue);
  const int go = ::eventfd(0, 0);
  const pid_t child = start_child([=] {
    eventfd_t count = 0;
    ::eventfd_read(go, &count);
    trace("child: %s", waiting(queue));
    return 0;
  });
  set_waiting_by_attributes(queue, true);
  ::eventfd_write(go, 1);
  finish(child);
}

POSIX_TEST(descriptions, 3, "O_NONBLOCK is shared with a descriptor that came over a socket") {
  const mqd_t queue = open_queue();
  const Sockets sockets;
  pass(sockets.here, queue);
  const mqd_t twin = passed(sockets.there);
  set_waiting(queue, false);
  trace("twin: %s", waiting(twin));
  trace_receive(twin);
  set_waiting_by_attributes(twin, true);
  trace("first: %s", waiting(queue));
}

POSIX_TEST(descriptions, 4, "O_NONBLOCK is not shared with a second mq_open") {
  const mqd_t queue = open_queue();
  const mqd_t second = ::mq_open(queue_name(), O_RDWR);
  const mqd_t third = ::mq_open(queue_name(), O_RDWR | O_NONBLOCK);
  trace("first %s, second %s, third %s", waiting(queue), waiting(second), waiting(third));
  set_waiting(queue, false);
  set_waiting_by_attributes(third, true);
  trace("first %s, second %s, third %s", waiting(queue), waiting(second), waiting(third));
}

POSIX_TEST(descriptions, 5, "F_SETFL and mq_setattr set the same flag, F_GETFL and mq_getattr tell it") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  trace("opened so: %s", waiting(queue));
  set_waiting(queue, true);
  trace("F_SETFL: %s", waiting(queue));
  set_waiting_by_attributes(queue, false);
  trace("mq_setattr: %s", waiting(queue));
  set_waiting_by_attributes(queue, true);
  trace("mq_setattr: %s", waiting(queue));
  set_waiting(queue, false);
  trace("F_SETFL: %s", waiting(queue));
  mq_attr old{};
  mq_attr none{};
  traced("mq_setattr", ::mq_setattr(queue, &none, &old));
  trace("it was: %s", old.mq_flags == O_NONBLOCK ? "does not wait" : "waits");
}

POSIX_TEST(descriptions, 6, "a receiver that waits already goes on waiting when O_NONBLOCK is set") {
  const mqd_t queue = open_queue();
  const pid_t receiver = start_child([=] {
    trace_receive(queue);
    trace_receive(queue);
    return 0;
  });
  wait_until_sleeping(receiver);
  set_waiting(queue, false);
  wait_until_sleeping(receiver);
  ::mq_send(queue, "late", 4, 0);
  finish(receiver);
}

POSIX_TEST(descriptions, 7, "F_GETFL has the access mode and O_NONBLOCK and nothing else") {
  open_queue();
  for (const int access : {O_RDONLY, O_WRONLY, O_RDWR}) {
    const mqd_t queue = ::mq_open(queue_name(), access);
    trace("%s, others %x", access_mode(queue), ::fcntl(queue, F_GETFL) & ~O_ACCMODE);
    set_waiting(queue, false);
    trace("%s, others %x", access_mode(queue), ::fcntl(queue, F_GETFL) & ~O_ACCMODE);
  }
}

POSIX_TEST(descriptions, 8, "F_SETFL cannot change the access mode") {
  open_queue();
  const mqd_t queue = ::mq_open(queue_name(), O_WRONLY);
  traced("F_SETFL", ::fcntl(queue, F_SETFL, O_RDWR | O_NONBLOCK));
  trace("%s, %s", access_mode(queue), waiting(queue));
  trace_receive(queue);
  traced("send", ::mq_send(queue, "x", 1, 0));
}

POSIX_TEST(descriptions, 9, "a duplicate has the access mode of its original") {
  open_queue();
  const mqd_t reader = ::dup(::mq_open(queue_name(), O_RDONLY));
  const mqd_t writer = ::fcntl(::mq_open(queue_name(), O_WRONLY), F_DUPFD, 60);
  trace("%s, %s", access_mode(reader), access_mode(writer));
  traced("send to the reader", ::mq_send(reader, "x", 1, 0));
  trace_receive(writer);
  trace_round("both", writer, reader);
}

POSIX_TEST(descriptions, 10, "duplicates send and receive, and outlive their original") {
  const mqd_t queue = open_queue();
  const mqd_t twin = ::dup(queue);
  trace_round("to and fro", queue, twin);
  ::mq_close(queue);
  trace_round("alone", twin, twin);
  const mqd_t high = ::fcntl(twin, F_DUPFD, 200);
  trace("at least 200: %s", high >= 200 ? "yes" : "no");
  ::close(twin);
  trace_round("last", high, high);
  ::close(high);
  traced("send", ::mq_send(high, "x", 1, 0));
}

POSIX_TEST(descriptions, 11, "closing one of two duplicates leaves the other, in either order") {
  for (const bool first : {true, false}) {
    const mqd_t queue = open_queue();
    const mqd_t twin = ::dup(queue);
    traced("close", ::close(first ? queue : twin));
    traced("closed", ::mq_send(first ? queue : twin, "x", 1, 0));
    trace_round("open", first ? twin : queue, first ? twin : queue);
    ::close(first ? twin : queue);
  }
}

// ---- Numbers --------------------------------------------------------------------------------------------------------

POSIX_TEST(descriptions, 12, "dup2 onto itself changes nothing; dup3 onto itself and a bad number fail likewise") {
  const mqd_t queue = open_queue();
  trace("dup2 onto itself: %s", ::dup2(queue, queue) == queue ? "same" : "other");
  traced("dup3 onto itself", ::dup3(queue, queue, 0));
  traced("dup2 to -1", ::dup2(queue, -1));
  traced("dup2 of a closed number", ::dup2(99, queue));
  traced("F_DUPFD from -1", ::fcntl(queue, F_DUPFD, -1));
  trace_round("still a queue", queue, queue);
}

POSIX_TEST(descriptions, 13, "dup2 of a socket over the descriptor: EBADF from then on") {
  const mqd_t queue = open_queue();
  const mqd_t other = ::mq_open(queue_name(), O_RDWR | O_NONBLOCK);
  const Sockets sockets;
  trace("dup2: %s", ::dup2(sockets.here, queue) == queue ? "done" : "failed");
  traced("send", ::mq_send(queue, "x", 1, 0));
  trace_receive(queue);
  traced("depth", depth(other));
}

POSIX_TEST(descriptions, 14, "dup2 of one queue over another: the number means the other from then on") {
  const mqd_t first = open_named("-first");
  const mqd_t second = open_named("-second");
  const mqd_t witness = ::mq_open(queue_name("-first"), O_RDWR | O_NONBLOCK);
  trace("dup2: %s", ::dup2(second, first) == first ? "done" : "failed");
  traced("send", ::mq_send(first, "x", 1, 0));
  trace("depth of the first %ld, of the second %ld", depth(witness), depth(second));
}

POSIX_TEST(descriptions, 15, "dup2 over standard input: 0 is a queue like any other") {
  const mqd_t queue = open_queue();
  traced("dup2", ::dup2(queue, STDIN_FILENO));
  ::mq_close(queue);
  trace_round("through 0", STDIN_FILENO, STDIN_FILENO);
  traced("close", ::close(STDIN_FILENO));
  trace("opened as 0: %s", ::mq_open(queue_name(), O_RDWR) == 0 ? "yes" : "no");
  trace_round("again", STDIN_FILENO, STDIN_FILENO);
}

POSIX_TEST(descriptions, 16, "a number that is closed and opened again is the new queue") {
  const mqd_t first = open_named("-first");
  traced("send", ::mq_send(first, "to the first", 12, 0));
  ::close(first);
  const mqd_t second = open_named("-second");
  trace("same number: %s", first == second ? "yes" : "no");
  traced("send", ::mq_send(second, "to the second", 13, 0));
  trace_receive(::mq_open(queue_name("-first"), O_RDONLY));
  trace_receive(second);
}

POSIX_TEST(descriptions, 17, "a number that a child reuses is still the queue in its parent") {
  const mqd_t queue = open_queue();
  in_child([=] {
    ::close(queue);
    const Sockets sockets;
    ::dup2(sockets.here, queue);
    traced("send in the child", ::mq_send(queue, "x", 1, 0));
    return 0;
  });
  trace_round("in the parent", queue, queue);
}

POSIX_TEST(descriptions, 18, "close_range closes queues, and CLOSE_RANGE_CLOEXEC only marks them") {
  const mqd_t queue = open_queue();
  const auto number = static_cast<unsigned>(queue);
  ::fcntl(queue, F_SETFD, 0);
  traced("close_range", ::close_range(number, number, CLOSE_RANGE_CLOEXEC));
  trace("%s", over_exec(queue));
  trace_round("marked", queue, queue);
  const mqd_t twin = ::dup2(queue, 60);
  traced("close_range", ::close_range(number, number, 0));
  traced("closed", ::mq_send(queue, "x", 1, 0));
  trace_round("spared", twin, twin);
  traced("close_range", ::close_range(STDERR_FILENO + 1, ~0U, 0));
  traced("closed", ::mq_send(twin, "x", 1, 0));
  const mqd_t again = open_queue();
  trace_round("again", again, again);
}

POSIX_TEST(descriptions, 19, "closefrom closes queues, and queues opened afterwards work") {
  const mqd_t queue = open_queue();
  const mqd_t twin = ::dup(queue);
  ::mq_send(queue, "kept", 4, 0);
  ::closefrom(STDERR_FILENO + 1);
  traced("closed", ::mq_send(queue, "x", 1, 0));
  traced("closed", ::mq_send(twin, "x", 1, 0));
  const mqd_t again = open_queue();
  trace_receive(again);
  trace_round("again", again, again);
}

POSIX_TEST(descriptions, 20, "a program that closes every number, as daemons do, opens queues as before") {
  open_queue();
  for (int number = STDERR_FILENO + 1; number < 256; ++number) ::close(number);
  const mqd_t again = open_queue();
  trace_round("again", again, again);
}

POSIX_TEST(descriptions, 21, "closed by a thread while another receives: that goes on waiting, and gets the message") {
  const mqd_t queue = open_queue();
  const mqd_t other = ::mq_open(queue_name(), O_WRONLY);
  const pid_t receiver = thread_id();
  std::thread closer([=] {
    wait_until_sleeping(receiver);
    traced("close", ::mq_close(queue));
    wait_until_sleeping(receiver);
    traced("send", ::mq_send(other, "wake up", 7, 0));
  });
  char buffer[16];
  const ssize_t size = ::mq_receive(queue, buffer, sizeof buffer, nullptr);
  closer.join();
  traced("receive", size);
  traced("receive again", ::mq_receive(queue, buffer, sizeof buffer, nullptr));
}

POSIX_TEST(descriptions, 22, "closed by a thread while another sends: that goes on waiting, and its message is sent") {
  const mqd_t queue = open_queue();
  fill(queue);
  const mqd_t other = ::mq_open(queue_name(), O_RDONLY);
  const pid_t sender = thread_id();
  std::thread closer([=] {
    wait_until_sleeping(sender);
    traced("close", ::close(queue));
    wait_until_sleeping(sender);
    trace_receive(other);
  });
  const int result = ::mq_send(queue, "last", 4, 0);
  closer.join();
  traced("send", result);
  for (int count = 0; count < 4; ++count) trace_receive(other);
}

POSIX_TEST(descriptions, 23, "replaced by dup2 while a receiver waits: it still gets what comes to its own queue") {
  const mqd_t queue = open_named("-first");
  const mqd_t other = ::mq_open(queue_name("-first"), O_WRONLY);
  const mqd_t second = open_named("-second");
  const pid_t receiver = thread_id();
  std::thread thread([=] {
    wait_until_sleeping(receiver);
    trace("dup2: %s", ::dup2(second, queue) == queue ? "done" : "failed");
    traced("send to the second", ::mq_send(second, "second", 6, 0));
    wait_until_sleeping(receiver);
    traced("send to the first", ::mq_send(other, "first", 5, 0));
  });
  char buffer[16] = {};
  const ssize_t size = ::mq_receive(queue, buffer, sizeof buffer, nullptr);
  thread.join();
  trace("%zd bytes: %s", size, buffer);
  trace_receive(queue);
}

// ---- exec -----------------------------------------------------------------------------------------------------------

POSIX_TEST(descriptions, 24, "FD_CLOEXEC: set by mq_open whether asked for or not, and cleared in duplicates") {
  const mqd_t queue = open_queue();
  trace("mq_open: %s", over_exec(queue));
  trace("mq_open with O_CLOEXEC: %s", over_exec(::mq_open(queue_name(), O_RDWR | O_CLOEXEC)));
  trace("dup: %s", over_exec(::dup(queue)));
  trace("dup2: %s", over_exec(::dup2(queue, 60)));
  trace("dup3: %s", over_exec(::dup3(queue, 61, 0)));
  trace("dup3 with O_CLOEXEC: %s", over_exec(::dup3(queue, 61, O_CLOEXEC)));
  trace("F_DUPFD: %s", over_exec(::fcntl(queue, F_DUPFD, 60)));
  trace("F_DUPFD_CLOEXEC: %s", over_exec(::fcntl(queue, F_DUPFD_CLOEXEC, 60)));
  traced("F_SETFD", ::fcntl(queue, F_SETFD, 0));
  trace("cleared: %s", over_exec(queue));
  in_child([=] {
    trace("in a child: %s", over_exec(queue));
    return 0;
  });
}

POSIX_TEST(descriptions, 25, "exec closes a descriptor unless FD_CLOEXEC is cleared") {
  in_new_image("try_both_ways", open_queue());
}

POSIX_TEST(descriptions, 26, "FD_CLOEXEC cleared: send and receive go on in the new image") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "old image", 9, 2);
  ::fcntl(queue, F_SETFD, 0);
  in_new_image("use_both_ways", queue);
  trace_receive(queue);
}

POSIX_TEST(descriptions, 27, "O_NONBLOCK and the access mode survive exec") {
  open_queue();
  for (const int access : {O_RDONLY, O_WRONLY, O_RDWR}) {
    const mqd_t queue = ::mq_open(queue_name(), access | O_NONBLOCK);
    ::fcntl(queue, F_SETFD, 0);
    in_new_image("try_both_ways", queue);
  }
}

POSIX_TEST(descriptions, 28, "a duplicate made for exec works in the new image, also after mq_unlink") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "old image", 9, 2);
  const mqd_t twin = ::dup2(queue, 60);
  ::mq_unlink(queue_name());
  in_new_image("use_both_ways", twin);
  trace_receive(queue);
}

POSIX_TEST(descriptions, 29, "O_NONBLOCK set in the new image holds in the old one") {
  const mqd_t queue = open_queue();
  ::fcntl(queue, F_SETFD, 0);
  in_new_image("stop_waiting", queue);
  trace("%s", waiting(queue));
}

POSIX_PART(stop_waiting) { set_waiting_by_attributes(inherited(), false); }

POSIX_TEST(descriptions, 30, "closing in the new image leaves the old one's descriptor") {
  const mqd_t queue = open_queue();
  ::fcntl(queue, F_SETFD, 0);
  in_new_image("close_inherited", queue);
  trace_round("still open", queue, queue);
}

POSIX_TEST(descriptions, 31, "two images later the descriptor still works") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "old image", 9, 2);
  ::fcntl(queue, F_SETFD, 0);
  in_new_image("become_again", queue);
  trace_receive(queue);
}

POSIX_PART(become_again) { ::_exit(become("use_both_ways", inherited())); }

POSIX_TEST(descriptions, 32, "posix_spawn that closes the descriptor in the child leaves the parent's") {
  const mqd_t queue = open_queue();
  ::fcntl(queue, F_SETFD, 0);
  announce(queue);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addclose(&actions, queue);
  char option[] = "--part";
  char part[] = "try_both_ways";
  char* arguments[] = {const_cast<char*>(program()), option, part, nullptr};
  pid_t child = -1;
  const int error = ::posix_spawn(&child, program(), &actions, nullptr, arguments, environ);
  if (error != 0) give_up("cannot spawn: %s", error_name(error));
  traced("child", finish(child));
  ::posix_spawn_file_actions_destroy(&actions);
  trace_round("in the parent", queue, queue);
}

POSIX_TEST(descriptions, 33, "posix_spawn that duplicates the descriptor to 0: the new image uses 0") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "old image", 9, 2);
  announce(STDIN_FILENO);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, queue, STDIN_FILENO);
  char option[] = "--part";
  char part[] = "use_both_ways";
  char* arguments[] = {const_cast<char*>(program()), option, part, nullptr};
  pid_t child = -1;
  const int error = ::posix_spawn(&child, program(), &actions, nullptr, arguments, environ);
  if (error != 0) give_up("cannot spawn: %s", error_name(error));
  traced("child", finish(child));
  ::posix_spawn_file_actions_destroy(&actions);
  trace_receive(queue);
}

POSIX_TEST(descriptions, 34, "vfork, close in the child, exec: the parent's descriptor stays") {
  const mqd_t queue = open_queue();
  ::fcntl(queue, F_SETFD, 0);
  const int spare = ::dup(STDOUT_FILENO);
  announce(queue);
  const char* const path = program();
  const pid_t child = ::vfork();  // what shells and spawners do
  if (child == 0) {
    ::close(queue);
    ::dup2(spare, 60);
    ::execl(path, path, "--part", "try_both_ways", nullptr);
    ::_exit(127);
  }
  traced("child", finish(child));
  trace_round("in the parent", queue, queue);
}

POSIX_TEST(descriptions, 35, "vfork, dup2 over the descriptor in the child, exec: the parent's stays") {
  const mqd_t queue = open_queue();
  const mqd_t twin = ::dup(queue);
  const int spare = ::dup(STDOUT_FILENO);
  announce(60);
  const char* const path = program();
  const pid_t child = ::vfork();  // what shells and spawners do
  if (child == 0) {
    ::dup2(queue, 60);
    ::dup2(spare, queue);
    ::dup2(spare, twin);
    ::execl(path, path, "--part", "close_inherited", nullptr);
    ::_exit(127);
  }
  traced("child", finish(child));
  traced("not in the parent", ::mq_send(60, "x", 1, 0));
  trace_round("in the parent", queue, twin);
}

// ---- SCM_RIGHTS -----------------------------------------------------------------------------------------------------

POSIX_TEST(descriptions, 36, "passed to a process that was there before the queue: it sends and receives") {
  const Sockets sockets;
  const pid_t child = start_child([&] {
    const mqd_t queue = passed(sockets.there);
    trace("%s, %s, %s", access_mode(queue), waiting(queue), over_exec(queue));
    trace_receive(queue);
    traced("send", ::mq_send(queue, "answer", 6, 1));
    return 0;
  });
  const mqd_t queue = open_queue();
  ::mq_send(queue, "question", 8, 5);
  pass(sockets.here, queue);
  finish(child);
  trace_receive(queue);
}

POSIX_TEST(descriptions, 37, "the same after mq_unlink") {
  const Sockets sockets;
  const pid_t child = start_child([&] {
    const mqd_t queue = passed(sockets.there);
    trace_receive(queue);
    traced("send", ::mq_send(queue, "answer", 6, 1));
    return 0;
  });
  const mqd_t queue = open_queue();
  ::mq_unlink(queue_name());
  ::mq_send(queue, "question", 8, 5);
  pass(sockets.here, queue);
  finish(child);
  trace_receive(queue);
}

POSIX_TEST(descriptions, 38, "the sender of an unlinked queue closed it before it was taken: its messages are there") {
  const Sockets sockets;
  const mqd_t queue = open_queue();
  ::mq_send(queue, "on the way", 10, 5);
  ::mq_unlink(queue_name());
  pass(sockets.here, queue);
  ::mq_close(queue);
  const mqd_t twin = passed(sockets.there);
  trace_receive(twin);
  trace_round("again", twin, twin);
}

POSIX_TEST(descriptions, 39, "the sender of an unlinked queue is gone before it is taken: its messages are there") {
  const Sockets sockets;
  in_child([&] {
    const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
    ::mq_send(queue, "on the way", 10, 5);
    ::mq_unlink(queue_name());
    pass(sockets.here, queue);
    return 0;
  });
  const mqd_t queue = passed(sockets.there);
  trace("%s, %s", access_mode(queue), waiting(queue));
  trace_receive(queue);
  trace_round("again", queue, queue);
}

POSIX_TEST(descriptions, 40, "the access mode holds after passing: no receive from a writer, no send to a reader") {
  const Sockets sockets;
  open_queue();
  for (const int access : {O_RDONLY, O_WRONLY}) {
    pass(sockets.here, ::mq_open(queue_name(), access | O_NONBLOCK));
    in_child([&] {
      const mqd_t queue = passed(sockets.there);
      trace("%s", access_mode(queue));
      trace_receive(queue);
      traced("send", ::mq_send(queue, "x", 1, 0));
      return 0;
    });
  }
}

POSIX_TEST(descriptions, 41, "MSG_CMSG_CLOEXEC marks what comes; closing it leaves what was passed") {
  const Sockets sockets;
  const mqd_t queue = open_queue();
  pass(sockets.here, queue);
  const mqd_t twin = passed(sockets.there, MSG_CMSG_CLOEXEC);
  trace("%s", over_exec(twin));
  trace_round("through both", twin, queue);
  ::close(twin);
  trace_round("through one", queue, queue);
}

POSIX_TEST(descriptions, 42, "recvmmsg takes descriptors of two queues") {
  const Sockets sockets;
  const mqd_t first = open_named("-first");
  const mqd_t second = open_named("-second");
  ::mq_send(first, "first", 5, 0);
  ::mq_send(second, "second", 6, 0);
  pass(sockets.here, first);
  pass(sockets.here, second);
  ::close(first);
  ::close(second);
  Envelope envelopes[2];
  mmsghdr headers[2] = {};
  for (int index = 0; index < 2; ++index) headers[index].msg_hdr = envelopes[index].header;
  traced("recvmmsg", ::recvmmsg(sockets.there, headers, 2, 0, nullptr));
  trace_receive(envelopes[0].descriptor());
  trace_receive(envelopes[1].descriptor());
}

POSIX_TEST(descriptions, 43, "a received descriptor takes the number of a closed queue: it is the new one") {
  const Sockets sockets;
  const mqd_t passed_on = open_named("-first");
  const mqd_t closed = open_named("-second");
  ::mq_send(passed_on, "first", 5, 0);
  pass(sockets.here, passed_on);
  ::close(closed);
  const mqd_t taken = passed(sockets.there);
  trace("same number: %s", taken == closed ? "yes" : "no");
  trace_receive(taken);
}

POSIX_TEST(descriptions, 44, "received, then used after exec") {
  const Sockets sockets;
  const mqd_t queue = open_queue();
  ::mq_send(queue, "on the way", 10, 0);
  pass(sockets.here, queue);
  const mqd_t twin = passed(sockets.there);
  in_new_image("use_both_ways", twin);
  trace_receive(queue);
}

POSIX_TEST(descriptions, 45, "passed before any process used the queue: the receiver's first call works") {
  const Sockets sockets;
  pass(sockets.here, open_queue(O_RDWR | O_NONBLOCK));
  in_child([&] {
    trace_receive(passed(sockets.there));
    return 0;
  });
}

POSIX_TEST(descriptions, 46, "a descriptor that came over a socket is polled before any other call on it") {
  const Sockets sockets;
  const pid_t child = start_child([&] {
    const mqd_t queue = passed(sockets.there);
    pollfd entry{.fd = queue, .events = POLLIN | POLLOUT, .revents = 0};
    ::poll(&entry, 1, 0);
    trace("empty: %s", entry.revents == POLLOUT ? "writable" : "something else");
    entry.events = POLLIN;
    traced("poll", ::poll(&entry, 1, -1));
    trace_receive(queue);
    traced("poll", ::poll(&entry, 1, 0));
    return 0;
  });
  const mqd_t queue = open_queue();
  pass(sockets.here, queue);
  wait_until_sleeping(child);
  ::mq_send(queue, "m", 1, 0);
  traced("child", finish(child));
}

POSIX_TEST(descriptions, 47,
           "an epoll instance that came over a socket tells a process without a descriptor of the queue") {
  const Sockets sockets;
  const pid_t child = start_child([&] {
    const int epoll = passed(sockets.there);
    epoll_event event{};
    traced("empty", ::epoll_wait(epoll, &event, 1, 0));
    traced("told", ::epoll_wait(epoll, &event, 1, -1));
    return 0;
  });
  const mqd_t queue = open_queue();
  const int epoll = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event);
  pass(sockets.here, epoll);
  wait_until_sleeping(child);
  ::mq_send(queue, "m", 1, 0);
  traced("child", finish(child));
}

POSIX_TEST(descriptions, 48, "a descriptor that came over a socket is put into epoll before any other call on it") {
  const Sockets sockets;
  const pid_t child = start_child([&] {
    const mqd_t queue = passed(sockets.there);
    const int epoll = ::epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    traced("EPOLL_CTL_ADD", ::epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
    traced("epoll_wait", ::epoll_wait(epoll, &event, 1, -1));
    trace_receive(queue);
    traced("epoll_wait", ::epoll_wait(epoll, &event, 1, 0));
    return 0;
  });
  const mqd_t queue = open_queue();
  pass(sockets.here, queue);
  wait_until_sleeping(child);
  ::mq_send(queue, "m", 1, 0);
  traced("child", finish(child));
}

POSIX_DIFFERENCE(descriptions, 49,
                 "passed to a user who could not open the queue (as root; else to oneself): it works") {
  const Sockets sockets;
  const pid_t stranger = start_child([&] {
    become_user(54322);
    const mqd_t queue = passed(sockets.there);
    trace_receive(queue);
    traced("send", ::mq_send(queue, "answer", 6, 1));
    return 0;
  });
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16, 0600);
  ::mq_send(queue, "question", 8, 5);
  pass(sockets.here, queue);
  traced("stranger", finish(stranger));
  trace_receive(queue);
}

// ---- The last descriptor --------------------------------------------------------------------------------------------

POSIX_TEST(descriptions, 50, "an unlinked queue lives until its last descriptor in any process is closed") {
  const mqd_t queue = open_queue();
  const int go = ::eventfd(0, 0);
  const pid_t child = start_child([=] {
    eventfd_t count = 0;
    ::eventfd_read(go, &count);
    trace_receive(queue);
    trace_round("in the child", queue, queue);
    return 0;
  });
  ::mq_send(queue, "kept", 4, 0);
  ::mq_unlink(queue_name());
  ::mq_close(queue);
  const mqd_t next = open_queue();
  traced("depth of its successor", depth(next));
  ::eventfd_write(go, 1);
  finish(child);
  traced("depth of its successor", depth(next));
}

POSIX_TEST(descriptions, 51, "the last close of an unlinked queue frees its bytes, whoever closes") {
  int failures = 0;  // of ten times as many queues as may exist at once
  for (int count = 0; count < 100; ++count) {
    const mqd_t queue = open_queue(O_RDWR, 10, 8192);  // a user may have nine
    ::mq_unlink(queue_name());
    if (::mq_send(queue, "x", 1, 0) != 0) ++failures;
    if (count % 10 != 0) {
      ::mq_close(queue);
      continue;
    }
    const pid_t child = start_child([=] { return depth(queue) == 1 ? 0 : 1; });
    ::mq_close(queue);
    if (finish(child) != 0) ++failures;
  }
  traced("failures", failures);
}

POSIX_TEST(descriptions, 52, "fstat of a descriptor: mode, and the same file for every descriptor of the queue") {
  const mqd_t queue = open_queue(O_RDWR, 4, 16, 0640);
  const mqd_t second = ::mq_open(queue_name(), O_RDONLY);
  struct stat first_status {};
  struct stat second_status {};
  traced("fstat", ::fstat(queue, &first_status));
  traced("fstat", ::fstat(second, &second_status));
  trace("mode %o, same file: %s", first_status.st_mode & 07777U,
        first_status.st_dev == second_status.st_dev && first_status.st_ino == second_status.st_ino ? "yes" : "no");
}

// ---- Behind libc's back ---------------------------------------------------------------------------------------------

POSIX_TEST(descriptions, 53, "duplicated by a raw system call: the duplicate works, and outlives its original") {
  const mqd_t queue = open_queue();
  const auto twin = static_cast<mqd_t>(::syscall(SYS_dup, queue));
  trace_round("to and fro", queue, twin);
  ::mq_close(queue);
  trace_round("left", twin, twin);
}

// The library learns of a close from libc's close: asking the kernel would cost each send a system call.
POSIX_DIFFERENCE(descriptions, 54, "closed by a raw system call, or by fclose of a stream on it: EBADF from then on") {
  for (const bool raw : {true, false}) {
    const mqd_t queue = open_queue();
    const mqd_t witness = ::mq_open(queue_name(), O_RDONLY);
    trace_round("open", queue, queue);
    if (raw) ::syscall(SYS_close, queue);
    if (!raw) std::fclose(::fdopen(queue, "r"));
    traced("send", ::mq_send(queue, "x", 1, 0));
    traced("depth", depth(witness));
    ::mq_unlink(queue_name());
  }
}
