// poll, ppoll, select, pselect and epoll: readable iff a message waits, writable iff there is room, at once after each
// call, and never anything else.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.hpp"

// What programs compiled with _FORTIFY_SOURCE call.
extern "C" int __poll_chk(pollfd* entries, nfds_t count, int timeout, std::size_t size);
extern "C" int __ppoll_chk(pollfd* entries, nfds_t count, const timespec* timeout, const sigset_t* mask,
                           std::size_t size);

namespace {

constexpr int kForEver = -1;

/// Waits until `descriptor` is one of `wanted` (EPOLLIN, EPOLLOUT), or so many milliseconds; what it is then.
using Wait = unsigned (*)(int descriptor, unsigned wanted, int patience);

timespec span_of(int patience) { return {.tv_sec = patience / 1000, .tv_nsec = patience % 1000 * 1'000'000L}; }

unsigned checked(const char* call, int count, unsigned events) {
  if (count < 0) give_up("%s: %s", call, error_name(errno));
  if (count > 1) give_up("%s counts %d", call, count);
  return count == 0 ? 0 : events;
}

pollfd entry_of(int descriptor, unsigned wanted) {
  return {.fd = descriptor, .events = static_cast<short>(wanted), .revents = 0};
}

unsigned by_poll(int descriptor, unsigned wanted, int patience) {
  pollfd entry = entry_of(descriptor, wanted);
  const int count = ::poll(&entry, 1, patience);
  return checked("poll", count, static_cast<unsigned short>(entry.revents));
}

unsigned by_ppoll(int descriptor, unsigned wanted, int patience) {
  pollfd entry = entry_of(descriptor, wanted);
  const timespec span = span_of(patience);
  const int count = ::ppoll(&entry, 1, patience < 0 ? nullptr : &span, nullptr);
  return checked("ppoll", count, static_cast<unsigned short>(entry.revents));
}

unsigned by_poll_chk(int descriptor, unsigned wanted, int patience) {
  pollfd entry = entry_of(descriptor, wanted);
  const int count = ::__poll_chk(&entry, 1, patience, sizeof entry);
  return checked("__poll_chk", count, static_cast<unsigned short>(entry.revents));
}

unsigned by_ppoll_chk(int descriptor, unsigned wanted, int patience) {
  pollfd entry = entry_of(descriptor, wanted);
  const timespec span = span_of(patience);
  const int count = ::__ppoll_chk(&entry, 1, patience < 0 ? nullptr : &span, nullptr, sizeof entry);
  return checked("__ppoll_chk", count, static_cast<unsigned short>(entry.revents));
}

struct Sets {
  Sets(int descriptor, unsigned wanted) {
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_ZERO(&exceptional);
    if ((wanted & EPOLLIN) != 0) FD_SET(descriptor, &readable);
    if ((wanted & EPOLLOUT) != 0) FD_SET(descriptor, &writable);
    FD_SET(descriptor, &exceptional);
  }
  [[nodiscard]] unsigned events(int descriptor) const {
    return (FD_ISSET(descriptor, &readable) ? static_cast<unsigned>(EPOLLIN) : 0) |
           (FD_ISSET(descriptor, &writable) ? static_cast<unsigned>(EPOLLOUT) : 0) |
           (FD_ISSET(descriptor, &exceptional) ? static_cast<unsigned>(EPOLLPRI) : 0);
  }
  fd_set readable{};
  fd_set writable{};
  fd_set exceptional{};
};

unsigned by_select(int descriptor, unsigned wanted, int patience) {
  Sets sets(descriptor, wanted);
  timeval span{.tv_sec = patience / 1000, .tv_usec = patience % 1000 * 1000L};
  const int count =
      ::select(descriptor + 1, &sets.readable, &sets.writable, &sets.exceptional, patience < 0 ? nullptr : &span);
  const unsigned events = sets.events(descriptor);
  return checked("select", count == 2 && events == (EPOLLIN | EPOLLOUT) ? 1 : count, events);
}

unsigned by_pselect(int descriptor, unsigned wanted, int patience) {
  Sets sets(descriptor, wanted);
  const timespec span = span_of(patience);
  const int count = ::pselect(descriptor + 1, &sets.readable, &sets.writable, &sets.exceptional,
                              patience < 0 ? nullptr : &span, nullptr);
  const unsigned events = sets.events(descriptor);
  return checked("pselect", count == 2 && events == (EPOLLIN | EPOLLOUT) ? 1 : count, events);
}

int poller() {
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) give_up("no epoll: %s", error_name(errno));
  return poller;
}

/// EPOLL_CTL_ADD, _MOD or _DEL; the event carries the descriptor's number.
int control(int poller, int operation, int descriptor, unsigned events = 0) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  return ::epoll_ctl(poller, operation, descriptor, &event);
}

/// A new epoll instance with that descriptor in it.
int poller_with(int descriptor, unsigned events) {
  const int result = poller();
  if (control(result, EPOLL_CTL_ADD, descriptor, events) != 0) give_up("no EPOLL_CTL_ADD: %s", error_name(errno));
  return result;
}

/// The one event that an epoll instance has, 0 when it has none.
unsigned next_event(int poller, int patience = 0) {
  epoll_event event{};
  const int count = ::epoll_wait(poller, &event, 1, patience);
  return checked("epoll_wait", count, event.events);
}

unsigned by_epoll(int descriptor, unsigned wanted, int patience) {
  const int poller = poller_with(descriptor, wanted);
  const unsigned events = next_event(poller, patience);
  ::close(poller);
  return events;
}

