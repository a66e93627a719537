#include "posix/system.hpp"

#include <atomic>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mqxx::posix::system {
namespace {

/// One function, looked up at its first use: constructors of other libraries may call before ours ran.
template <class Function>
class Next {
 public:
  explicit constexpr Next(const char* name) noexcept : name_(name) {}

  Function* get() noexcept {
    void* found = found_.load(std::memory_order_relaxed);
    if (found == nullptr) [[unlikely]] {
      found = dlsym(RTLD_NEXT, name_);
      found_.store(found, std::memory_order_relaxed);
    }
    return reinterpret_cast<Function*>(found);
  }

 private:
  const char* name_;
  std::atomic<void*> found_{nullptr};
};

// The types are those of system.hpp: the C library's carry attributes that a template argument cannot.
constinit Next<decltype(close)> g_close("close");
constinit Next<decltype(dup)> g_dup("dup");
constinit Next<decltype(dup2)> g_dup2("dup2");
constinit Next<decltype(dup3)> g_dup3("dup3");
constinit Next<decltype(fchmod)> g_fchmod("fchmod");
constinit Next<decltype(fchown)> g_fchown("fchown");
constinit Next<decltype(fcntl)> g_fcntl("fcntl");
constinit Next<decltype(poll)> g_poll("poll");
constinit Next<decltype(ppoll)> g_ppoll("ppoll");
constinit Next<decltype(select)> g_select("select");
constinit Next<decltype(pselect)> g_pselect("pselect");
constinit Next<decltype(epoll_ctl)> g_epoll_ctl("epoll_ctl");
constinit Next<decltype(epoll_pwait)> g_epoll_pwait("epoll_pwait");
constinit Next<decltype(epoll_pwait2)> g_epoll_pwait2("epoll_pwait2");
constinit Next<decltype(recvmsg)> g_recvmsg("recvmsg");
constinit Next<decltype(read)> g_read("read");
constinit Next<decltype(write)> g_write("write");
constinit Next<decltype(pread)> g_pread("pread64");
constinit Next<decltype(chroot)> g_chroot("chroot");
constinit Next<decltype(unshare)> g_unshare("unshare");
constinit Next<decltype(setns)> g_setns("setns");
constinit Next<decltype(recvmmsg)> g_recvmmsg("recvmmsg");
constinit Next<decltype(sigaction)> g_sigaction("sigaction");
constinit Next<decltype(signal)> g_signal("signal");
constinit Next<decltype(sysv_signal)> g_sysv_signal("__sysv_signal");
constinit Next<decltype(sigset)> g_sigset("sigset");
constinit Next<decltype(setuid)> g_setuid("setuid");
constinit Next<decltype(seteuid)> g_seteuid("seteuid");
constinit Next<decltype(setreuid)> g_setreuid("setreuid");
constinit Next<decltype(setresuid)> g_setresuid("setresuid");
constinit Next<decltype(setgid)> g_setgid("setgid");
constinit Next<decltype(setegid)> g_setegid("setegid");
constinit Next<decltype(setregid)> g_setregid("setregid");
constinit Next<decltype(setresgid)> g_setresgid("setresgid");
constinit Next<decltype(setgroups)> g_setgroups("setgroups");

}  // namespace

void resolve() {
  (void)g_close.get();
  (void)g_dup.get();
  (void)g_dup2.get();
  (void)g_dup3.get();
  (void)g_fchmod.get();
  (void)g_fchown.get();
  (void)g_fcntl.get();
  (void)g_poll.get();
  (void)g_ppoll.get();
  (void)g_select.get();
  (void)g_pselect.get();
  (void)g_epoll_ctl.get();
  (void)g_epoll_pwait.get();
  (void)g_epoll_pwait2.get();
  (void)g_recvmsg.get();
  (void)g_recvmmsg.get();
  (void)g_signal.get();
  (void)g_sysv_signal.get();
  (void)g_sigset.get();
  (void)g_sigaction.get();
  (void)g_setuid.get();
  (void)g_seteuid.get();
  (void)g_setreuid.get();
  (void)g_setresuid.get();
  (void)g_setgid.get();
  (void)g_setegid.get();
  (void)g_setregid.get();
  (void)g_setresgid.get();
  (void)g_setgroups.get();
  (void)g_read.get();
  (void)g_write.get();
  (void)g_pread.get();
  (void)g_chroot.get();
  (void)g_unshare.get();
  (void)g_setns.get();
}

