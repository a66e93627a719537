// mq_open: flags, attributes, access, and the order of its errors. Names are names.cpp, limits limits.cpp.

#include <cstring>
#include <vector>

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "strangers.hpp"
#include "trace.hpp"

// What fortified programs call when they give two arguments.
extern "C" mqd_t __mq_open_2(const char* name, int flags);  // NOLINT(bugprone-reserved-identifier): its name

namespace {

void trace_open(const char* what, int flags, mode_t mode = 0600, mq_attr* attributes = nullptr) {
  const int descriptor = traced_descriptor(what, ::mq_open(queue_name(), flags, mode, attributes));
  if (descriptor != -1) ::mq_close(descriptor);
}

/// Opens, and does what it was opened for.
void trace_use(const char* what, int flags) {
  const mqd_t queue = traced_descriptor(what, ::mq_open(queue_name(), flags | O_NONBLOCK, 0600, nullptr));
  if (queue == -1) return;
  if ((flags & O_ACCMODE) != O_RDONLY) traced("      send", ::mq_send(queue, "x", 1, 0));
  if ((flags & O_ACCMODE) != O_WRONLY) trace_receive(queue);
  ::mq_close(queue);
}

mode_t mode_of(mqd_t queue) {
  struct stat status {};
  if (::fstat(queue, &status) != 0) give_up("fstat: %s", error_name(errno));
  return status.st_mode & 07777;
}

/// Leaves exactly `free` numbers, the lowest ones, to whoever opens next.
void leave_numbers(int free) {
  const int lowest = ::dup(STDOUT_FILENO);
  ::close(lowest);
  const rlimit limit{.rlim_cur = static_cast<rlim_t>(lowest + free), .rlim_max = static_cast<rlim_t>(lowest + free)};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) give_up("cannot limit descriptors");
}

}  // namespace

POSIX_TEST(mq_open, 1, "O_CREAT makes an empty queue with the capacity and message size asked for, exactly") {
  trace_attributes("7 x 33", open_queue(O_RDWR, 7, 33));
  trace_attributes("1 x 1", open_named("-small", O_RDWR, 1, 1));
  trace_attributes("10 x 8192", open_named("-large", O_RDWR, 10, 8192));
  trace_attributes("3 x 4097", open_named("-odd", O_RDWR, 3, 4097));
}

POSIX_TEST(mq_open, 2, "without attributes a queue holds 10 messages of 8192 bytes") {
  trace_attributes("default", ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, nullptr));
}

POSIX_TEST(mq_open, 3, "missing queue without O_CREAT: ENOENT") {
  for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_EXCL}) trace_open("open", flags);
}

POSIX_TEST(mq_open, 4, "O_CREAT | O_EXCL and the queue exists: EEXIST") {
  open_queue();
  trace_open("exclusive", O_RDWR | O_CREAT | O_EXCL);
  ::mq_unlink(queue_name());
  trace_open("exclusive after unlink", O_RDWR | O_CREAT | O_EXCL);
}

POSIX_TEST(mq_open, 5, "EEXIST wins over access mode 3 (EINVAL) and over missing rights (EACCES)") {
  as_ordinary_user([] {
    open_queue(O_RDWR, 4, 16, 0);
    trace_open("exclusive, no rights", O_RDWR | O_CREAT | O_EXCL);
    trace_open("exclusive, mode 3", O_RDWR | O_WRONLY | O_CREAT | O_EXCL);
    ::mq_unlink(queue_name());
  });
}

POSIX_TEST(mq_open, 6, "access mode 3 on an existing queue: EINVAL, before EACCES") {
  as_ordinary_user([] {
    open_queue(O_RDWR, 4, 16, 0);
    trace_open("mode 3", O_RDWR | O_WRONLY);
    trace_open("mode 3, O_CREAT", O_RDWR | O_WRONLY | O_CREAT);
    ::mq_unlink(queue_name());
  });
}

