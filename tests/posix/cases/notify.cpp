// mq_notify: who is told of a message, how, when, and what ends a registration.

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <thread>

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.hpp"

namespace {

constexpr int kValue = 4242;
constexpr int kKept = 60;  // the number that new images of this program find

// ---- Signals --------------------------------------------------------------------------------------------------------

sigevent by_signal(int signal = SIGUSR1, int value = kValue) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal;
  event.sigev_value.sival_int = value;
  return event;
}

int want_signal(mqd_t queue, int signal = SIGUSR1, int value = kValue) {
  const sigevent event = by_signal(signal, value);
  return ::mq_notify(queue, &event);
}

void trace_signal(const char* what, const siginfo_t& info, pid_t sender) {
  trace("%s: %s, code %s, value %d, sender's pid: %s, its uid: %s", what, ::sigabbrev_np(info.si_signo),
        info.si_code == SI_MESGQ ? "SI_MESGQ" : "another", info.si_value.sival_int,
        info.si_pid == sender ? "yes" : "no", info.si_uid == ::getuid() ? "yes" : "no");
}

sigset_t only(int signal) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  return set;
}

void block(int signal = SIGUSR1) {
  const sigset_t set = only(signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool is_pending(int signal = SIGUSR1) {
  sigset_t set;
  ::sigpending(&set);
  return ::sigismember(&set, signal) == 1;
}

/// Takes the pending signal; "none" when there is none. REQUIRES: it is blocked.
void trace_taken(const char* what, pid_t sender = ::getpid(), int signal = SIGUSR1) {
  const sigset_t set = only(signal);
  const timespec now{};
  siginfo_t info{};
  if (::sigtimedwait(&set, &info, &now) < 0) return trace("%s: none", what);
  trace_signal(what, info, sender);
}

void trace_waited(const char* what, pid_t sender, int signal = SIGUSR1) {
  const sigset_t set = only(signal);
  siginfo_t info{};
  while (::sigwaitinfo(&set, &info) < 0) {
  }
  trace_signal(what, info, sender);
}

void on_signal(int signal, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(signal, &action, nullptr);
}

void trace_from_handler(int, siginfo_t* info, void*) { trace_signal("handler", *info, ::getpid()); }

void send_one(mqd_t queue) {
  if (::mq_send(queue, "m", 1, 0) != 0) give_up("cannot send: %s", error_name(errno));
}

void take_one(mqd_t queue) {
  char buffer[8192];
  if (::mq_receive(queue, buffer, sizeof buffer, nullptr) < 0) give_up("cannot receive: %s", error_name(errno));
}

/// Says whether somebody is registered, and leaves it at that. Asked by a child, who cannot own the slot.
void trace_slot(const char* when, mqd_t queue) {
  const int status = in_child([=] { return want_signal(queue) == 0 ? 0 : errno; });
  trace("%s: %s", when, status == 0 ? "free" : status == EBUSY ? "taken" : error_name(status));
}

// ---- Threads --------------------------------------------------------------------------------------------------------

int notified = -1;  ///< an eventfd that the function writes, for the thread that waits

void wait_for_function() {
  eventfd_t count = 0;
  ::eventfd_read(notified, &count);
}

void trace_function(sigval value) {
  trace("function: value %d", value.sival_int);
  ::eventfd_write(notified, 1);
}

sigevent by_thread(void (*function)(sigval), pthread_attr_t* attributes = nullptr) {
  if (notified < 0) notified = ::eventfd(0, EFD_SEMAPHORE);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = function;
  event.sigev_notify_attributes = attributes;
  event.sigev_value.sival_int = kValue;
  return event;
}

int want_thread(mqd_t queue, void (*function)(sigval) = trace_function) {
  const sigevent event = by_thread(function);
  return ::mq_notify(queue, &event);
}

int want_nothing(mqd_t queue) {
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  return ::mq_notify(queue, &event);
}

}  // namespace

// ---- SIGEV_SIGNAL ---------------------------------------------------------------------------------------------------

POSIX_TEST(notify, 1, "SIGEV_SIGNAL from the process itself: SI_MESGQ, pid, uid, value; handled when send returns") {
  const mqd_t queue = open_queue();
  on_signal(SIGUSR1, trace_from_handler);
  traced("notify", want_signal(queue));
  traced("send", ::mq_send(queue, "m", 1, 0));
  traced("depth", depth(queue));
}

POSIX_TEST(notify, 2, "a blocked signal is pending when send returns") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  trace("before: %s", is_pending() ? "pending" : "not pending");
  send_one(queue);
  trace("after: %s", is_pending() ? "pending" : "not pending");
  trace_taken("signal");
  trace_taken("signal");
}

