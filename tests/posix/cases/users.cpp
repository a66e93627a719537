// Other users: what modes let them do, whose a new queue is, and calls that reach across. Only root can become others,
// so for anybody else the cases say "skipped".

#include <cerrno>
#include <csignal>

#include <grp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.hpp"

namespace {

struct User {
  uid_t user;
  gid_t group;
  gid_t supplementary = static_cast<gid_t>(-1);  // none
};
constexpr gid_t kClub = 54000;
constexpr User kOwner{54321, 54321};
constexpr User kStranger{54322, 54322};
constexpr User kMember{54323, 54323, kClub};

bool skipped() {
  if (::geteuid() == 0) return false;
  trace("skipped");
  return true;
}

void become(const User& user) {
  const bool has_club = user.supplementary != static_cast<gid_t>(-1);
  if (::setgroups(has_club ? 1 : 0, &user.supplementary) != 0 || ::setresgid(user.group, user.group, user.group) != 0 ||
      ::setresuid(user.user, user.user, user.user) != 0) {
    give_up("cannot become another user: %s", error_name(errno));
  }
}

template <class Body>
pid_t start_as(const User& user, Body body) {
  return start_child([=] {
    become(user);
    return body();
  });
}

template <class Body>
void as(const User& user, Body body) {
  const int status = finish(start_as(user, [=] {
    body();
    return 0;
  }));
  if (status != 0) trace("ended with %d", status);
}

/// A new queue with exactly that mode.
mqd_t open_exactly(int flags, mode_t mode, long capacity = 4) {
  ::umask(0);
  return open_queue(flags, capacity, 16, mode);
}

/// A queue of that user with that mode; the descriptor stays with the user.
void create_as(const User& user, mode_t mode) {
  as(user, [=] { ::mq_close(open_exactly(O_RDWR, mode)); });
}

void trace_access(const char* who) {
  constexpr struct {
    const char* what;
    int flags;
  } kModes[] = {{"read", O_RDONLY}, {"write", O_WRONLY}, {"both", O_RDWR}};
  for (const auto& [what, flags] : kModes) {
    const mqd_t queue = ::mq_open(queue_name(), flags | O_NONBLOCK);
    trace("  %s, %s: %s", who, what, queue == -1 ? error_name(errno) : "opened");
    if (queue != -1) ::mq_close(queue);
  }
}

void send_one(mqd_t queue) {
  if (::mq_send(queue, "m", 1, 0) != 0) give_up("cannot send: %s", error_name(errno));
}

void take_one(mqd_t queue) {
  char buffer[16];
  if (::mq_receive(queue, buffer, sizeof buffer, nullptr) < 0) give_up("cannot receive: %s", error_name(errno));
}

sigevent by_signal() {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  event.sigev_value.sival_int = 4242;
  return event;
}

}  // namespace

// ---- Access ---------------------------------------------------------------------------------------------------------

POSIX_TEST(users, 1, "every mode, for the owner, a member of the group and a stranger") {
  if (skipped()) return;
  for (const mode_t mode : {0600U, 0640U, 0604U, 0200U, 0400U, 0622U, 0000U, 0060U, 0006U, 0666U, 0477U}) {
    trace("%04o", mode);
    create_as({kOwner.user, kClub}, mode);
    as({kOwner.user, kClub}, [] { trace_access("owner"); });
    as(kMember, [] { trace_access("member"); });
    as(kStranger, [] { trace_access("stranger"); });
    ::mq_unlink(queue_name());
  }
}

POSIX_TEST(users, 2, "root opens what the mode denies to everybody") {
  if (skipped()) return;
  create_as(kOwner, 0000);
  trace_access("root");
}

POSIX_TEST(users, 3, "the descriptor that created a queue may do what its mode denies") {
  if (skipped()) return;
  as(kOwner, [] {
    const mqd_t queue = open_queue(O_RDWR, 4, 16, 0000);
    traced("send", ::mq_send(queue, "m", 1, 0));
    trace_receive(queue);
    trace_access("owner");
  });
}

POSIX_TEST(users, 4, "O_CREAT on an existing queue without rights is EACCES, with O_EXCL it is EEXIST") {
  if (skipped()) return;
  create_as(kOwner, 0600);
  as(kStranger, [] {
    mq_attr attributes{};
    attributes.mq_maxmsg = 1;
    attributes.mq_msgsize = 1;
    traced_descriptor("O_CREAT", ::mq_open(queue_name(), O_CREAT | O_RDWR, 0666, &attributes));
    traced_descriptor("O_EXCL", ::mq_open(queue_name(), O_CREAT | O_EXCL | O_RDWR, 0666, &attributes));
  });
}