POSIX_TEST(mq_open, 7, "access mode 3 creates a queue, through which one may neither send nor receive") {
  mq_attr attributes = attributes_of(4, 16);
  const mqd_t queue = ::mq_open(queue_name(), O_RDWR | O_WRONLY | O_CREAT, 0600, &attributes);
  traced_descriptor("create", queue);
  traced("send", ::mq_send(queue, "x", 1, 0));
  char buffer[16];
  traced("receive", ::mq_receive(queue, buffer, sizeof buffer, nullptr));
  trace_attributes("attributes", queue);
}

POSIX_TEST(mq_open, 8, "the owner's mode bits are checked, also his own: read to receive, write to send, else EACCES") {
  as_ordinary_user([] {
    for (const mode_t mode : {0600, 0400, 0200, 0000, 0066}) {
      open_queue(O_RDWR, 4, 16, mode);
      trace("mode %04o", static_cast<unsigned>(mode));
      trace_open("  O_RDONLY", O_RDONLY);
      trace_open("  O_WRONLY", O_WRONLY);
      trace_open("  O_RDWR", O_RDWR);
      trace_open("  O_RDWR | O_CREAT", O_RDWR | O_CREAT);
      ::mq_unlink(queue_name());
    }
  });
}

POSIX_TEST(mq_open, 9, "the open that creates a queue has the access it asked for, whatever the mode") {
  as_ordinary_user([] {
    const mqd_t queue = open_queue(O_RDWR, 4, 16, 0);
    traced("send", ::mq_send(queue, "mine", 4, 3));
    trace_receive(queue);
    ::mq_unlink(queue_name());
  });
}

POSIX_TEST(mq_open, 10, "root opens a queue of mode 0") {
  if (::geteuid() != 0) return trace("only for root");
  open_queue(O_RDWR, 4, 16, 0);
  trace_open("open", O_RDWR);
}

POSIX_TEST(mq_open, 11, "O_CREAT on an existing queue keeps its size and mode, and looks at no attributes") {
  const mqd_t queue = open_queue(O_RDWR, 3, 5, 0640);
  for (mq_attr absurd : {attributes_of(9, 9), attributes_of(0, 0), attributes_of(-1, 16), attributes_of(4, -1),
                         attributes_of(1L << 62, 1L << 62)}) {
    const mqd_t again = traced_descriptor("again", ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, &absurd));
    trace_attributes("attributes", again);
    trace("mode as before: %s", mode_of(again) == mode_of(queue) ? "yes" : "no");
    ::mq_close(again);
  }
}

POSIX_TEST(mq_open, 12,
           "a new queue of no messages or no bytes, or of a negative number: EINVAL, and nothing is made") {
  for (mq_attr absurd : {attributes_of(0, 16), attributes_of(4, 0), attributes_of(0, 0), attributes_of(-1, 16),
                         attributes_of(4, -1), attributes_of(-4, -16)}) {
    trace_open("create", O_RDWR | O_CREAT, 0600, &absurd);
    trace_open("open", O_RDWR);
  }
}

POSIX_TEST(mq_open, 13, "attributes: mq_flags and mq_curmsgs are ignored, and the caller's struct is not written") {
  mq_attr attributes = attributes_of(4, 16);
  attributes.mq_flags = O_NONBLOCK | O_APPEND | 1;
  attributes.mq_curmsgs = 77;
  const mq_attr before = attributes;
  trace_attributes("attributes", ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, &attributes));
  trace("struct untouched: %s", std::memcmp(&before, &attributes, sizeof before) == 0 ? "yes" : "no");
}

POSIX_TEST(mq_open, 14, "O_NONBLOCK belongs to the description: kept at creation and at opening, not shared") {
  const mqd_t first = open_queue(O_RDWR | O_NONBLOCK);
  const mqd_t second = ::mq_open(queue_name(), O_RDWR);
  const mqd_t third = ::mq_open(queue_name(), O_RDONLY | O_NONBLOCK);
  trace_attributes("created with it", first);
  trace_attributes("opened without", second);
  trace_attributes("opened with it", third);
}

