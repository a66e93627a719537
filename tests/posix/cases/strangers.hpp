// Numbers that are no queue, and users who are not root: what most calls are tried with.
#pragma once

#include <cerrno>
#include <functional>

#include <fcntl.h>
#include <grp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.hpp"

namespace mqxx::cases {

/// Calls `call` with each number that is no queue and traces what it returns: -1, one above every limit, one that was
/// a queue and is closed, both ends of a pipe, a socket, a file, a directory, an epoll instance.
inline void each_stranger(const std::function<long(mqd_t)>& call) {
  int pipe_ends[2];
  int sockets[2];
  if (::pipe(pipe_ends) != 0 || ::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) give_up("cannot make strangers");
  const int file = ::open(program(), O_RDONLY);
  const int directory = ::open("/", O_RDONLY | O_DIRECTORY);
  const int poller = ::epoll_create1(0);
  const mqd_t closed = open_named("-closed");
  ::mq_close(closed);
  const struct {
    const char* what;
    int number;
  } strangers[] = {{"-1", -1},
                   {"99999", 99999},
                   {"closed", closed},
                   {"read end of a pipe", pipe_ends[0]},
                   {"write end of a pipe", pipe_ends[1]},
                   {"socket", sockets[0]},
                   {"file", file},
                   {"directory", directory},
                   {"epoll", poller}};
  for (const auto& stranger : strangers) {
    errno = 0;
    traced(stranger.what, call(stranger.number));
  }
  for (const int number : {pipe_ends[0], pipe_ends[1], sockets[0], sockets[1], file, directory, poller}) {
    ::close(number);
  }
}

/// From here on an ordinary user, if it was root; every user id has bytes of its own in the kernel's accounts.
inline void become_user(unsigned id, unsigned group) {
  if (::geteuid() != 0) return;
  if (::setgroups(0, nullptr) != 0 || ::setgid(group) != 0 || ::setuid(id) != 0) give_up("cannot become another user");
}

inline void become_user(unsigned id) { become_user(id, id); }

/// Runs `body` in a child that is an ordinary user.
inline void as_ordinary_user(const std::function<void()>& body) {
  constexpr unsigned kNobody = 65534;
  const int status = in_child([&] {
    become_user(kNobody);
    body();
    return 0;
  });
  if (status != 0) trace("the ordinary user ended with %d", status);
}

inline mq_attr attributes_of(long capacity, long size) {
  mq_attr attributes{};
  attributes.mq_maxmsg = capacity;
  attributes.mq_msgsize = size;
  return attributes;
}

inline void trace_attributes(const char* what, mqd_t queue) {
  mq_attr attributes{};
  if (::mq_getattr(queue, &attributes) != 0) return trace("%s -> %s", what, error_name(errno));
  trace("%s: flags %s%s, capacity %ld, size %ld, depth %ld", what,
        (attributes.mq_flags & O_NONBLOCK) != 0 ? "nonblocking" : "none",
        (attributes.mq_flags & ~O_NONBLOCK) != 0 ? " and others" : "", attributes.mq_maxmsg, attributes.mq_msgsize,
        attributes.mq_curmsgs);
}

/// "errno after NAME: untouched", with what a successful call left in errno. REQUIRES: errno = kStale before the call.
inline constexpr int kStale = 4711;
inline void trace_errno(const char* what, long value) {
  const int error = errno;
  trace("%s -> %s, errno %s", what, value < 0 ? error_name(error) : "success",
        error == kStale ? "untouched" : "touched");
}

}  // namespace mqxx::cases