POSIX_TEST(notify, 3, "from another process: its pid and uid, taken by sigwaitinfo") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  const pid_t owner = ::getpid();
  const pid_t sender = start_child([=] {
    wait_until_sleeping(owner);
    send_one(queue);
    return 0;
  });
  trace_waited("signal", sender);
  finish(sender);
}

POSIX_TEST(notify, 4, "from another process: pending when that process's send has returned") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  in_child([=] {
    send_one(queue);
    return 0;
  });
  trace("%s", is_pending() ? "pending" : "not pending");
}

POSIX_TEST(notify, 5, "the value as a pointer") {
  const mqd_t queue = open_queue();
  block();
  int object = 0;
  sigevent event = by_signal();
  event.sigev_value.sival_ptr = &object;
  traced("notify", ::mq_notify(queue, &event));
  send_one(queue);
  const sigset_t set = only(SIGUSR1);
  siginfo_t info{};
  ::sigwaitinfo(&set, &info);
  trace("the same pointer: %s", info.si_value.sival_ptr == &object ? "yes" : "no");
}

POSIX_TEST(notify, 6, "a handler that registers again and then drains: each burst is told once") {
  static mqd_t queue;
  queue = open_queue(O_RDWR | O_NONBLOCK);
  on_signal(SIGUSR1, [](int, siginfo_t*, void*) {
    traced("  notify", want_signal(queue));
    char buffer[16];
    while (::mq_receive(queue, buffer, sizeof buffer, nullptr) >= 0) trace("  one message");
    trace("  then %s", error_name(errno));
  });
  want_signal(queue);
  for (int count = 0; count < 3; ++count) traced("send", ::mq_send(queue, "m", 1, 0));
  traced("depth", depth(queue));
}

POSIX_TEST(notify, 7, "a realtime signal, the highest") {
  const mqd_t queue = open_queue();
  block(SIGRTMAX);
  traced("notify", want_signal(queue, SIGRTMAX));
  send_one(queue);
  const sigset_t set = only(SIGRTMAX);
  siginfo_t info{};
  trace("taken: %s", ::sigwaitinfo(&set, &info) == SIGRTMAX ? "yes" : "no");
  trace("code %s, value %d", info.si_code == SI_MESGQ ? "SI_MESGQ" : "another", info.si_value.sival_int);
}

POSIX_TEST(notify, 8, "two queues, two signals: each its own value") {
  const mqd_t first = open_named("-first");
  const mqd_t second = open_named("-second");
  block(SIGUSR1);
  block(SIGUSR2);
  want_signal(first, SIGUSR1, 1);
  want_signal(second, SIGUSR2, 2);
  send_one(second);
  trace_taken("first", ::getpid(), SIGUSR1);
  trace_taken("second", ::getpid(), SIGUSR2);
  send_one(first);
  trace_taken("first", ::getpid(), SIGUSR1);
}

POSIX_TEST(notify, 9, "a signal whose default is to end the process ends the registered one") {
  const mqd_t queue = open_queue();
  const Meeting meeting;
  const pid_t owner = start_child([=]() -> int {
    if (want_signal(queue) != 0) return 1;
    meeting.stay();
  });
  meeting.wait();
  send_one(queue);
  traced("owner", finish(owner));
  trace_slot("slot", queue);
}

POSIX_TEST(notify, 10, "a signal that interrupts the owner's receive from another queue: EINTR") {
  const mqd_t queue = open_queue();
  const mqd_t other = open_named("-other");
  on_signal(SIGUSR1, [](int, siginfo_t*, void*) {});
  want_signal(queue);
  const pid_t owner = ::getpid();
  const pid_t sender = start_child([=] {
    wait_until_sleeping(owner);
    send_one(queue);
    return 0;
  });
  trace_receive(other);
  finish(sender);
}