POSIX_TEST(mq_open, 15, "O_EXCL without O_CREAT, O_TRUNC, O_APPEND, O_SYNC and O_NOFOLLOW mean nothing") {
  const mqd_t queue = open_queue();
  ::mq_send(queue, "stays", 5, 1);
  trace_open("O_EXCL", O_RDWR | O_EXCL);
  trace_open("O_TRUNC", O_RDWR | O_TRUNC);
  trace_open("O_CREAT | O_TRUNC", O_RDWR | O_CREAT | O_TRUNC);
  trace_open("O_APPEND", O_RDWR | O_APPEND);
  trace_open("O_SYNC", O_RDWR | O_SYNC);
  trace_open("O_NOFOLLOW", O_RDWR | O_NOFOLLOW);
  trace_open("O_NOCTTY", O_RDWR | O_NOCTTY);
  trace_open("O_CLOEXEC", O_RDWR | O_CLOEXEC);
  const mqd_t odd = ::mq_open(queue_name(), O_RDWR | O_APPEND | O_TRUNC);
  trace_attributes("attributes", odd);
  trace_receive(odd);
}

POSIX_TEST(mq_open, 16, "O_RDONLY may not send, O_WRONLY may not receive: EBADF") {
  const mqd_t reader = open_queue(O_RDONLY);
  const mqd_t writer = ::mq_open(queue_name(), O_WRONLY);
  char buffer[16];
  traced("send by reader", ::mq_send(reader, "x", 1, 0));
  traced("receive by writer", ::mq_receive(writer, buffer, sizeof buffer, nullptr));
  traced("send by writer", ::mq_send(writer, "x", 1, 0));
  traced("receive by reader", ::mq_receive(reader, buffer, sizeof buffer, nullptr));
}

POSIX_TEST(mq_open, 17,
           "the mode less the umask says what owner, group and others may: read to receive, write to send") {
  if (::geteuid() != 0) return trace("only for root");
  const struct {
    mode_t mask;
    mode_t mode;
  } pairs[] = {{0, 0666}, {0, 0640}, {022, 0666}, {077, 0666}, {027, 0777}, {0777, 0777}, {0, 0462},   {0, 0246},
               {0, 0624}, {0, 0060}, {0, 0006},   {0, 07777},  {0, 0111},   {0, 0100644}, {0606, 0666}};
  const struct {
    const char* who;
    unsigned user;
    unsigned group;
  } people[] = {{"owner", 65001, 65001}, {"group", 65002, 65001}, {"other", 65003, 65003}};
  for (const auto& [mask, mode] : pairs) {
    trace("umask %04o, mode %07o", static_cast<unsigned>(mask), static_cast<unsigned>(mode));
    in_child([&, creation_mask = mask, creation_mode = mode] {
      become_user(people[0].user);
      ::umask(creation_mask);
      traced_descriptor("  create", ::mq_open(queue_name(), O_RDWR | O_CREAT | O_EXCL, creation_mode, nullptr));
      trace("  umask is still %04o", static_cast<unsigned>(::umask(0)));
      return 0;
    });
    for (const auto& person : people) {
      in_child([&person] {
        become_user(person.user, person.group);
        trace("  %s", person.who);
        trace_use("    receive", O_RDONLY);
        trace_use("    send", O_WRONLY);
        trace_use("    both", O_RDWR | O_CREAT);
        return 0;
      });
    }
    ::mq_unlink(queue_name());
  }
}

POSIX_TEST(mq_open, 18, "the queue belongs to the effective user and group of its creator") {
  as_ordinary_user([] {
    struct stat status {};
    ::fstat(open_queue(), &status);
    trace("user: %s, group: %s", status.st_uid == ::geteuid() ? "mine" : "another's",
          status.st_gid == ::getegid() ? "mine" : "another's");
    ::mq_unlink(queue_name());
  });
}

POSIX_TEST(mq_open, 19, "the descriptor is the lowest free number, with close-on-exec") {
  const int lowest = ::dup(STDOUT_FILENO);
  ::close(lowest);
  const mqd_t created = open_queue();
  const mqd_t opened = ::mq_open(queue_name(), O_RDONLY);
  trace("created: %s, opened: %s", created == lowest ? "lowest" : "another", opened == lowest + 1 ? "next" : "another");
  traced("F_GETFD of created", ::fcntl(created, F_GETFD));
  traced("F_GETFD of opened", ::fcntl(opened, F_GETFD));
}