ssize_t read(int fd, void* into, std::size_t size) { return g_read.get()(fd, into, size); }
ssize_t write(int fd, const void* from, std::size_t size) { return g_write.get()(fd, from, size); }
ssize_t pread(int fd, void* into, std::size_t size, off_t at) { return g_pread.get()(fd, into, size, at); }
int chroot(const char* path) { return g_chroot.get()(path); }
int unshare(int flags) { return g_unshare.get()(flags); }
int setns(int fd, int kind) { return g_setns.get()(fd, kind); }
int close(int fd) { return g_close.get()(fd); }
// By number: C libraries before 2.34 do not have it.
int close_range(unsigned first, unsigned last, int flags) {
  return static_cast<int>(syscall(SYS_close_range, first, last, flags));
}
int dup(int fd) { return g_dup.get()(fd); }
int dup2(int from, int to) { return g_dup2.get()(from, to); }
int dup3(int from, int to, int flags) { return g_dup3.get()(from, to, flags); }
int fchmod(int fd, mode_t mode) { return g_fchmod.get()(fd, mode); }
int fchown(int fd, uid_t owner, gid_t group) { return g_fchown.get()(fd, owner, group); }
int fcntl(int fd, int command, std::intptr_t argument) { return g_fcntl.get()(fd, command, argument); }
int poll(pollfd* descriptors, nfds_t count, int timeout) { return g_poll.get()(descriptors, count, timeout); }
int ppoll(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return g_ppoll.get()(descriptors, count, timeout, mask);
}
int select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, timeval* timeout) {
  return g_select.get()(count, readable, writable, exceptional, timeout);
}
// The parameters are POSIX's.
// NOLINTNEXTLINE(readability-function-size)
int pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, const timespec* timeout,
            const sigset_t* mask) {
  return g_pselect.get()(count, readable, writable, exceptional, timeout, mask);
}
int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  return g_epoll_ctl.get()(epoll, operation, fd, event);
}
int epoll_pwait(int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask) {
  return g_epoll_pwait.get()(epoll, events, most, timeout, mask);
}
int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout, const sigset_t* mask) {
  return g_epoll_pwait2.get()(epoll, events, most, timeout, mask);
}
ssize_t recvmsg(int socket, msghdr* message, int flags) { return g_recvmsg.get()(socket, message, flags); }
int recvmmsg(int socket, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  return g_recvmmsg.get()(socket, messages, count, flags, timeout);
}

sighandler_t signal(int signal, sighandler_t handler) { return g_signal.get()(signal, handler); }
sighandler_t sysv_signal(int signal, sighandler_t handler) { return g_sysv_signal.get()(signal, handler); }
sighandler_t sigset(int signal, sighandler_t handler) { return g_sigset.get()(signal, handler); }
int sigaction(int signal, const struct sigaction* action, struct sigaction* before) {
  return g_sigaction.get()(signal, action, before);
}

int setuid(uid_t user) { return g_setuid.get()(user); }
int seteuid(uid_t user) { return g_seteuid.get()(user); }
int setreuid(uid_t real, uid_t effective) { return g_setreuid.get()(real, effective); }
int setresuid(uid_t real, uid_t effective, uid_t saved) { return g_setresuid.get()(real, effective, saved); }
int setgid(gid_t group) { return g_setgid.get()(group); }
int setegid(gid_t group) { return g_setegid.get()(group); }
int setregid(gid_t real, gid_t effective) { return g_setregid.get()(real, effective); }
int setresgid(gid_t real, gid_t effective, gid_t saved) { return g_setresgid.get()(real, effective, saved); }
int setgroups(std::size_t count, const gid_t* groups) { return g_setgroups.get()(count, groups); }

}  // namespace mqxx::posix::system