POSIX_TEST(users, 5, "O_CREAT on an existing queue with rights opens it for a stranger") {
  if (skipped()) return;
  create_as(kOwner, 0666);
  as(kStranger, [] {
    const mqd_t queue = traced_descriptor("O_CREAT", ::mq_open(queue_name(), O_CREAT | O_RDWR, 0600, nullptr));
    traced("send", ::mq_send(queue, "m", 1, 0));
    trace_receive(queue);
  });
}

POSIX_TEST(users, 6, "the umask of the creator takes rights away") {
  if (skipped()) return;
  as({kOwner.user, kClub}, [] {
    ::umask(027);
    const mqd_t queue = open_queue(O_RDWR, 4, 16, 0666);
    struct stat status {};
    ::fstat(queue, &status);
    trace("mode %o", status.st_mode & 07777U);
  });
  as(kMember, [] { trace_access("member"); });
  as(kStranger, [] { trace_access("stranger"); });
}

POSIX_TEST(users, 7, "a new queue belongs to the effective user and group") {
  if (skipped()) return;
  in_child([] {
    if (::setegid(kClub) != 0 || ::seteuid(kOwner.user) != 0) give_up("cannot become another user");
    return ::mq_close(open_queue(O_RDWR, 4, 16, 0644));
  });
  as(kStranger, [] {
    const mqd_t queue = ::mq_open(queue_name(), O_RDONLY);
    struct stat status {};
    traced("fstat", ::fstat(queue, &status));
    trace("owner: %s, group: %s", status.st_uid == kOwner.user ? "right" : "wrong",
          status.st_gid == kClub ? "right" : "wrong");
  });
}

POSIX_TEST(users, 8, "access is checked for the effective user, and only by mq_open") {
  if (skipped()) return;
  const mqd_t queue = open_queue();
  send_one(queue);
  in_child([=] {
    if (::setresuid(kStranger.user, kStranger.user, 0) != 0) give_up("cannot become another user");
    trace_access("stranger");
    trace_receive(queue);
    traced("send", ::mq_send(queue, "m", 1, 0));
    if (::setresuid(kStranger.user, 0, 0) != 0) give_up("cannot become root again");
    trace_access("effectively root");
    return 0;
  });
}

POSIX_TEST(users, 9, "fchmod on a descriptor changes who may open, and not what is open") {
  if (skipped()) return;
  create_as(kOwner, 0600);
  const mqd_t queue = ::mq_open(queue_name(), O_RDWR);
  traced("fchmod", ::fchmod(queue, 0606));
  as(kStranger, [] { trace_access("stranger"); });
  traced("fchmod", ::fchmod(queue, 0));
  as(kStranger, [] { trace_access("stranger"); });
  traced("send", ::mq_send(queue, "m", 1, 0));
}

// ---- Removal --------------------------------------------------------------------------------------------------------

POSIX_TEST(users, 10, "mq_unlink by a stranger is EACCES whatever the mode, by the owner and by root it is done") {
  if (skipped()) return;
  for (const mode_t mode : {0600U, 0666U, 0777U}) {
    create_as(kOwner, mode);
    as(kStranger, [] { traced("stranger", ::mq_unlink(queue_name())); });
    as(kOwner, [] { traced("owner", ::mq_unlink(queue_name())); });
  }
  create_as(kOwner, 0);
  traced("root", ::mq_unlink(queue_name()));
  traced("again", ::mq_unlink(queue_name()));
}

POSIX_TEST(users, 11, "a stranger cannot remove root's queue, and ENOENT is ENOENT for him too") {
  if (skipped()) return;
  open_exactly(O_RDWR, 0666);
  as(kStranger, [] {
    traced("root's", ::mq_unlink(queue_name()));
    traced("none", ::mq_unlink(queue_name("-none")));
  });
}

POSIX_TEST(users, 12, "the same name after removal belongs to its new creator") {
  if (skipped()) return;
  create_as(kOwner, 0600);
  as(kOwner, [] { ::mq_unlink(queue_name()); });
  create_as(kStranger, 0600);
  as(kOwner, [] { trace_access("former owner"); });
  as(kStranger, [] { trace_access("new owner"); });
}

// ---- Calls that reach across ----------------------------------------------------------------------------------------