POSIX_TEST(mq_open, 20, "no descriptor left: EMFILE, whether the queue exists or not, and none is made") {
  open_queue();
  const int status = in_child([] {
    leave_numbers(0);
    trace_open("existing", O_RDWR);
    traced_descriptor("missing", ::mq_open(queue_name("-missing"), O_RDWR));
    traced_descriptor("new", ::mq_open(queue_name("-new"), O_RDWR | O_CREAT, 0600, nullptr));
    return 0;
  });
  traced("child", status);
  traced_descriptor("new was not made", ::mq_open(queue_name("-new"), O_RDWR));
}

POSIX_TEST(mq_open, 21, "EMFILE comes after a name without slash (EINVAL), before one with two (EACCES) and EEXIST") {
  open_queue();
  const int status = in_child([] {
    mq_attr absurd = attributes_of(0, 0);
    leave_numbers(0);
    traced_descriptor("noslash", ::mq_open("noslash", O_RDWR));
    traced_descriptor("/", ::mq_open("/", O_RDWR));
    traced_descriptor("/a/b", ::mq_open("/a/b", O_RDWR));
    traced_descriptor("exclusive", ::mq_open(queue_name(), O_RDWR | O_CREAT | O_EXCL, 0600, nullptr));
    traced_descriptor("mode 3", ::mq_open(queue_name(), O_RDWR | O_WRONLY));
    traced_descriptor("absurd", ::mq_open(queue_name("-new"), O_RDWR | O_CREAT, 0600, &absurd));
    return 0;
  });
  traced("child", status);
}

POSIX_DIFFERENCE(mq_open, 22, "one free descriptor is enough, to open and to create") {
  open_queue();
  const int status = in_child([] {
    leave_numbers(1);
    trace_open("existing", O_RDWR);
    const mqd_t created =
        traced_descriptor("new", ::mq_open(queue_name("-new"), O_RDWR | O_CREAT | O_NONBLOCK, 0600, nullptr));
    traced("send", ::mq_send(created, "x", 1, 0));
    trace_receive(created);
    return 0;
  });
  traced("child", status);
  ::mq_unlink(queue_name("-new"));
}

POSIX_TEST(mq_open, 23, "attributes are not looked at without O_CREAT, nor if the name has no slash") {
  const auto none = reinterpret_cast<mq_attr*>(forbidden_memory());
  open_queue();
  trace_open("without O_CREAT", O_RDWR, 0600, none);
  traced_descriptor("no slash", ::mq_open("noslash", O_RDWR | O_CREAT, 0600, none));
}

POSIX_TEST(mq_open, 24, "a name comes before attributes: two slashes (EACCES) with a size of 0 (EINVAL)") {
  mq_attr absurd = attributes_of(0, 0);
  traced_descriptor("/a/b", ::mq_open("/a/b", O_RDWR | O_CREAT, 0600, &absurd));
  traced_descriptor("/", ::mq_open("/", O_RDWR | O_CREAT, 0600, &absurd));
}

POSIX_TEST(mq_open, 25, "a success leaves errno alone, creating and opening") {
  mq_attr attributes = attributes_of(4, 16);
  errno = kStale;
  trace_errno("create", ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, &attributes));
  errno = kStale;
  trace_errno("open", ::mq_open(queue_name(), O_RDWR));
  errno = kStale;
  trace_errno("open with O_CREAT", ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, &attributes));
}

POSIX_TEST(mq_open, 26, "__mq_open_2, which fortified programs call, opens as mq_open of two arguments") {
  traced_descriptor("missing", __mq_open_2(queue_name(), O_RDWR));
  const mqd_t queue = open_queue();
  const mqd_t again = traced_descriptor("existing", __mq_open_2(queue_name(), O_RDONLY | O_NONBLOCK));
  trace_attributes("attributes", again);
  ::mq_send(queue, "through", 7, 2);
  trace_receive(again);
  traced("send", ::mq_send(again, "x", 1, 0));
  traced_descriptor("no slash", __mq_open_2("noslash", O_RDWR));
}