std::string words_of(unsigned events) {
  constexpr struct {
    unsigned event;
    const char* word;
  } kWords[] = {{EPOLLIN, "in"},         {EPOLLOUT, "out"},       {EPOLLPRI, "pri"},       {EPOLLERR, "err"},
                {EPOLLHUP, "hup"},       {POLLNVAL, "nval"},      {EPOLLRDNORM, "rdnorm"}, {EPOLLRDBAND, "rdband"},
                {EPOLLWRNORM, "wrnorm"}, {EPOLLWRBAND, "wrband"}, {EPOLLMSG, "msg"},       {EPOLLRDHUP, "rdhup"}};
  std::string text;
  for (const auto& [event, word] : kWords) {
    if ((events & event) != 0) text += (text.empty() ? "" : " ") + std::string(word);
  }
  return text.empty() ? "nothing" : text;
}

constexpr unsigned kBoth = EPOLLIN | EPOLLOUT;

void trace_ready(const char* when, int descriptor, Wait wait = by_poll) {
  trace("%s: %s", when, words_of(wait(descriptor, kBoth, 0)).c_str());
}

void trace_event(const char* when, int poller, int patience = 0) {
  trace("%s: %s", when, words_of(next_event(poller, patience)).c_str());
}

void send_one(mqd_t queue) {
  if (::mq_send(queue, "m", 1, 0) != 0) give_up("cannot send: %s", error_name(errno));
}

void take_one(mqd_t queue) {
  char buffer[8192];
  if (::mq_receive(queue, buffer, sizeof buffer, nullptr) < 0) give_up("cannot receive: %s", error_name(errno));
}

// ---- Stories that each of the calls goes through --------------------------------------------------------------------

/// Every state of a queue of two messages, asked for at once after the call that led to it.
void trace_states(Wait wait) {
  const mqd_t queue = open_queue(O_RDWR, 2);
  trace_ready("empty", queue, wait);
  send_one(queue);
  trace_ready("one message", queue, wait);
  send_one(queue);
  trace_ready("full", queue, wait);
  take_one(queue);
  trace_ready("one taken", queue, wait);
  take_one(queue);
  trace_ready("empty", queue, wait);
  send_one(queue);
  take_one(queue);
  trace_ready("sent and taken", queue, wait);
  fill(queue);
  take_one(queue);
  send_one(queue);
  trace_ready("full", queue, wait);
}

/// A process that waits is woken by a send, and another one by a receive.
void trace_wakes(Wait wait) {
  const mqd_t queue = open_queue(O_RDWR, 2);
  const pid_t reader = start_child([=] {
    trace("wanted in: %s", words_of(wait(queue, EPOLLIN, kForEver)).c_str());
    return 0;
  });
  wait_until_sleeping(reader);
  send_one(queue);
  finish(reader);
  fill(queue);
  const pid_t writer = start_child([=] {
    trace("wanted out: %s", words_of(wait(queue, EPOLLOUT, kForEver)).c_str());
    return 0;
  });
  wait_until_sleeping(writer);
  take_one(queue);
  finish(writer);
}

/// Both sides ask first and then make a call that would wait: with one of each it never does.
void trace_traffic(Wait wait) {
  constexpr int kMessages = 1000;
  const mqd_t queue = open_queue(O_RDWR, 4);
  const pid_t producer = start_child([=] {
    for (int message = 0; message < kMessages; ++message) {
      wait(queue, EPOLLOUT, kForEver);
      if (::mq_send(queue, reinterpret_cast<const char*>(&message), sizeof message, 0) != 0) return 1;
    }
    return 0;
  });
  int in_order = 0;
  for (int index = 0; index < kMessages; ++index) {
    wait(queue, EPOLLIN, kForEver);
    char buffer[16];
    int message = -1;
    if (::mq_receive(queue, buffer, sizeof buffer, nullptr) == sizeof message) {
      std::memcpy(&message, buffer, sizeof message);
    }
    if (message == index) ++in_order;
  }
  trace("in order: %d", in_order);
  traced("producer", finish(producer));
  trace_ready("afterwards", queue, wait);
}

/// Nothing happens: 0, and not before its time.
void trace_patience(Wait wait) {
  const mqd_t queue = open_queue();
  const long begin = milliseconds();
  trace("%s", words_of(wait(queue, EPOLLIN, 100)).c_str());
  trace("waited at least 100 ms: %s", milliseconds() - begin >= 100 ? "yes" : "no");
}

}  // namespace

// ---- Each call ------------------------------------------------------------------------------------------------------

POSIX_TEST(readiness, 1, "poll: each state of the queue, at once after each call") { trace_states(by_poll); }
POSIX_TEST(readiness, 2, "ppoll: each state of the queue, at once after each call") { trace_states(by_ppoll); }
POSIX_TEST(readiness, 3, "select: each state of the queue, at once after each call") { trace_states(by_select); }
POSIX_TEST(readiness, 4, "pselect: each state of the queue, at once after each call") { trace_states(by_pselect); }
POSIX_TEST(readiness, 5, "epoll: each state of the queue, at once after each call") { trace_states(by_epoll); }
POSIX_TEST(readiness, 6, "the fortified __poll_chk and __ppoll_chk: each state of the queue") {
  trace_states(by_poll_chk);
  mq_unlink(queue_name());
  trace_states(by_ppoll_chk);
}

POSIX_TEST(readiness, 7, "poll in another process: woken by a send, and by a receive") { trace_wakes(by_poll); }
POSIX_TEST(readiness, 8, "ppoll in another process: woken by a send, and by a receive") { trace_wakes(by_ppoll); }
POSIX_TEST(readiness, 9, "select in another process: woken by a send, and by a receive") { trace_wakes(by_select); }
POSIX_TEST(readiness, 10, "pselect in another process: woken by a send, and by a receive") { trace_wakes(by_pselect); }
POSIX_TEST(readiness, 11, "epoll in another process: woken by a send, and by a receive") { trace_wakes(by_epoll); }