POSIX_TEST(users, 13, "one who may only receive takes every message, and lets waiting senders go") {
  if (skipped()) return;
  const mqd_t queue = open_exactly(O_RDWR, 0604, 2);
  fill(queue);
  const pid_t sender = start_child([=] {
    send_one(queue);
    return 0;
  });
  wait_until_sleeping(sender);
  as(kStranger, [] {
    const mqd_t mine = ::mq_open(queue_name(), O_RDONLY);
    for (int count = 0; count < 3; ++count) trace_receive(mine);
    traced("send", ::mq_send(mine, "m", 1, 0));
    traced("depth", depth(mine));
  });
  traced("sender", finish(sender));
}

POSIX_TEST(users, 14, "one who may only send wakes those who wait, in mq_receive and in poll") {
  if (skipped()) return;
  const mqd_t queue = open_exactly(O_RDWR, 0602, 2);
  const pid_t receiver = start_child([=] {
    trace_receive(queue);
    pollfd entry{.fd = queue, .events = POLLIN, .revents = 0};
    traced("poll", ::poll(&entry, 1, -1));
    trace_receive(queue);
    return 0;
  });
  as(kStranger, [=] {
    const mqd_t mine = ::mq_open(queue_name(), O_WRONLY);
    trace_receive(mine);
    for (int count = 0; count < 2; ++count) {
      wait_until_sleeping(receiver);
      send_one(mine);
    }
  });
  finish(receiver);
}

POSIX_TEST(users, 15, "one who may only receive polls, and is woken") {
  if (skipped()) return;
  const mqd_t queue = open_exactly(O_RDWR, 0604, 2);
  const pid_t reader = start_as(kStranger, [] {
    const mqd_t mine = ::mq_open(queue_name(), O_RDONLY);
    pollfd entry{.fd = mine, .events = POLLIN | POLLOUT, .revents = 0};
    ::poll(&entry, 1, 0);
    trace("empty: %s", entry.revents == POLLOUT ? "writable" : "something else");
    entry.events = POLLIN;
    traced("poll", ::poll(&entry, 1, -1));
    trace_receive(mine);
    traced("poll", ::poll(&entry, 1, 0));
    return 0;
  });
  wait_until_sleeping(reader);
  send_one(queue);
  traced("reader", finish(reader));
}

POSIX_TEST(users, 16, "a notification from another user's send: SI_MESGQ, that user's pid and uid, the value") {
  if (skipped()) return;
  const int registered = ::eventfd(0, 0);
  const int sent = ::eventfd(0, 0);
  create_as(kOwner, 0666);
  const pid_t sender = start_as(kStranger, [=] {
    const mqd_t queue = ::mq_open(queue_name(), O_WRONLY);
    eventfd_t count = 0;
    ::eventfd_read(registered, &count);
    send_one(queue);
    ::eventfd_write(sent, 1);
    return 0;
  });
  as(kOwner, [=] {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    const sigevent event = by_signal();
    const mqd_t queue = ::mq_open(queue_name(), O_RDONLY);
    traced("notify", ::mq_notify(queue, &event));
    ::eventfd_write(registered, 1);
    siginfo_t info{};
    ::sigwaitinfo(&set, &info);
    trace("code %s, value %d, sender's pid: %s, its uid: %s", info.si_code == SI_MESGQ ? "SI_MESGQ" : "another",
          info.si_value.sival_int, info.si_pid == sender ? "yes" : "no", info.si_uid == kStranger.user ? "yes" : "no");
    eventfd_t count = 0;
    ::eventfd_read(sent, &count);
    traced("free again", ::mq_notify(queue, &event));
  });
  traced("sender", finish(sender));
}

POSIX_TEST(users, 17, "one who may send no signals to root's processes tells them by mq_send all the same, 50 times") {
  if (skipped()) return;
  const mqd_t queue = open_exactly(O_RDWR, 0666);
  const mqd_t go = open_named("-go", O_RDWR, 4, 16, 0666);
  const pid_t sender = start_as(kStranger, [=] {
    const mqd_t mine = ::mq_open(queue_name(), O_WRONLY);
    for (int round = 0; round < 50; ++round) {
      take_one(go);
      send_one(mine);
    }
    return ::kill(::getppid(), SIGUSR1) == -1 && errno == EPERM ? 0 : 2;
  });
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const sigevent event = by_signal();
  int told = 0;
  for (int round = 0; round < 50; ++round) {
    if (::mq_notify(queue, &event) != 0) break;
    send_one(go);
    siginfo_t info{};
    ::sigwaitinfo(&set, &info);
    if (info.si_code == SI_MESGQ && info.si_pid == sender && info.si_uid == kStranger.user) ++told;
    take_one(queue);
  }
  traced("sender", finish(sender));
  traced("told", told);
}