POSIX_TEST(notify, 11, "the signal goes to the process: a thread that lets it in handles it") {
  const mqd_t queue = open_queue();
  block();
  std::thread thread([=] {
    want_signal(queue);
    send_one(queue);
  });
  thread.join();
  trace_waited("main thread", ::getpid());
}

POSIX_TEST(notify, 12, "signal 0: the slot is taken and freed by a message, and nothing is sent") {
  const mqd_t queue = open_queue();
  traced("notify", want_signal(queue, 0));
  trace_slot("registered", queue);
  send_one(queue);
  trace_slot("after a message", queue);
}

// ---- SIGEV_THREAD ---------------------------------------------------------------------------------------------------

POSIX_TEST(notify, 13, "SIGEV_THREAD: the function runs with the value, in a thread of its own") {
  const mqd_t queue = open_queue();
  static pthread_t registrant;
  registrant = ::pthread_self();
  traced("notify", want_thread(queue, [](sigval value) {
           trace("another thread: %s", ::pthread_equal(registrant, ::pthread_self()) != 0 ? "no" : "yes");
           trace_function(value);
         }));
  send_one(queue);
  wait_for_function();
  trace_slot("afterwards", queue);
}

POSIX_TEST(notify, 14, "SIGEV_THREAD from another process") {
  const mqd_t queue = open_queue();
  want_thread(queue);
  in_child([=] {
    send_one(queue);
    return 0;
  });
  wait_for_function();
}

POSIX_TEST(notify, 15, "SIGEV_THREAD honours the attributes: stack size, guard size; the thread is detached") {
  const mqd_t queue = open_queue();
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, 3 << 20);
  ::pthread_attr_setguardsize(&attributes, 64 << 10);
  const sigevent event = by_thread(
      [](sigval value) {
        pthread_attr_t mine;
        ::pthread_getattr_np(::pthread_self(), &mine);
        std::size_t stack = 0;
        std::size_t guard = 0;
        int detached = 0;
        ::pthread_attr_getstacksize(&mine, &stack);
        ::pthread_attr_getguardsize(&mine, &guard);
        ::pthread_attr_getdetachstate(&mine, &detached);
        ::pthread_attr_destroy(&mine);
        trace("stack %zu KiB, guard %zu KiB, %s", stack >> 10, guard >> 10,
              detached == PTHREAD_CREATE_DETACHED ? "detached" : "joinable");
        trace_function(value);
      },
      &attributes);
  traced("notify", ::mq_notify(queue, &event));
  ::pthread_attr_destroy(&attributes);
  send_one(queue);
  wait_for_function();
}

POSIX_TEST(notify, 16, "SIGEV_THREAD with attributes that say detached") {
  const mqd_t queue = open_queue();
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  const sigevent event = by_thread(trace_function, &attributes);
  traced("notify", ::mq_notify(queue, &event));
  send_one(queue);
  wait_for_function();
}

namespace {

mqd_t rearmed = -1;
int rearmed_calls = 0;

void rearm_and_drain(sigval) {
  ++rearmed_calls;
  if (want_thread(rearmed, rearm_and_drain) != 0) trace("notify -> %s", error_name(errno));
  char buffer[16];
  while (::mq_receive(rearmed, buffer, sizeof buffer, nullptr) >= 0) {
  }
  ::eventfd_write(notified, 1);
}

}  // namespace

POSIX_TEST(notify, 17, "SIGEV_THREAD: a function that registers again and drains, 100 times") {
  rearmed = open_queue(O_RDWR | O_NONBLOCK);
  traced("notify", want_thread(rearmed, rearm_and_drain));
  for (int count = 0; count < 100; ++count) {
    send_one(rearmed);
    wait_for_function();
  }
  trace("calls %d, depth %ld", rearmed_calls, depth(rearmed));
}

POSIX_TEST(notify, 18, "SIGEV_THREAD: NULL takes it back, and the function does not run") {
  const mqd_t queue = open_queue();
  want_thread(queue);
  traced("take back", ::mq_notify(queue, nullptr));
  send_one(queue);
  take_one(queue);
  traced("notify", want_thread(queue));
  send_one(queue);
  wait_for_function();
}