POSIX_TEST(readiness, 12, "poll, then calls that wait, 1000 times: they never do") { trace_traffic(by_poll); }
POSIX_TEST(readiness, 13, "select, then calls that wait, 1000 times: they never do") { trace_traffic(by_select); }
POSIX_TEST(readiness, 14, "epoll, then calls that wait, 1000 times: they never do") { trace_traffic(by_epoll); }

POSIX_TEST(readiness, 15, "nothing happens: each call gives 0, and not before its time") {
  for (const Wait wait : {by_poll, by_ppoll, by_select, by_pselect, by_epoll}) trace_patience(wait);
}

// ---- What is told ---------------------------------------------------------------------------------------------------

POSIX_TEST(readiness, 16, "every access mode is told both: that a message waits, and that there is room") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  const mqd_t reader = ::mq_open(queue_name(), O_RDONLY);
  const mqd_t writer = ::mq_open(queue_name(), O_WRONLY);
  for (int count = 0; count < 3; ++count) {
    for (const Wait wait : {by_poll, by_select, by_epoll}) {
      trace_ready("reader", reader, wait);
      trace_ready("writer", writer, wait);
    }
    if (count < 2) send_one(queue);
  }
}

POSIX_TEST(readiness, 17, "the other names of the events: POLLRDNORM and POLLWRNORM, and no others") {
  constexpr unsigned kAll =
      EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND | EPOLLMSG | EPOLLRDHUP;
  const mqd_t queue = open_queue(O_RDWR, 2);
  for (int count = 0; count < 3; ++count) {
    trace("poll: %s", words_of(by_poll(queue, kAll, 0)).c_str());
    trace("epoll: %s", words_of(by_epoll(queue, kAll, 0)).c_str());
    if (count < 2) send_one(queue);
  }
}

POSIX_TEST(readiness, 18, "only what was asked for is told, and nothing when nothing was") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  send_one(queue);
  for (const unsigned wanted : {unsigned{EPOLLIN}, unsigned{EPOLLOUT}, unsigned{EPOLLPRI}, 0U}) {
    trace("poll: %s", words_of(by_poll(queue, wanted, 0)).c_str());
    trace("epoll: %s", words_of(by_epoll(queue, wanted, 0)).c_str());
  }
}

POSIX_TEST(readiness, 19, "no POLLHUP and no POLLERR when the other side closes, when it ends, or when the name goes") {
  const mqd_t queue = open_queue(O_RDONLY, 2);
  const mqd_t other = ::mq_open(queue_name(), O_WRONLY);
  send_one(other);
  ::mq_close(other);
  trace_ready("closed", queue);
  take_one(queue);
  trace_ready("empty", queue);
  in_child([=] { return ::mq_close(::mq_open(queue_name(), O_RDWR)); });
  trace_ready("ended", queue);
  ::mq_unlink(queue_name());
  trace_ready("removed", queue);
  trace_ready("removed", queue, by_epoll);
  trace_ready("removed", queue, by_select);
}

POSIX_TEST(readiness, 20, "a queue filled before anybody asked, by a process that is gone") {
  for (const Wait wait : {by_poll, by_select, by_epoll}) {
    in_child([] {
      fill(open_queue(O_RDWR, 2));
      return 0;
    });
    trace_ready("full", open_queue(), wait);
    ::mq_unlink(queue_name());
  }
}

POSIX_TEST(readiness, 21, "closed and opened again with messages in it: readable") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  trace_ready("empty", queue);
  send_one(queue);
  trace_ready("one message", queue);
  ::mq_close(queue);
  const mqd_t again = ::mq_open(queue_name(), O_RDWR);
  trace_ready("opened again", again);
  take_one(again);
  trace_ready("empty", again);
}

POSIX_TEST(readiness, 22, "a message of no bytes makes the queue readable, and largest messages fill it") {
  const mqd_t queue = open_queue(O_RDWR, 2, 8192);
  ::mq_send(queue, "", 0, 0);
  trace_ready("no bytes", queue);
  take_one(queue);
  const std::string large(8192, 'l');
  ::mq_send(queue, large.data(), large.size(), 1);
  trace_ready("8192 bytes", queue);
  ::mq_send(queue, large.data(), large.size(), 32767);
  trace_ready("twice", queue);
  take_one(queue);
  trace_ready("one taken", queue);
}

POSIX_TEST(readiness, 23, "a failed call changes nothing: EAGAIN, EMSGSIZE, EBADF, ETIMEDOUT") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 2);
  char buffer[16];
  const timespec past = from_now(-1000);
  trace_receive(queue);
  trace_ready("EAGAIN", queue);
  traced("too large", ::mq_send(queue, buffer, 17, 0));
  trace_ready("EMSGSIZE", queue);
  fill(queue);
  traced("full", ::mq_send(queue, buffer, 1, 0));
  traced("small buffer", ::mq_receive(queue, buffer, 1, nullptr));
  trace_ready("full", queue);
  const mqd_t waiting = ::mq_open(queue_name(), O_RDWR);
  traced("too late", ::mq_timedsend(waiting, buffer, 1, 0, &past));
  trace_ready("ETIMEDOUT", waiting);
}

POSIX_TEST(readiness, 24, "a sender that waits: after the receive that lets it go the queue is full again") {
  const mqd_t queue = open_queue(O_RDWR, 1);
  fill(queue);
  const pid_t sender = start_child([=] {
    send_one(queue);
    return 0;
  });
  wait_until_sleeping(sender);
  trace_ready("full", queue);
  take_one(queue);
  finish(sender);
  trace_ready("full again", queue);
}