POSIX_TEST(users, 18,
           "EBUSY across users; NULL by another user changes nothing; the slot is free when its owner is killed") {
  if (skipped()) return;
  create_as(kOwner, 0666);
  const Meeting meeting;
  const pid_t owner = start_as(kOwner, [=]() -> int {
    const sigevent event = by_signal();
    const mqd_t queue = ::mq_open(queue_name(), O_RDONLY);
    traced("owner", ::mq_notify(queue, &event));
    meeting.stay();
  });
  meeting.wait();
  const auto try_it = [] {
    const sigevent event = by_signal();
    const mqd_t queue = ::mq_open(queue_name(), O_RDONLY);
    traced("NULL", ::mq_notify(queue, nullptr));
    traced("stranger", ::mq_notify(queue, &event));
  };
  as(kStranger, try_it);
  ::kill(owner, SIGKILL);
  finish(owner);
  as(kStranger, try_it);
}

POSIX_TEST(users, 19, "SIGEV_THREAD started by another user's send") {
  if (skipped()) return;
  static int called;
  called = ::eventfd(0, 0);
  const int registered = ::eventfd(0, 0);
  create_as(kOwner, 0666);
  const pid_t owner = start_as(kOwner, [=] {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = [](sigval) { ::eventfd_write(called, 1); };
    traced("notify", ::mq_notify(::mq_open(queue_name(), O_RDONLY), &event));
    ::eventfd_write(registered, 1);
    eventfd_t count = 0;
    ::eventfd_read(called, &count);
    trace("called");
    return 0;
  });
  as(kStranger, [=] {
    eventfd_t count = 0;
    ::eventfd_read(registered, &count);
    send_one(::mq_open(queue_name(), O_WRONLY));
  });
  traced("owner", finish(owner));
}

POSIX_TEST(users, 20, "a stranger killed while he sends and receives does not harm the others, 20 times") {
  if (skipped()) return;
  const mqd_t queue = open_exactly(O_RDWR | O_NONBLOCK, 0666);
  int wrong = 0;
  for (int round = 0; round < 20; ++round) {
    const int running = ::eventfd(0, 0);
    const pid_t stranger = start_as(kStranger, [=] {
      const mqd_t mine = ::mq_open(queue_name(), O_RDWR | O_NONBLOCK);
      ::eventfd_write(running, 1);
      char buffer[16];
      for (;;) {
        ::mq_send(mine, "s", 1, 0);
        ::mq_receive(mine, buffer, sizeof buffer, nullptr);
      }
      return 0;
    });
    eventfd_t count = 0;
    ::eventfd_read(running, &count);
    ::usleep(static_cast<useconds_t>(100 + 37 * round));
    ::kill(stranger, SIGKILL);
    finish(stranger);
    ::close(running);
    char buffer[16];
    while (::mq_receive(queue, buffer, sizeof buffer, nullptr) >= 0) {
    }
    wrong += errno == EAGAIN && depth(queue) == 0 ? 0 : 1;
    wrong += ::mq_send(queue, "p", 1, 0) == 0 && ::mq_receive(queue, buffer, sizeof buffer, nullptr) == 1 ? 0 : 1;
  }
  traced("wrong", wrong);
}

// ---- Descriptors that outlive rights --------------------------------------------------------------------------------

POSIX_PART(use_without_rights) {
  trace_receive(60);
  traced("send", ::mq_send(60, "new image", 9, 1));
}

POSIX_TEST(users, 21, "rights given up after mq_open: the descriptor works as before") {
  if (skipped()) return;
  const mqd_t queue = open_queue(O_RDWR, 4, 16, 0600);
  send_one(queue);
  as(kStranger, [=] {
    trace_receive(queue);
    traced("send", ::mq_send(queue, "m", 1, 0));
    const mqd_t twin = ::dup(queue);
    trace_receive(twin);
    pollfd entry{.fd = twin, .events = POLLIN | POLLOUT, .revents = 0};
    traced("poll", ::poll(&entry, 1, 0));
    trace("%s", entry.revents == POLLOUT ? "writable" : "something else");
  });
}

POSIX_DIFFERENCE(users, 22, "rights given up, then exec: the descriptor works in the new image") {
  if (skipped()) return;
  const mqd_t queue = open_queue(O_RDWR, 4, 16, 0600);
  send_one(queue);
  as(kStranger, [=] {
    ::dup2(queue, 60);
    ::execl(program(), program(), "--part", "use_without_rights", nullptr);
    trace("cannot exec: %s", error_name(errno));
  });
  trace_receive(::mq_open(queue_name(), O_RDONLY | O_NONBLOCK));
}