POSIX_TEST(notify, 19, "SIGEV_THREAD: a function that ends its thread with pthread_exit, and another afterwards") {
  const mqd_t queue = open_queue();
  for (int count = 0; count < 2; ++count) {
    traced("notify", want_thread(queue, [](sigval value) {
             trace_function(value);
             ::pthread_exit(nullptr);
           }));
    send_one(queue);
    wait_for_function();
    take_one(queue);
  }
}

POSIX_TEST(notify, 20, "SIGEV_THREAD: a function that waits does not hold up another queue's") {
  const mqd_t slow = open_named("-slow");
  const mqd_t quick = open_named("-quick");
  static int held;
  held = ::eventfd(0, 0);
  want_thread(slow, [](sigval value) {
    eventfd_t count = 0;
    ::eventfd_read(held, &count);
    trace_function(value);
  });
  want_thread(quick, [](sigval) {
    trace("quick");
    ::eventfd_write(notified, 1);
  });
  send_one(slow);
  send_one(quick);
  wait_for_function();
  ::eventfd_write(held, 1);
  wait_for_function();
}

POSIX_TEST(notify, 21, "SIGEV_THREAD in a child of a process that used it") {
  const mqd_t queue = open_queue();
  want_thread(queue);
  send_one(queue);
  wait_for_function();
  take_one(queue);
  in_child([=] {
    traced("notify", want_thread(queue));
    send_one(queue);
    wait_for_function();
    take_one(queue);
    return 0;
  });
  traced("notify", want_thread(queue));
  send_one(queue);
  wait_for_function();
}

POSIX_TEST(notify, 22, "SIGEV_THREAD: the function's thread lets signals in, also those that the registrant blocked") {
  const mqd_t queue = open_queue();
  block(SIGUSR2);
  want_thread(queue, [](sigval value) {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM}) {
      trace("%s: %s", ::sigabbrev_np(signal), ::sigismember(&mask, signal) == 1 ? "blocked" : "let in");
    }
    trace_function(value);
  });
  send_one(queue);
  wait_for_function();
}

POSIX_TEST(notify, 23, "a process that waits for SIGEV_THREAD can be ended by a signal, and exit frees the slot") {
  const mqd_t queue = open_queue();
  const Meeting meeting;
  const pid_t owner = start_child([=]() -> int {
    if (want_thread(queue) != 0) return 1;
    meeting.stay();
  });
  meeting.wait();
  trace_slot("registered", queue);
  ::kill(owner, SIGTERM);
  traced("owner", finish(owner));
  trace_slot("ended", queue);
}

// ---- SIGEV_NONE -----------------------------------------------------------------------------------------------------

POSIX_TEST(notify, 24, "SIGEV_NONE takes the slot, and the next arrival frees it") {
  const mqd_t queue = open_queue();
  traced("notify", want_nothing(queue));
  trace_slot("registered", queue);
  send_one(queue);
  trace_slot("after a message", queue);
}

// ---- When -----------------------------------------------------------------------------------------------------------

POSIX_TEST(notify, 25, "once: the second arrival is not told, and the slot is free") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  send_one(queue);
  trace_taken("first");
  take_one(queue);
  send_one(queue);
  trace_taken("second");
  trace_slot("slot", queue);
}

POSIX_TEST(notify, 26, "registered on a queue with messages: told when it was emptied and a message came") {
  const mqd_t queue = open_queue();
  block();
  send_one(queue);
  traced("notify", want_signal(queue));
  trace_taken("at once");
  send_one(queue);
  trace_taken("another message");
  take_one(queue);
  take_one(queue);
  trace_taken("emptied");
  send_one(queue);
  trace_taken("a message came");
}

POSIX_TEST(notify, 27, "a message of no bytes, of the lowest and of the highest priority") {
  const mqd_t queue = open_queue();
  block();
  for (const unsigned priority : {0U, 32767U}) {
    want_signal(queue);
    traced("send", ::mq_send(queue, "", 0, priority));
    trace_taken("told");
    take_one(queue);
  }
}