POSIX_TEST(readiness, 25, "a receiver that waits: after the send that it takes the queue is empty") {
  const mqd_t queue = open_queue(O_RDWR, 1);
  const pid_t receiver = start_child([=] {
    take_one(queue);
    return 0;
  });
  wait_until_sleeping(receiver);
  trace_ready("empty", queue);
  send_one(queue);
  finish(receiver);
  trace_ready("empty again", queue);
}

// ---- Several --------------------------------------------------------------------------------------------------------

POSIX_TEST(readiness, 26, "several queues and pipes in one poll") {
  mqd_t queues[3] = {open_named("-0", O_RDWR, 2), open_named("-1", O_RDWR, 2), open_named("-2", O_RDWR, 2)};
  int ends[2];
  if (::pipe(ends) != 0) give_up("no pipe");
  pollfd entries[] = {entry_of(queues[0], kBoth),  entry_of(ends[0], kBoth), entry_of(queues[1], kBoth),
                      entry_of(-1, kBoth),         entry_of(ends[1], kBoth), entry_of(queues[2], kBoth),
                      entry_of(queues[0], EPOLLIN)};
  const auto trace_all = [&](const char* when) {
    traced(when, ::poll(entries, std::size(entries), 0));
    for (const pollfd& entry : entries) trace("  %s", words_of(static_cast<unsigned short>(entry.revents)).c_str());
  };
  trace_all("empty");
  send_one(queues[0]);
  fill(queues[2]);
  if (::write(ends[1], "p", 1) != 1) give_up("cannot write");
  trace_all("filled");
  take_one(queues[0]);
  ::close(ends[1]);
  trace_all("one taken, one closed");
}

POSIX_TEST(readiness, 27, "several queues in one select and in one epoll: the right one is told") {
  mqd_t queues[3] = {open_named("-0"), open_named("-1"), open_named("-2")};
  const int epoll = poller();
  for (const mqd_t queue : queues) control(epoll, EPOLL_CTL_ADD, queue, EPOLLIN);
  for (int index = 0; index < 3; ++index) {
    send_one(queues[index]);
    fd_set readable;
    FD_ZERO(&readable);
    for (const mqd_t queue : queues) FD_SET(queue, &readable);
    traced("select", ::select(queues[2] + 1, &readable, nullptr, nullptr, nullptr));
    epoll_event event{};
    traced("epoll", ::epoll_wait(epoll, &event, 1, kForEver));
    trace("right: %s", FD_ISSET(queues[index], &readable) && event.data.fd == queues[index] ? "yes" : "no");
    take_one(queues[index]);
  }
  traced("none", next_event(epoll));
}

POSIX_TEST(readiness, 28, "several processes that poll are all woken by one send") {
  const mqd_t queue = open_queue();
  pid_t children[3];
  const Wait waits[3] = {by_poll, by_select, by_epoll};
  for (int index = 0; index < 3; ++index) {
    children[index] = start_child([=] { return waits[index](queue, EPOLLIN, kForEver) == EPOLLIN ? 0 : 1; });
  }
  for (const pid_t child : children) wait_until_sleeping(child);
  send_one(queue);
  for (const pid_t child : children) traced("woken", finish(child));
}

POSIX_TEST(readiness, 29, "threads that poll, with descriptors of their own, are all woken by one send") {
  const mqd_t queue = open_queue();
  const char* const name = queue_name();
  const int ready = ::eventfd(0, EFD_SEMAPHORE);
  unsigned seen[2] = {};
  pid_t ids[2] = {};
  std::thread threads[2];
  for (int index = 0; index < 2; ++index) {
    threads[index] = std::thread([=, &seen, &ids] {
      const mqd_t mine = ::mq_open(name, O_RDONLY);
      ids[index] = thread_id();
      ::eventfd_write(ready, 1);
      seen[index] = by_poll(mine, EPOLLIN, kForEver);
    });
  }
  eventfd_t count = 0;
  for (int index = 0; index < 2; ++index) ::eventfd_read(ready, &count);
  for (const pid_t id : ids) wait_until_sleeping(id);
  send_one(queue);
  for (int index = 0; index < 2; ++index) {
    threads[index].join();
    trace("%s", words_of(seen[index]).c_str());
  }
}

POSIX_TEST(readiness, 30, "one waits for a message and one for room, in one queue after the other") {
  const mqd_t empty = open_named("-empty");
  const mqd_t full = open_named("-full");
  fill(full);
  const pid_t child = start_child([=] {
    pollfd entries[] = {entry_of(empty, EPOLLIN), entry_of(full, EPOLLOUT)};
    for (int count = 0; count < 2; ++count) {
      traced("poll", ::poll(entries, 2, kForEver));
      trace("%s, %s", words_of(static_cast<unsigned short>(entries[0].revents)).c_str(),
            words_of(static_cast<unsigned short>(entries[1].revents)).c_str());
      if (entries[0].revents != 0) take_one(empty);
    }
    return 0;
  });
  wait_until_sleeping(child);
  send_one(empty);
  wait_until_sleeping(child);
  take_one(full);
  finish(child);
}

POSIX_TEST(readiness, 31, "a closed number: POLLNVAL from poll, EBADF from select and epoll_ctl") {
  const int epoll = poller();
  const mqd_t queue = open_queue();
  const mqd_t open = ::dup(queue);
  send_one(queue);
  ::mq_close(queue);
  pollfd entries[] = {entry_of(queue, kBoth), entry_of(open, kBoth)};
  traced("poll", ::poll(entries, 2, kForEver));
  trace("%s", words_of(static_cast<unsigned short>(entries[0].revents)).c_str());
  trace("%s", words_of(static_cast<unsigned short>(entries[1].revents)).c_str());
  Sets sets(queue, kBoth);
  traced("select", ::select(queue + 1, &sets.readable, &sets.writable, nullptr, nullptr));
  traced("epoll_ctl", control(epoll, EPOLL_CTL_ADD, queue, kBoth));
}