POSIX_DIFFERENCE(mq_open, 27,
                 "__mq_open_2 with O_CREAT, which lacks its mode: Linux aborts the program, mqxx says EINVAL") {
  const int status = in_child([] {
    ::close(STDERR_FILENO);  // Linux complains there
    traced_descriptor("create", __mq_open_2(queue_name(), O_RDWR | O_CREAT));
    return 0;
  });
  trace("child: %s", status == 0 ? "goes on" : "ended by a signal");
}

POSIX_TEST(mq_open, 28, "a name that is recreated is another queue; the old one lives as long as it is open") {
  const mqd_t old_queue = open_queue(O_RDWR | O_NONBLOCK, 4, 16);
  ::mq_send(old_queue, "old", 3, 0);
  ::mq_unlink(queue_name());
  const mqd_t new_queue = open_queue(O_RDWR | O_NONBLOCK, 2, 8);
  trace_attributes("new", new_queue);
  ::mq_send(new_queue, "new", 3, 0);
  trace_attributes("old", old_queue);
  trace_receive(old_queue);
  trace_receive(new_queue);
  trace_receive(old_queue);
}

POSIX_TEST(mq_open, 29,
           "of eight processes that create exclusively at once exactly one succeeds, the others get EEXIST") {
  int gate[2];
  if (::pipe(gate) != 0) give_up("no pipe");
  std::vector<pid_t> children;
  for (int child = 0; child < 8; ++child) {
    children.push_back(start_child([&gate] {
      ::close(gate[1]);
      pollfd opened{.fd = gate[0], .events = POLLIN, .revents = 0};
      ::poll(&opened, 1, -1);
      const mqd_t queue = ::mq_open(queue_name(), O_RDWR | O_CREAT | O_EXCL, 0600, nullptr);
      return queue != -1 ? 1 : errno == EEXIST ? 2 : 3;
    }));
  }
  ::close(gate[1]);  // all of them see the end at once
  int results[4] = {};
  for (const pid_t child : children) ++results[finish(child) & 3];
  trace("created: %d, EEXIST: %d, else: %d", results[1], results[2], results[0] + results[3]);
}

POSIX_TEST(mq_open, 30, "of eight processes that create or open at once all succeed, and have one queue") {
  int gate[2];
  if (::pipe(gate) != 0) give_up("no pipe");
  std::vector<pid_t> children;
  for (int child = 0; child < 8; ++child) {
    children.push_back(start_child([&gate] {
      ::close(gate[1]);
      pollfd opened{.fd = gate[0], .events = POLLIN, .revents = 0};
      ::poll(&opened, 1, -1);
      const mqd_t queue = ::mq_open(queue_name(), O_RDWR | O_CREAT, 0600, nullptr);
      return queue != -1 && ::mq_send(queue, "x", 1, 0) == 0 ? 0 : 1;
    }));
  }
  ::close(gate[1]);
  int failures = 0;
  for (const pid_t child : children) failures += finish(child);
  trace("failures: %d", failures);
  traced("messages", depth(::mq_open(queue_name(), O_RDONLY)));
}

POSIX_TEST(mq_open, 31, "messages outlive the processes that sent them") {
  traced("child", in_child([] { return ::mq_send(open_queue(), "kept", 4, 5) == 0 ? 0 : 1; }));
  trace_receive(::mq_open(queue_name(), O_RDONLY));
}

POSIX_TEST(mq_open, 32, "O_DIRECT: EINVAL; O_DIRECTORY, O_NOATIME and O_TMPFILE mean nothing") {
  open_queue();
  trace_open("O_DIRECT", O_RDWR | O_DIRECT);
  trace_open("O_DIRECTORY", O_RDWR | O_DIRECTORY);
  trace_open("O_NOATIME", O_RDWR | O_NOATIME);
  trace_open("O_TMPFILE", O_RDWR | O_TMPFILE);
}