POSIX_TEST(notify, 28, "a receiver waits: it gets the message, and the registration stays") {
  const mqd_t queue = open_queue();
  block();
  const pid_t receiver = start_child([=] {
    trace_receive(queue);
    return 0;
  });
  want_signal(queue);
  wait_until_sleeping(receiver);
  ::mq_send(queue, "for it", 6, 0);
  finish(receiver);
  trace_taken("told");
  trace_slot("slot", queue);
  send_one(queue);
  trace_taken("told");
}

POSIX_TEST(notify, 29, "the same with a receiver that has a deadline, and in the same process") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  const pid_t main_thread = thread_id();
  std::thread sender([=] {
    wait_until_sleeping(main_thread);
    send_one(queue);
  });
  char buffer[16];
  const timespec deadline = from_now(15'000);
  traced("receive", ::mq_timedreceive(queue, buffer, sizeof buffer, nullptr, &deadline));
  sender.join();
  trace_taken("told");
  trace_slot("slot", queue);
}

POSIX_TEST(notify, 30, "a receiver that gave up waiting does not count any more") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  char buffer[16];
  const timespec deadline = from_now(30);
  traced("receive", ::mq_timedreceive(queue, buffer, sizeof buffer, nullptr, &deadline));
  send_one(queue);
  trace_taken("told");
}

POSIX_TEST(notify, 31, "a receiver that was killed while it waited does not count any more") {
  const mqd_t queue = open_queue();
  block();
  const pid_t receiver = start_child([=] {
    take_one(queue);
    return 0;
  });
  want_signal(queue);
  wait_until_sleeping(receiver);
  ::kill(receiver, SIGKILL);
  traced("receiver", finish(receiver));
  send_one(queue);
  trace_taken("told");
  traced("depth", depth(queue));
}

POSIX_TEST(notify, 32, "processes that wait in poll and epoll do not count") {
  const mqd_t queue = open_queue();
  block();
  const pid_t poller = start_child([=] {
    pollfd entry{.fd = queue, .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, -1) == 1 ? 0 : 1;
  });
  const pid_t epoller = start_child([=] {
    const int epoll = ::epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event);
    return ::epoll_wait(epoll, &event, 1, -1) == 1 ? 0 : 1;
  });
  wait_until_sleeping(poller);
  wait_until_sleeping(epoller);
  want_signal(queue);
  send_one(queue);
  trace_taken("told");
  traced("poll", finish(poller));
  traced("epoll", finish(epoller));
}

POSIX_DIFFERENCE(notify, 33, "a waiting sender's message that takes the place of the only one is no arrival") {
  const mqd_t queue = open_queue(O_RDWR, 1);
  block();
  fill(queue);
  const pid_t sender = start_child([=] {
    send_one(queue);
    return 0;
  });
  wait_until_sleeping(sender);
  want_signal(queue);
  take_one(queue);
  finish(sender);
  trace_taken("told", sender);
  trace_slot("slot", queue);
  take_one(queue);
  send_one(queue);
  trace_taken("told");
}

POSIX_TEST(notify, 34, "a failed send tells nobody: too large, too late, wrong priority") {
  const mqd_t queue = open_queue(O_RDWR, 4, 16);
  block();
  want_signal(queue);
  char buffer[17] = {};
  traced("too large", ::mq_send(queue, buffer, 17, 0));
  traced("priority", ::mq_send(queue, buffer, 1, 32768));
  trace_taken("told");
  trace_slot("slot", queue);
}

// ---- One registration -----------------------------------------------------------------------------------------------

POSIX_TEST(notify, 35, "EBUSY: for the same process, through another descriptor, and for another process") {
  const mqd_t queue = open_queue();
  const mqd_t second = ::mq_open(queue_name(), O_RDONLY);
  block();
  traced("notify", want_signal(queue));
  traced("again", want_signal(queue));
  traced("other descriptor", want_signal(second));
  traced("SIGEV_NONE", want_nothing(queue));
  traced("SIGEV_THREAD", want_thread(queue));
  in_child([=] {
    traced("child", want_signal(queue));
    traced("its own descriptor", want_signal(::mq_open(queue_name(), O_RDONLY)));
    return 0;
  });
  send_one(queue);
  trace_taken("told");
}