// ---- Signals --------------------------------------------------------------------------------------------------------

namespace {

void ignore_quietly(int) {}

/// SIGUSR1 has a handler that does nothing, and does not restart anything.
void handle_signal() {
  struct sigaction action {};
  action.sa_handler = ignore_quietly;
  action.sa_flags = SA_RESTART;  // poll and its like give EINTR all the same
  ::sigaction(SIGUSR1, &action, nullptr);
}

pid_t interrupt_when_sleeping() {
  const pid_t sleeper = ::getpid();
  return start_child([=] {
    wait_until_sleeping(sleeper);
    return ::kill(sleeper, SIGUSR1);
  });
}

sigset_t only(int signal) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  return set;
}

}  // namespace

POSIX_TEST(readiness, 32, "a signal interrupts poll, select and epoll_wait, whatever SA_RESTART says") {
  handle_signal();
  const mqd_t queue = open_queue();
  const int epoll = poller_with(queue, EPOLLIN);
  pollfd entry = entry_of(queue, EPOLLIN);
  pid_t other = interrupt_when_sleeping();
  traced("poll", ::poll(&entry, 1, kForEver));
  finish(other);
  Sets sets(queue, EPOLLIN);
  other = interrupt_when_sleeping();
  traced("select", ::select(queue + 1, &sets.readable, nullptr, nullptr, nullptr));
  finish(other);
  epoll_event event{};
  other = interrupt_when_sleeping();
  traced("epoll_wait", ::epoll_wait(epoll, &event, 1, kForEver));
  finish(other);
  send_one(queue);
  trace_ready("still right", queue);
}

POSIX_TEST(readiness, 33, "ppoll, pselect and epoll_pwait let a blocked signal in while they wait, and only then") {
  handle_signal();
  const sigset_t blocked = only(SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  sigset_t open;
  ::sigemptyset(&open);
  const mqd_t queue = open_queue();
  const int epoll = poller_with(queue, EPOLLIN);
  pollfd entry = entry_of(queue, EPOLLIN);
  pid_t other = interrupt_when_sleeping();
  traced("ppoll", ::ppoll(&entry, 1, nullptr, &open));
  finish(other);
  Sets sets(queue, EPOLLIN);
  other = interrupt_when_sleeping();
  traced("pselect", ::pselect(queue + 1, &sets.readable, nullptr, nullptr, nullptr, &open));
  finish(other);
  epoll_event event{};
  other = interrupt_when_sleeping();
  traced("epoll_pwait", ::epoll_pwait(epoll, &event, 1, kForEver, &open));
  finish(other);
  ::raise(SIGUSR1);
  send_one(queue);
  traced("ppoll", ::ppoll(&entry, 1, nullptr, nullptr));
}

// ---- epoll ----------------------------------------------------------------------------------------------------------

POSIX_TEST(readiness, 34, "epoll, level-triggered: told as long as it is so") {
  const mqd_t queue = open_queue(O_RDWR, 3);
  const int epoll = poller_with(queue, EPOLLIN);
  trace_event("empty", epoll);
  send_one(queue);
  trace_event("one message", epoll);
  trace_event("again", epoll);
  send_one(queue);
  take_one(queue);
  trace_event("one of two taken", epoll);
  take_one(queue);
  trace_event("empty", epoll);
  fill(queue);
  trace_event("full", epoll);
}

POSIX_TEST(readiness, 35, "EPOLLIN and EPOLLET, drained: told once for each message") {
  const mqd_t queue = open_queue(O_RDWR, 3);
  const int epoll = poller_with(queue, EPOLLIN | EPOLLET);
  trace_event("empty", epoll);
  for (int count = 0; count < 3; ++count) {
    send_one(queue);
    trace_event("one message", epoll);
    trace_event("again", epoll);
    take_one(queue);
    trace_event("empty", epoll);
  }
}

POSIX_TEST(readiness, 36, "EPOLLIN and EPOLLET, not drained: each send tells again") {
  const mqd_t queue = open_queue(O_RDWR, 3);
  const int epoll = poller_with(queue, EPOLLIN | EPOLLET);
  for (int count = 0; count < 3; ++count) {
    send_one(queue);
    trace_event("one more", epoll);
    trace_event("again", epoll);
  }
}

POSIX_TEST(readiness, 37, "EPOLLIN and EPOLLET: a receive that leaves messages tells again too") {
  const mqd_t queue = open_queue(O_RDWR, 3);
  const int epoll = poller_with(queue, EPOLLIN | EPOLLET);
  fill(queue);
  trace_event("full", epoll);
  take_one(queue);
  trace_event("two left", epoll);
  take_one(queue);
  trace_event("one left", epoll);
  take_one(queue);
  trace_event("empty", epoll);
}

POSIX_TEST(readiness, 38, "EPOLLIN and EPOLLET: several sends before one look are told once") {
  const mqd_t queue = open_queue(O_RDWR, 3);
  const int epoll = poller_with(queue, EPOLLIN | EPOLLET);
  send_one(queue);
  send_one(queue);
  trace_event("two messages", epoll);
  trace_event("again", epoll);
  send_one(queue);
  take_one(queue);
  take_one(queue);
  take_one(queue);
  trace_event("sent and all taken", epoll);
}

POSIX_TEST(readiness, 39, "EPOLLOUT and EPOLLET: told when added, and after each receive") {
  const mqd_t queue = open_queue(O_RDWR, 3);
  const int epoll = poller_with(queue, EPOLLOUT | EPOLLET);
  trace_event("empty", epoll);
  trace_event("again", epoll);
  fill(queue);
  trace_event("full", epoll);
  for (int count = 0; count < 3; ++count) {
    take_one(queue);
    trace_event("one taken", epoll);
    trace_event("again", epoll);
  }
}

POSIX_TEST(readiness, 40, "EPOLLOUT and EPOLLET: a send that leaves room tells again too") {
  const mqd_t queue = open_queue(O_RDWR, 3);
  const int epoll = poller_with(queue, EPOLLOUT | EPOLLET);
  trace_event("empty", epoll);
  send_one(queue);
  trace_event("one message", epoll);
  send_one(queue);
  trace_event("two messages", epoll);
  send_one(queue);
  trace_event("full", epoll);
}

POSIX_TEST(readiness, 41, "EPOLLIN, EPOLLOUT and EPOLLET: both are told at each change") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  const int epoll = poller_with(queue, kBoth | EPOLLET);
  trace_event("empty", epoll);
  send_one(queue);
  trace_event("one message", epoll);
  send_one(queue);
  trace_event("full", epoll);
  trace_event("again", epoll);
  take_one(queue);
  trace_event("one taken", epoll);
  take_one(queue);
  trace_event("empty", epoll);
}

