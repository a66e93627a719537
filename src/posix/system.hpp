// The C library's functions that this library stands in front of: found behind us, in the order of loading.
#pragma once

#include <cstddef>
#include <cstdint>

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

namespace mqxx::posix::system {

/// Looks them all up, so that none is looked up in a signal handler.
void resolve();

ssize_t read(int fd, void* into, std::size_t size);
ssize_t write(int fd, const void* from, std::size_t size);
ssize_t pread(int fd, void* into, std::size_t size, off_t at);
int chroot(const char* path);
int unshare(int flags);
int setns(int fd, int kind);
int close(int fd);
int close_range(unsigned first, unsigned last, int flags);
int dup(int fd);
int dup2(int from, int to);
int dup3(int from, int to, int flags);
int fchmod(int fd, mode_t mode);
int fchown(int fd, uid_t owner, gid_t group);
/// Of all the types that the argument may have this is the widest.
int fcntl(int fd, int command, std::intptr_t argument);
int poll(pollfd* descriptors, nfds_t count, int timeout);
int ppoll(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask);
int select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, timeval* timeout);
int pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, const timespec* timeout,
            const sigset_t* mask);
int epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int epoll_pwait(int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask);
int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout, const sigset_t* mask);
ssize_t recvmsg(int socket, msghdr* message, int flags);
int recvmmsg(int socket, mmsghdr* messages, unsigned count, int flags, timespec* timeout);

sighandler_t signal(int signal, sighandler_t handler);
sighandler_t sysv_signal(int signal, sighandler_t handler);
sighandler_t sigset(int signal, sighandler_t handler);
int sigaction(int signal, const struct sigaction* action, struct sigaction* before);

int setuid(uid_t user);
int seteuid(uid_t user);
int setreuid(uid_t real, uid_t effective);
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setgid(gid_t group);
int setegid(gid_t group);
int setregid(gid_t real, gid_t effective);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int setgroups(std::size_t count, const gid_t* groups);

}  // namespace mqxx::posix::system