POSIX_TEST(notify, 36, "NULL takes it back, through any descriptor of the queue; twice is fine") {
  const mqd_t queue = open_queue();
  const mqd_t second = ::mq_open(queue_name(), O_WRONLY);
  block();
  traced("nobody", ::mq_notify(queue, nullptr));
  want_signal(queue);
  traced("owner", ::mq_notify(second, nullptr));
  trace_slot("slot", queue);
  send_one(queue);
  trace_taken("told");
  traced("again", ::mq_notify(queue, nullptr));
}

POSIX_TEST(notify, 37, "NULL of a process that is not registered: 0, and nothing happens") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  in_child([=] { return static_cast<int>(traced("child", ::mq_notify(queue, nullptr))); });
  trace_slot("slot", queue);
  send_one(queue);
  trace_taken("told");
}

POSIX_TEST(notify, 38, "the child of a registered process is not registered, and its close changes nothing") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  in_child([=] {
    traced("notify", want_signal(queue));
    traced("close", ::mq_close(queue));
    return 0;
  });
  trace_slot("slot", queue);
  in_child([=] {
    send_one(queue);
    trace_taken("child told");
    return 0;
  });
  trace("parent: %s", is_pending() ? "pending" : "not pending");
}

POSIX_TEST(notify, 39, "each queue has a slot of its own") {
  const mqd_t first = open_named("-first");
  const mqd_t second = open_named("-second");
  traced("first", want_signal(first));
  traced("second", want_signal(second));
  trace_slot("first", first);
  trace_slot("second", second);
}

POSIX_TEST(notify, 40, "a write-only descriptor is accepted") {
  open_queue();
  const mqd_t writer = ::mq_open(queue_name(), O_WRONLY);
  block();
  traced("notify", want_signal(writer));
  send_one(writer);
  trace_taken("told");
}

POSIX_TEST(notify, 41, "a descriptor that came by dup or from before fork is as good") {
  const mqd_t queue = open_queue();
  block();
  traced("dup", want_signal(::dup(queue)));
  send_one(queue);
  trace_taken("told");
  take_one(queue);
  in_child([=] {
    traced("child", want_signal(queue));
    send_one(queue);
    trace_taken("told");
    return 0;
  });
}

// ---- The end of a registration --------------------------------------------------------------------------------------

POSIX_TEST(notify, 42, "closing any descriptor of the queue in the registered process ends it") {
  const struct {
    const char* what;
    void (*close)(mqd_t queue);
  } ways[] = {{"mq_close of a second mq_open", [](mqd_t) { ::mq_close(::mq_open(queue_name(), O_RDWR)); }},
              {"close of a duplicate", [](mqd_t queue) { ::close(::dup(queue)); }},
              {"dup2 over a duplicate", [](mqd_t queue) { ::dup2(STDOUT_FILENO, ::dup(queue)); }},
              {"close_range", [](mqd_t queue) {
                 const auto twin = static_cast<unsigned>(::dup(queue));
                 ::close_range(twin, twin, 0);
               }}};
  const mqd_t queue = open_queue();
  for (const auto& way : ways) {
    want_signal(queue);
    trace_slot("registered", queue);
    way.close(queue);
    trace_slot(way.what, queue);
  }
}

POSIX_TEST(notify, 43, "closing the descriptor that was used: nothing is told, and the slot is free") {
  const mqd_t queue = open_queue();
  const Meeting meeting;
  const pid_t owner = start_child([=]() -> int {
    block();
    const mqd_t mine = ::mq_open(queue_name(), O_RDONLY);
    want_signal(mine);
    ::mq_close(mine);
    meeting.stay();
  });
  meeting.wait();
  trace_slot("slot", queue);
  ::kill(owner, SIGKILL);
  finish(owner);
}

POSIX_TEST(notify, 44, "closing descriptors of another queue does not end it") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  ::mq_close(open_named("-other"));
  trace_slot("slot", queue);
}

POSIX_TEST(notify, 45, "closed by another thread of the registered process: ended") {
  const mqd_t queue = open_queue();
  want_signal(queue);
  std::thread([=] { ::mq_close(::dup(queue)); }).join();
  trace_slot("slot", queue);
}