POSIX_TEST(readiness, 42, "EPOLLET: what was so before EPOLL_CTL_ADD is told once") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  fill(queue);
  const int epoll = poller_with(queue, kBoth | EPOLLET);
  trace_event("full", epoll);
  trace_event("again", epoll);
}

POSIX_TEST(readiness, 43, "EPOLLET in two instances: each is told once") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  const int first = poller_with(queue, EPOLLIN | EPOLLET);
  const int second = poller_with(queue, EPOLLIN | EPOLLET);
  send_one(queue);
  trace_event("first", first);
  send_one(queue);
  trace_event("first", first);
  trace_event("first again", first);
  trace_event("second", second);
  trace_event("second again", second);
}

POSIX_TEST(readiness, 44, "EPOLLET and a receiver that waits: a message handed to it is not told") {
  const mqd_t queue = open_queue();
  const int epoll = poller_with(queue, EPOLLIN | EPOLLET);
  const pid_t receiver = start_child([=] {
    take_one(queue);
    return 0;
  });
  wait_until_sleeping(receiver);
  send_one(queue);
  finish(receiver);
  trace_event("handed over", epoll);
  send_one(queue);
  trace_event("left in the queue", epoll);
}

POSIX_TEST(readiness, 45, "EPOLLOUT, EPOLLET and a sender that waits: room that it takes is not told") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  fill(queue);
  const int epoll = poller_with(queue, EPOLLOUT | EPOLLET);
  const pid_t sender = start_child([=] {
    send_one(queue);
    return 0;
  });
  wait_until_sleeping(sender);
  take_one(queue);
  finish(sender);
  trace_event("full again", epoll);
  take_one(queue);
  trace_event("one taken", epoll);
}

POSIX_TEST(readiness, 46, "EPOLLET in another process that drains after each event: it misses nothing") {
  constexpr int kMessages = 1000;
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  const mqd_t producer_end = ::mq_open(queue_name(), O_WRONLY);
  const pid_t consumer = start_child([=] {
    const int epoll = poller_with(queue, EPOLLIN | EPOLLET);
    char buffer[16];
    for (int count = 0; count < kMessages;) {
      next_event(epoll, kForEver);
      while (::mq_receive(queue, buffer, sizeof buffer, nullptr) >= 0) ++count;
      if (errno != EAGAIN) return 1;
    }
    return 0;
  });
  for (int count = 0; count < kMessages; ++count) send_one(producer_end);
  traced("consumer", finish(consumer));
  trace_ready("afterwards", queue);
}

POSIX_TEST(readiness, 47, "EPOLLOUT and EPOLLET in a process that fills after each event: it misses nothing") {
  constexpr int kMessages = 1000;
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  const mqd_t consumer_end = ::mq_open(queue_name(), O_RDONLY);
  const pid_t producer = start_child([=] {
    const int epoll = poller_with(queue, EPOLLOUT | EPOLLET);
    for (int count = 0; count < kMessages;) {
      next_event(epoll, kForEver);
      while (count < kMessages && ::mq_send(queue, "m", 1, 0) == 0) ++count;
      if (count < kMessages && errno != EAGAIN) return 1;
    }
    return 0;
  });
  for (int count = 0; count < kMessages; ++count) take_one(consumer_end);
  traced("producer", finish(producer));
  trace_ready("afterwards", queue);
}

POSIX_TEST(readiness, 48, "EPOLLET in a waiting process that takes one message for each event of one send") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  const pid_t consumer = start_child([=] {
    const int epoll = poller_with(queue, EPOLLIN | EPOLLET);
    for (int count = 0; count < 3; ++count) {
      trace_event("told", epoll, kForEver);
      take_one(queue);
    }
    return 0;
  });
  for (int count = 0; count < 3; ++count) {
    wait_until_sleeping(consumer);
    send_one(queue);
  }
  traced("consumer", finish(consumer));
}

POSIX_TEST(readiness, 49, "EPOLLONESHOT: told once, and again after EPOLL_CTL_MOD") {
  const mqd_t queue = open_queue();
  const int epoll = poller_with(queue, EPOLLIN | EPOLLONESHOT);
  send_one(queue);
  trace_event("one message", epoll);
  send_one(queue);
  trace_event("two messages", epoll);
  traced("EPOLL_CTL_MOD", control(epoll, EPOLL_CTL_MOD, queue, EPOLLIN | EPOLLONESHOT));
  trace_event("armed again", epoll);
  trace_event("again", epoll);
}