POSIX_TEST(mq_open, 33,
           "a queue of another user that everybody may use opens with and without O_CREAT, for root as well") {
  if (::geteuid() != 0) return trace("only for root");
  ::umask(0);
  const mqd_t queue = open_queue(O_RDWR, 4, 16, 0666);
  as_ordinary_user([] {
    trace_open("root's", O_RDWR);
    trace_open("root's, O_CREAT", O_RDWR | O_CREAT);
    trace_open("root's, exclusive", O_RDWR | O_CREAT | O_EXCL);
    traced("send", ::mq_send(::mq_open(queue_name(), O_WRONLY | O_CREAT, 0600, nullptr), "theirs", 6, 0));
    ::umask(0);
    traced("send", ::mq_send(open_named("-theirs", O_RDWR, 4, 16, 0666), "mine", 4, 0));
  });
  trace_receive(queue);
  trace_receive(::mq_open(queue_name("-theirs"), O_RDWR));
  traced_descriptor("O_CREAT", ::mq_open(queue_name("-theirs"), O_RDWR | O_CREAT, 0600, nullptr));
  traced("unlink", ::mq_unlink(queue_name("-theirs")));
}

POSIX_TEST(mq_open, 34, "four processes that create, use and unlink one name at once meet nothing but each other") {
  pid_t children[4];
  for (pid_t& child : children) {
    child = start_child([] {
      mq_attr attributes = attributes_of(2, 8);
      for (int round = 0; round < 200; ++round) {
        const mqd_t queue = ::mq_open(queue_name(), O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
        if (queue == -1) return 1;
        if (::mq_send(queue, "x", 1, 0) != 0 && errno != EAGAIN) return 2;
        char buffer[8];
        if (::mq_receive(queue, buffer, sizeof buffer, nullptr) != 1 && errno != EAGAIN) return 3;
        if (::mq_unlink(queue_name()) != 0 && errno != ENOENT) return 4;
        if (::mq_close(queue) != 0) return 5;
      }
      return 0;
    });
  }
  for (const pid_t child : children) traced("child", finish(child));
}

POSIX_TEST(mq_open, 35, "fstat tells the mode that was asked for, all twelve bits of it, less the umask") {
  const struct {
    mode_t mask;
    mode_t mode;
  } pairs[] = {{0, 07777},  {0, 0666},    {0, 0640},    {0, 0400},    {0, 0002},   {0, 0},
               {0, 01},     {0, 04000},   {0, 02070},   {0, 0100644}, {022, 0666}, {027, 07777},
               {077, 0606}, {0277, 0600}, {0777, 0777}, {0777, 07000}};
  for (const auto& [mask, mode] : pairs) {
    ::umask(mask);
    const mqd_t queue = ::mq_open(queue_name(), O_RDWR | O_CREAT | O_EXCL, mode, nullptr);
    trace("umask %04o, mode %07o: %04o", static_cast<unsigned>(mask), static_cast<unsigned>(mode),
          static_cast<unsigned>(mode_of(queue)));
    ::mq_close(queue);
    ::mq_unlink(queue_name());
  }
}

POSIX_DIFFERENCE(mq_open, 36, "attributes at an address that is none: Linux says EFAULT, mqxx is stopped by SIGSEGV") {
  const auto none = reinterpret_cast<mq_attr*>(forbidden_memory());
  const int status = in_child([none] {
    trace_open("create", O_RDWR | O_CREAT, 0600, none);
    trace_open("open", O_RDWR);
    return 0;
  });
  traced("child", status);
}

POSIX_TEST(mq_open, 37, "fstat says a regular file of 80 bytes; read(2) gives a status line of 60") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  struct stat status {};
  ::fstat(queue, &status);
  trace("regular file: %s, size %ld", S_ISREG(status.st_mode) ? "yes" : "no", static_cast<long>(status.st_size));
  char text[100] = {};
  traced("read", ::read(queue, text, sizeof text - 1));
}