POSIX_TEST(notify, 46, "the registered process exits: the slot is free") {
  const mqd_t queue = open_queue();
  in_child([=] { return static_cast<int>(traced("notify", want_signal(queue))); });
  trace_slot("slot", queue);
  traced("send", ::mq_send(queue, "m", 1, 0));
}

POSIX_TEST(notify, 47, "the registered process is killed: the slot is free, and the next one is told") {
  const mqd_t queue = open_queue();
  block();
  const Meeting meeting;
  const pid_t owner = start_child([=]() -> int {
    want_signal(queue);
    meeting.stay();
  });
  meeting.wait();
  traced("notify", want_signal(queue));
  ::kill(owner, SIGKILL);
  finish(owner);
  traced("notify", want_signal(queue));
  send_one(queue);
  trace_taken("told");
}

POSIX_TEST(notify, 48, "the registered process is killed, and nobody registers: messages come and go") {
  const mqd_t queue = open_queue();
  const Meeting meeting;
  const pid_t owner = start_child([=]() -> int {
    want_signal(queue);
    meeting.stay();
  });
  meeting.wait();
  ::kill(owner, SIGKILL);
  finish(owner);
  for (int count = 0; count < 3; ++count) {
    traced("send", ::mq_send(queue, "m", 1, 0));
    trace_receive(queue);
  }
  traced("notify", want_signal(queue));
}

POSIX_PART(sleep_on) {
  for (;;) ::pause();
}

POSIX_TEST(notify, 49, "exec that closes the descriptors ends it") {
  const mqd_t queue = open_queue();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("no pipe");
  const pid_t owner = start_child([=] {
    traced("notify", want_signal(queue));
    ::execl(program(), program(), "--part", "sleep_on", nullptr);
    return 127;
  });
  ::close(ends[1]);
  char byte = 0;
  traced("exec", ::read(ends[0], &byte, 1));
  trace_slot("slot", queue);
  send_one(queue);
  wait_until_sleeping(owner);
  ::kill(owner, SIGKILL);
  traced("owner", finish(owner));
}

POSIX_PART(send_to_itself) {
  traced("notify", want_signal(kKept));
  send_one(kKept);
  trace_taken("told");
}

POSIX_DIFFERENCE(notify, 50, "a descriptor that survives exec keeps the slot, but the new image is not told") {
  const mqd_t queue = open_queue();
  in_child([=] {
    block();
    ::dup2(queue, kKept);
    ::fcntl(queue, F_SETFD, 0);  // that exec closed it would end the registration
    want_signal(queue);
    ::execl(program(), program(), "--part", "send_to_itself", nullptr);
    return 127;
  });
  trace_slot("slot", queue);
}

POSIX_TEST(notify, 51, "mq_unlink does not end it") {
  const mqd_t queue = open_queue();
  block();
  want_signal(queue);
  ::mq_unlink(queue_name());
  trace_slot("slot", queue);
  send_one(queue);
  trace_taken("told");
}

POSIX_TEST(notify, 52, "the thread that registered has ended: the process is told") {
  const mqd_t queue = open_queue();
  block();
  std::thread([=] { want_signal(queue); }).join();
  in_child([=] {
    send_one(queue);
    return 0;
  });
  trace("%s", is_pending() ? "pending" : "not pending");
}

// ---- Errors ---------------------------------------------------------------------------------------------------------

POSIX_TEST(notify, 53, "EBADF for what is no queue, EINVAL for a wrong event, and the event is looked at first") {
  const mqd_t queue = open_queue();
  int ends[2];
  if (::pipe(ends) != 0) give_up("no pipe");
  sigevent event = by_signal();
  event.sigev_notify = 99;
  traced("unknown", ::mq_notify(queue, &event));
  traced("unknown, no queue", ::mq_notify(-1, &event));
  for (const int signal : {-1, 65, INT_MAX}) traced("signal", want_signal(queue, signal));
  traced("signal, no queue", want_signal(-1, 65));
  traced("64", want_signal(queue, 64));
  traced("pipe", want_signal(ends[0]));
  traced("-1", want_signal(-1));
  traced("pipe, NULL", ::mq_notify(ends[0], nullptr));
  traced("-1, NULL", ::mq_notify(-1, nullptr));
  traced("-1, SIGEV_THREAD", want_thread(-1));
  traced("-1, SIGEV_NONE", want_nothing(-1));
}