POSIX_TEST(readiness, 50, "EPOLL_CTL_MOD and EPOLL_CTL_DEL, and their errors") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  const int epoll = poller_with(queue, EPOLLIN);
  traced("added twice", control(epoll, EPOLL_CTL_ADD, queue, EPOLLIN));
  traced("EPOLL_CTL_MOD", control(epoll, EPOLL_CTL_MOD, queue, EPOLLOUT));
  trace_event("empty", epoll);
  fill(queue);
  trace_event("full", epoll);
  traced("EPOLL_CTL_MOD", control(epoll, EPOLL_CTL_MOD, queue, kBoth));
  trace_event("full", epoll);
  traced("EPOLL_CTL_DEL", control(epoll, EPOLL_CTL_DEL, queue));
  trace_event("removed", epoll);
  traced("removed twice", control(epoll, EPOLL_CTL_DEL, queue));
  traced("changed when removed", control(epoll, EPOLL_CTL_MOD, queue, EPOLLIN));
  traced("no event", ::epoll_ctl(epoll, EPOLL_CTL_ADD, queue, null_pointer<epoll_event>()));
  traced("no epoll", control(queue, EPOLL_CTL_ADD, epoll, EPOLLIN));
}

POSIX_TEST(readiness, 51, "EPOLLEXCLUSIVE: the waiting process is told") {
  const mqd_t queue = open_queue();
  const pid_t child = start_child([=] {
    trace_event("told", poller_with(queue, EPOLLIN | EPOLLEXCLUSIVE), kForEver);
    return 0;
  });
  wait_until_sleeping(child);
  send_one(queue);
  finish(child);
}

POSIX_TEST(readiness, 52, "a duplicate and its original in one epoll instance: both are told") {
  const mqd_t queue = open_queue();
  const mqd_t twin = ::dup(queue);
  const int epoll = poller_with(queue, EPOLLIN);
  traced("EPOLL_CTL_ADD", control(epoll, EPOLL_CTL_ADD, twin, EPOLLIN));
  send_one(twin);
  epoll_event events[4];
  traced("epoll_wait", ::epoll_wait(epoll, events, 4, 0));
  take_one(queue);
  traced("epoll_wait", ::epoll_wait(epoll, events, 4, 0));
}

POSIX_TEST(readiness, 53, "closing the last descriptor takes the queue out of epoll, closing another does not") {
  const mqd_t queue = open_queue();
  const mqd_t second = ::mq_open(queue_name(), O_RDWR);
  const int epoll = poller_with(queue, EPOLLIN);
  const mqd_t twin = ::dup(queue);
  ::mq_close(queue);
  send_one(second);
  trace_event("a duplicate is left", epoll);
  ::mq_close(twin);
  trace_event("none is left", epoll);
}

POSIX_TEST(readiness, 54, "an epoll instance in another: told by the outer one, in this process and in another") {
  const mqd_t queue = open_queue();
  const int inner = poller_with(queue, EPOLLIN);
  const int outer = poller_with(inner, EPOLLIN);
  trace_event("empty", outer);
  send_one(queue);
  trace_event("outer", outer);
  trace_event("inner", inner);
  trace_ready("polled", inner);
  take_one(queue);
  trace_event("empty", outer);
  const pid_t child = start_child([=] {
    trace_event("outer", outer, kForEver);
    return 0;
  });
  wait_until_sleeping(child);
  send_one(queue);
  finish(child);
}

POSIX_TEST(readiness, 55, "an epoll instance that a child inherited tells it what its parent sends") {
  const mqd_t queue = open_queue();
  const int epoll = poller_with(queue, EPOLLIN);
  const pid_t child = start_child([=] {
    trace_event("child", epoll, kForEver);
    take_one(queue);
    trace_event("child, empty", epoll);
    return 0;
  });
  wait_until_sleeping(child);
  send_one(queue);
  finish(child);
  send_one(queue);
  trace_event("parent", epoll);
}

POSIX_TEST(readiness, 56, "a queue that a child put into an inherited epoll instance stays there when it ends") {
  const mqd_t queue = open_queue();
  const int epoll = poller();
  in_child([=] { return control(epoll, EPOLL_CTL_ADD, queue, EPOLLIN); });
  send_one(queue);
  trace_event("told", epoll);
  take_one(queue);
  const pid_t parent = ::getpid();
  const pid_t child = start_child([=] {
    wait_until_sleeping(parent);
    send_one(queue);
    return 0;
  });
  trace_event("waited for", epoll, kForEver);
  finish(child);
}

// ---- Descriptors from elsewhere -------------------------------------------------------------------------------------

namespace {

constexpr int kKept = 60;  // the number that new images of this program find

pid_t start_new_image(const char* part, int descriptor) {
  return start_child([=] {
    ::dup2(descriptor, kKept);
    ::execl(program(), program(), "--part", part, nullptr);
    return 127;
  });
}

}  // namespace

POSIX_PART(poll_inherited) {
  trace_ready("poll", kKept, by_poll);
  trace_ready("select", kKept, by_select);
  trace_ready("epoll", kKept, by_epoll);
  trace("wanted in: %s", words_of(by_poll(kKept, EPOLLIN, kForEver)).c_str());
  take_one(kKept);
  trace_ready("taken", kKept);
}

POSIX_PART(wait_on_inherited_epoll) { trace_event("told", kKept, kForEver); }

POSIX_TEST(readiness, 57, "a descriptor that survived exec is polled before any other call on it") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  const pid_t child = start_new_image("poll_inherited", queue);
  wait_until_sleeping(child);
  send_one(queue);
  traced("child", finish(child));
}