POSIX_TEST(notify, 54, "calls that succeed leave errno alone") {
  const mqd_t queue = open_queue();
  block();
  constexpr int kStale = 4711;
  errno = kStale;
  want_signal(queue);
  trace("notify: %s", errno == kStale ? "untouched" : "touched");
  send_one(queue);
  trace("send that tells: %s", errno == kStale ? "untouched" : "touched");
  ::mq_notify(queue, nullptr);
  trace("NULL: %s", errno == kStale ? "untouched" : "touched");
  take_one(queue);
  trace_taken("told");
  errno = kStale;
  want_thread(queue, [](sigval) { ::eventfd_write(notified, 1); });
  trace("SIGEV_THREAD: %s", errno == kStale ? "untouched" : "touched");
  send_one(queue);
  trace("send that starts it: %s", errno == kStale ? "untouched" : "touched");
  wait_for_function();
}

// ---- Nothing is lost ------------------------------------------------------------------------------------------------

POSIX_TEST(notify, 55, "registering and then draining, against a producer of 1000 messages: nothing is lost") {
  constexpr int kMessages = 1000;
  const mqd_t queue = open_queue(O_RDWR | O_NONBLOCK);
  block();
  const pid_t producer = start_child([] {
    const mqd_t mine = ::mq_open(queue_name(), O_WRONLY);
    for (int message = 0; message < kMessages; ++message) {
      if (::mq_send(mine, reinterpret_cast<const char*>(&message), sizeof message, 0) != 0) return 1;
    }
    return 0;
  });
  const sigset_t set = only(SIGUSR1);
  int received = 0;
  int in_order = 0;
  for (;;) {
    if (want_signal(queue) != 0) trace("notify -> %s", error_name(errno));
    char buffer[16];
    while (::mq_receive(queue, buffer, sizeof buffer, nullptr) == sizeof(int)) {
      int message = -1;
      std::memcpy(&message, buffer, sizeof message);
      if (message == received) ++in_order;
      ++received;
    }
    if (received == kMessages) break;
    siginfo_t info{};
    ::sigwaitinfo(&set, &info);
  }
  traced("producer", finish(producer));
  traced("in order", in_order);
}

POSIX_TEST(notify, 56, "1000 registrations in a row, each told of one message by another process") {
  constexpr int kRounds = 1000;
  const mqd_t queue = open_named("-there");
  const mqd_t back = open_named("-back");
  block();
  const pid_t sender = start_child([=] {
    for (int round = 0; round < kRounds; ++round) {
      take_one(back);
      send_one(queue);
    }
    return 0;
  });
  const sigset_t set = only(SIGUSR1);
  int told = 0;
  for (int round = 0; round < kRounds; ++round) {
    if (want_signal(queue, SIGUSR1, round) != 0) break;
    send_one(back);
    siginfo_t info{};
    ::sigwaitinfo(&set, &info);
    if (info.si_value.sival_int == round && info.si_pid == sender && depth(queue) == 1) ++told;
    take_one(queue);
  }
  traced("sender", finish(sender));
  traced("told", told);
}

POSIX_TEST(notify, 57, "two processes that compete for the slot: every message is told to exactly one of them") {
  const mqd_t queue = open_queue();
  const int told = ::eventfd(0, EFD_SEMAPHORE);
  const auto compete = [=] {
    block();
    const sigset_t set = only(SIGUSR1);
    for (;;) {
      while (want_signal(queue) != 0) ::usleep(100);
      siginfo_t info{};
      ::sigwaitinfo(&set, &info);
      take_one(queue);
      ::eventfd_write(told, 1);
    }
    return 0;
  };
  const pid_t children[] = {start_child(compete), start_child(compete)};
  for (int round = 0; round < 100; ++round) {
    while (want_nothing(queue) == 0) {  // nobody yet
      ::mq_notify(queue, nullptr);
      ::usleep(100);
    }
    send_one(queue);
    eventfd_t count = 0;
    ::eventfd_read(told, &count);
  }
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    finish(child);
  }
  traced("left", depth(queue));
}