POSIX_TEST(readiness, 58, "an epoll instance that survived exec, with a queue in it that did not") {
  const mqd_t queue = open_queue();
  const pid_t child = start_new_image("wait_on_inherited_epoll", poller_with(queue, EPOLLIN));
  wait_until_sleeping(child);
  send_one(queue);
  traced("child", finish(child));
}

POSIX_TEST(readiness, 59, "a descriptor duplicated after it was put into epoll, and polled through the duplicate") {
  const mqd_t queue = open_queue();
  const int epoll = poller_with(queue, EPOLLIN);
  const mqd_t twin = ::fcntl(queue, F_DUPFD_CLOEXEC, 100);
  send_one(twin);
  trace_event("original", epoll);
  trace_ready("duplicate", twin);
  take_one(twin);
  trace_event("original", epoll);
  trace_ready("duplicate", twin, by_select);
}

POSIX_TEST(readiness, 60, "an unlinked queue is polled like any other, by two processes") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  ::mq_unlink(queue_name());
  trace_ready("empty", queue);
  const pid_t child = start_child([=] {
    trace("wanted in: %s", words_of(by_poll(queue, EPOLLIN, kForEver)).c_str());
    return 0;
  });
  wait_until_sleeping(child);
  send_one(queue);
  finish(child);
  trace_ready("one message", queue, by_epoll);
}

// ---- Death ----------------------------------------------------------------------------------------------------------

POSIX_TEST(readiness, 61, "a process that is killed while it polls leaves the queue as it is") {
  const mqd_t queue = open_queue(O_RDWR, 2);
  for (const Wait wait : {by_poll, by_select, by_epoll}) {
    const pid_t child = start_child([=] { return wait(queue, EPOLLIN, kForEver) == EPOLLIN ? 0 : 1; });
    wait_until_sleeping(child);
    ::kill(child, SIGKILL);
    traced("child", finish(child));
    trace_ready("empty", queue, wait);
    send_one(queue);
    trace_ready("one message", queue, wait);
    take_one(queue);
    trace_ready("empty", queue, wait);
  }
}

POSIX_TEST(readiness, 62, "senders that are killed at any moment: poll says what a receive finds") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4);
  int wrong = 0;
  for (int round = 0; round < 20; ++round) {
    const pid_t sender = start_child([] {
      const mqd_t mine = ::mq_open(queue_name(), O_WRONLY);
      while (::mq_send(mine, "m", 1, 0) == 0) {
      }
      return 1;
    });
    for (int count = 0; count < 20 + 7 * round; ++count) {
      by_poll(queue, EPOLLIN, kForEver);
      take_one(queue);
    }
    ::kill(sender, SIGKILL);
    finish(sender);
    char buffer[16];
    while (by_poll(queue, EPOLLIN, 0) != 0) {
      if (::mq_receive(queue, buffer, sizeof buffer, nullptr) < 0) ++wrong;
    }
    if (::mq_receive(queue, buffer, sizeof buffer, nullptr) >= 0) ++wrong;
  }
  traced("wrong", wrong);
  trace_ready("empty", queue);
}

POSIX_TEST(readiness, 63, "receivers that are killed at any moment: poll says what a send finds") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 4);
  int wrong = 0;
  for (int round = 0; round < 20; ++round) {
    const pid_t receiver = start_child([] {
      const mqd_t mine = ::mq_open(queue_name(), O_RDONLY);
      for (;;) take_one(mine);
      return 1;
    });
    for (int count = 0; count < 20 + 7 * round; ++count) {
      by_poll(queue, EPOLLOUT, kForEver);
      send_one(queue);
    }
    ::kill(receiver, SIGKILL);
    finish(receiver);
    while (by_poll(queue, EPOLLOUT, 0) != 0) {
      if (::mq_send(queue, "m", 1, 0) < 0) ++wrong;
    }
    if (::mq_send(queue, "m", 1, 0) == 0) ++wrong;
  }
  traced("wrong", wrong);
  trace_ready("full", queue);
}

POSIX_TEST(readiness, 64, "many polled and closed one after the other: nothing is left of them") {
  int wrong = 0;
  for (int count = 0; count < 500; ++count) {
    const mqd_t queue = open_queue(O_RDWR, 2);
    if (by_poll(queue, kBoth, 0) != EPOLLOUT) ++wrong;
    send_one(queue);
    if (by_epoll(queue, kBoth, 0) != kBoth) ++wrong;
    ::mq_close(queue);
    ::mq_unlink(queue_name());
  }
  traced("wrong", wrong);
}

POSIX_TEST(readiness, 65, "random sends and receives of two processes: every look agrees with what follows") {
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK, 3);
  const pid_t other = start_child([] {
    const mqd_t mine = ::mq_open(queue_name(), O_RDWR | O_NONBLOCK);
    char buffer[16];
    for (unsigned step = 12345; ::getppid() > 1;) {
      step = step * 1103515245U + 12345U;
      if ((step >> 16 & 1U) != 0) {
        ::mq_send(mine, "m", 1, step >> 20 & 7U);
      } else {
        ::mq_receive(mine, buffer, sizeof buffer, nullptr);
      }
    }
    return 0;
  });
  char buffer[16];
  for (int count = 0; count < 2000; ++count) {
    by_poll(queue, EPOLLIN, kForEver);
    ::mq_receive(queue, buffer, sizeof buffer, nullptr);
    by_poll(queue, EPOLLOUT, kForEver);
    ::mq_send(queue, "m", 1, 0);
  }
  ::kill(other, SIGKILL);
  finish(other);
  int wrong = 0;
  for (int count = 0; count < 10; ++count) {
    const bool readable = by_poll(queue, EPOLLIN, 0) != 0;
    if ((::mq_receive(queue, buffer, sizeof buffer, nullptr) >= 0) != readable) ++wrong;
  }
  traced("wrong", wrong);
}
