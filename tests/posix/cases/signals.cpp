// Signals and cancellation while a call waits: EINTR, restarts, handlers that make calls themselves, and threads that
// are cancelled.

#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.hpp"

namespace {

constexpr long kLongEnough = 15'000;  // milliseconds; more than a case takes, less than the watchdog's patience

/// The four calls that wait.
struct Call {
  const char* name;
  bool sends;
  bool timed;
};
constexpr Call kCalls[] = {{"mq_receive", false, false},
                           {"mq_timedreceive", false, true},
                           {"mq_send", true, false},
                           {"mq_timedsend", true, true}};

long make(const Call& call, mqd_t queue, long within = kLongEnough) {
  char buffer[16];
  const timespec deadline = from_now(within);
  if (call.sends) {
    return call.timed ? ::mq_timedsend(queue, "made", 4, 0, &deadline) : ::mq_send(queue, "made", 4, 0);
  }
  return call.timed ? ::mq_timedreceive(queue, buffer, sizeof buffer, nullptr, &deadline)
                    : ::mq_receive(queue, buffer, sizeof buffer, nullptr);
}

void send_one(mqd_t queue) {
  if (::mq_send(queue, "m", 1, 0) != 0) give_up("cannot send: %s", error_name(errno));
}

void take_one(mqd_t queue) {
  char buffer[16];
  if (::mq_receive(queue, buffer, sizeof buffer, nullptr) < 0) give_up("cannot receive: %s", error_name(errno));
}

/// A queue on which that call waits.
mqd_t queue_for(const Call& call) {
  const mqd_t queue = open_queue();
  if (call.sends) fill(queue);
  return queue;
}

/// What lets that call go.
void let_go(const Call& call, mqd_t queue) { call.sends ? take_one(queue) : send_one(queue); }

int handled = -1;  ///< an eventfd that handlers write: "the handler ran" is a fact too

void note(int) { ::eventfd_write(handled, 1); }

void wait_for_handler() {
  eventfd_t count = 0;
  ::eventfd_read(handled, &count);
}

void on_signal(int signal, int flags, void (*handler)(int) = note) {
  if (handled < 0) handled = ::eventfd(0, EFD_SEMAPHORE);
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(signal, &action, nullptr);
}

void remove_queue(mqd_t queue) {
  ::mq_close(queue);
  ::mq_unlink(queue_name());
}

}  // namespace

// ---- EINTR and restarts ---------------------------------------------------------------------------------------------

POSIX_TEST(signals, 1, "a handler without SA_RESTART: each call that waits gives EINTR, and did nothing") {
  on_signal(SIGUSR1, 0);
  const pid_t sleeper = ::getpid();
  for (const Call& call : kCalls) {
    const mqd_t queue = queue_for(call);
    const long before = depth(queue);
    const pid_t other = start_child([=] {
      wait_until_sleeping(sleeper);
      return ::kill(sleeper, SIGUSR1);
    });
    traced(call.name, make(call, queue));
    finish(other);
    trace("depth unchanged: %s", depth(queue) == before ? "yes" : "no");
    remove_queue(queue);
  }
}

POSIX_TEST(signals, 2, "a handler with SA_RESTART: each call goes on waiting, and succeeds") {
  on_signal(SIGUSR1, SA_RESTART);
  const pid_t sleeper = ::getpid();
  for (const Call& call : kCalls) {
    const mqd_t queue = queue_for(call);
    const pid_t other = start_child([=] {
      wait_until_sleeping(sleeper);
      ::kill(sleeper, SIGUSR1);
      wait_for_handler();
      wait_until_sleeping(sleeper);
      let_go(call, queue);
      return 0;
    });
    traced(call.name, make(call, queue));
    finish(other);
    remove_queue(queue);
  }
}

POSIX_TEST(signals, 3, "SA_RESTART and a deadline: it holds, however often the call is restarted") {
  on_signal(SIGUSR1, SA_RESTART);
  const pid_t sleeper = ::getpid();
  for (const Call& call : kCalls) {
    if (!call.timed) continue;
    const mqd_t queue = queue_for(call);
    const pid_t other = start_child([=] {
      wait_until_sleeping(sleeper);
      for (int count = 0; count < 10; ++count) {
        ::kill(sleeper, SIGUSR1);
        ::usleep(2000);
      }
      return 0;
    });
    const long begin = milliseconds();
    traced(call.name, make(call, queue, 200));
    trace("not before its deadline: %s", milliseconds() - begin >= 199 ? "yes" : "no");  // two clocks, each rounded
    finish(other);
    remove_queue(queue);
  }
}

POSIX_TEST(signals, 4, "five signals with SA_RESTART, one after the other: none is lost, nor the message") {
  on_signal(SIGUSR1, SA_RESTART);
  on_signal(SIGUSR2, SA_RESTART);
  const mqd_t queue = open_queue();
  const pid_t sleeper = ::getpid();
  const pid_t other = start_child([=] {
    for (int count = 0; count < 5; ++count) {
      wait_until_sleeping(sleeper);
      ::kill(sleeper, count % 2 == 0 ? SIGUSR1 : SIGUSR2);
      wait_for_handler();
    }
    ::mq_send(queue, "at last", 7, 0);
    return 0;
  });
  trace_receive(queue);
  finish(other);
}

POSIX_TEST(signals, 5, "of two signals one restarts and the other interrupts") {
  on_signal(SIGUSR1, SA_RESTART);
  on_signal(SIGUSR2, 0);
  const mqd_t queue = open_queue();
  const pid_t sleeper = ::getpid();
  const pid_t other = start_child([=] {
    for (const int signal : {SIGUSR1, SIGUSR2}) {
      wait_until_sleeping(sleeper);
      ::kill(sleeper, signal);
      wait_for_handler();
    }
    return 0;
  });
  trace_receive(queue);
  finish(other);
}

POSIX_TEST(signals, 6, "a program that calls again after each EINTR gets its message") {
  on_signal(SIGUSR1, 0);
  const mqd_t queue = open_queue();
  const pid_t sleeper = ::getpid();
  const pid_t other = start_child([=] {
    for (int count = 0; count < 3; ++count) {
      wait_until_sleeping(sleeper);
      ::kill(sleeper, SIGUSR1);
      wait_for_handler();
    }
    wait_until_sleeping(sleeper);
    send_one(queue);
    return 0;
  });
  for (int count = 0; count < 4; ++count) trace_receive(queue);
  finish(other);
}

POSIX_TEST(signals, 7, "a signal that is ignored or blocked does not wake a call that waits") {
  ::signal(SIGUSR1, SIG_IGN);
  on_signal(SIGUSR2, 0);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const mqd_t queue = open_queue();
  const pid_t sleeper = ::getpid();
  const pid_t other = start_child([=] {
    for (const int signal : {SIGUSR1, SIGUSR2}) {
      wait_until_sleeping(sleeper);
      ::kill(sleeper, signal);
    }
    wait_until_sleeping(sleeper);
    send_one(queue);
    return 0;
  });
  trace_receive(queue);
  finish(other);
}

POSIX_TEST(signals, 8, "a signal that is pending before a call that need not wait: handled, and the call succeeds") {
  on_signal(SIGUSR1, 0);
  const mqd_t queue = open_queue();
  ::raise(SIGUSR1);
  traced("send", ::mq_send(queue, "m", 1, 0));
  ::raise(SIGUSR1);
  trace_receive(queue);
}

POSIX_TEST(signals, 9, "a thread that waits is interrupted by pthread_kill, and others are not") {
  on_signal(SIGUSR1, 0);
  const mqd_t queue = open_queue();
  std::atomic<pid_t> ids[2] = {0, 0};
  long results[2] = {};
  int errors[2] = {};
  std::thread threads[2];
  for (int index = 0; index < 2; ++index) {
    threads[index] = std::thread([&, index] {
      ids[index] = thread_id();
      results[index] = make(kCalls[0], queue);
      errors[index] = errno;
    });
  }
  for (const auto& id : ids) {
    while (id == 0) ::usleep(100);
    wait_until_sleeping(id);
  }
  ::pthread_kill(threads[1].native_handle(), SIGUSR1);
  threads[1].join();
  trace("interrupted: %s", results[1] == -1 ? error_name(errors[1]) : "no");
  wait_until_sleeping(ids[0]);
  send_one(queue);
  threads[0].join();
  traced("the other", results[0]);
}

// ---- Handlers that make calls ---------------------------------------------------------------------------------------

namespace {

mqd_t same = -1;
mqd_t other_queue = -1;

/// The kernel lets them do what they want. Here they may be refused, when the thread was inside the library.
void trace_in_handler(const char* what, long value) {
  const bool expected = value >= 0 || errno == EDEADLK;
  trace("%s in the handler: %s", what, expected ? "done or EDEADLK" : error_name(errno));
}

/// The main thread waits in mq_receive; then the handler, then a message. It must come back.
void trace_handler(void (*handler)(int)) {
  same = open_named("-same", O_RDWR, 10);
  other_queue = open_named("-other", O_RDWR, 10);
  on_signal(SIGUSR1, SA_RESTART, handler);
  const pid_t sleeper = ::getpid();
  const pid_t child = start_child([=] {
    wait_until_sleeping(sleeper);
    ::kill(sleeper, SIGUSR1);
    wait_for_handler();
    for (int count = 0; count < 3; ++count) send_one(same);  // enough for the handler and for the thread
    return 0;
  });
  char buffer[16];
  trace("came back: %s", ::mq_receive(same, buffer, sizeof buffer, nullptr) >= 0 ? "yes" : error_name(errno));
  traced("child", finish(child));
}

}  // namespace

POSIX_TEST(signals, 10, "a handler that sends to the queue on which its thread waits: no hang") {
  trace_handler([](int) {
    trace_in_handler("mq_send", ::mq_send(same, "h", 1, 0));
    ::eventfd_write(handled, 1);
  });
}

POSIX_TEST(signals, 11, "a handler that receives from the queue on which its thread waits: no hang") {
  trace_handler([](int) {
    ::eventfd_write(handled, 1);  // first: what it waits for comes then
    char buffer[16];
    trace_in_handler("mq_receive", ::mq_receive(same, buffer, sizeof buffer, nullptr));
  });
}

POSIX_TEST(signals, 12, "a handler that sends to and receives from another queue while its thread waits: no hang") {
  trace_handler([](int) {
    const bool sent = ::mq_send(other_queue, "h", 1, 0) == 0;
    trace_in_handler("mq_send", sent ? 0 : -1);
    char buffer[16];
    if (sent) trace_in_handler("mq_receive", ::mq_receive(other_queue, buffer, sizeof buffer, nullptr));
    ::eventfd_write(handled, 1);
  });
}

POSIX_TEST(signals, 13, "a handler that asks for attributes, and opens and closes, while its thread waits: no hang") {
  trace_handler([](int) {
    mq_attr attributes{};
    trace_in_handler("mq_getattr", ::mq_getattr(same, &attributes));
    const mqd_t mine = ::mq_open(queue_name("-same"), O_RDONLY);
    trace_in_handler("mq_open", mine);
    trace_in_handler("mq_close", ::mq_close(mine));
    ::eventfd_write(handled, 1);
  });
}

POSIX_TEST(signals, 14, "a handler that jumps out of a call that waits: the queue works as before") {
  static sigjmp_buf place;
  on_signal(SIGUSR1, 0, [](int) { ::siglongjmp(place, 1); });
  const mqd_t queue = open_queue();
  const pid_t sleeper = ::getpid();
  const pid_t other = start_child([=] {
    wait_until_sleeping(sleeper);
    return ::kill(sleeper, SIGUSR1);
  });
  if (sigsetjmp(place, 1) == 0) {
    char buffer[16];
    traced("receive", ::mq_receive(queue, buffer, sizeof buffer, nullptr));
  }
  finish(other);
  traced("send", ::mq_send(queue, "m", 1, 0));
  trace_receive(queue);
  in_child([=] {
    traced("send", ::mq_send(queue, "m", 1, 0));
    return 0;
  });
  trace_receive(queue);
}

namespace {

/// SIGALRM every so often, with SA_RESTART.
void begin_storm(long microseconds) {
  const itimerval interval{.it_interval = {.tv_sec = 0, .tv_usec = microseconds},
                           .it_value = {.tv_sec = 0, .tv_usec = microseconds}};
  ::setitimer(ITIMER_REAL, &interval, nullptr);
}

void end_storm() {
  const itimerval none{};
  ::setitimer(ITIMER_REAL, &none, nullptr);
}

}  // namespace

POSIX_TEST(signals, 15, "a storm of signals with SA_RESTART in both processes: 20000 messages pass in order") {
  constexpr int kMessages = 20'000;
  on_signal(SIGALRM, SA_RESTART, [](int) {});
  const mqd_t queue = open_queue();
  const pid_t sender = start_child([=] {
    begin_storm(200);
    int failures = 0;
    for (int message = 0; message < kMessages; ++message) {
      if (::mq_send(queue, reinterpret_cast<const char*>(&message), sizeof message, 0) != 0) ++failures;
    }
    end_storm();
    return failures == 0 ? 0 : 1;
  });
  begin_storm(200);
  int in_order = 0;
  for (int index = 0; index < kMessages; ++index) {
    char buffer[16];
    int message = -1;
    if (::mq_receive(queue, buffer, sizeof buffer, nullptr) == sizeof message) {
      std::memcpy(&message, buffer, sizeof message);
    }
    if (message == index) ++in_order;
  }
  end_storm();
  traced("sender", finish(sender));
  traced("in order", in_order);
}

POSIX_TEST(signals, 16,
           "a storm of handlers that send and receive on the queue of the interrupted call: no hang, no damage") {
  constexpr int kMessages = 20'000;
  same = open_named("-same", O_RDWR | O_NONBLOCK, 10);
  static int wrong;
  wrong = 0;
  on_signal(SIGALRM, SA_RESTART, [](int) {
    const int error = errno;
    char buffer[16];
    if (::mq_send(same, "h", 1, 0) != 0 && errno != EAGAIN && errno != EDEADLK) ++wrong;
    if (::mq_receive(same, buffer, sizeof buffer, nullptr) < 0 && errno != EAGAIN && errno != EDEADLK) ++wrong;
    errno = error;
  });
  begin_storm(100);
  for (int count = 0; count < kMessages; ++count) {
    char buffer[16];
    if (::mq_send(same, "m", 1, 0) != 0 && errno != EAGAIN) ++wrong;
    if (::mq_receive(same, buffer, sizeof buffer, nullptr) < 0 && errno != EAGAIN) ++wrong;
  }
  end_storm();
  traced("wrong", wrong);
  char buffer[16];
  while (::mq_receive(same, buffer, sizeof buffer, nullptr) >= 0) {
  }
  traced("depth", depth(same));
}

// ---- Stopped and killed ---------------------------------------------------------------------------------------------

POSIX_TEST(signals, 17, "SIGSTOP and SIGCONT: a receiver that waits goes on waiting, and gets its message") {
  const mqd_t queue = open_queue();
  const pid_t receiver = start_child([=] {
    trace_receive(queue);
    return 0;
  });
  wait_until_sleeping(receiver);
  ::kill(receiver, SIGSTOP);
  int status = 0;
  ::waitpid(receiver, &status, WUNTRACED);
  trace("stopped: %s", WIFSTOPPED(status) ? "yes" : "no");
  ::kill(receiver, SIGCONT);
  wait_until_sleeping(receiver);
  send_one(queue);
  traced("receiver", finish(receiver));
}

POSIX_TEST(signals, 18, "a message for a stopped receiver stays in the queue until SIGCONT") {
  const mqd_t queue = open_queue();
  const pid_t receiver = start_child([=] {
    trace_receive(queue);
    return 0;
  });
  wait_until_sleeping(receiver);
  ::kill(receiver, SIGSTOP);
  int status = 0;
  ::waitpid(receiver, &status, WUNTRACED);
  send_one(queue);
  traced("depth", depth(queue));
  ::kill(receiver, SIGCONT);
  traced("receiver", finish(receiver));
  traced("depth", depth(queue));
}

POSIX_TEST(signals, 19, "a receiver or sender that is killed while it waits takes nothing and leaves nothing") {
  for (const Call& call : kCalls) {
    const mqd_t queue = queue_for(call);
    const pid_t child = start_child([=] { return static_cast<int>(make(call, queue)); });
    wait_until_sleeping(child);
    ::kill(child, SIGKILL);
    trace("%s: ended with %d", call.name, finish(child));
    const long before = depth(queue);
    let_go(call, queue);
    trace("depth changed by one: %s", std::abs(depth(queue) - before) == 1 ? "yes" : "no");
    remove_queue(queue);
  }
}

// ---- Cancellation ---------------------------------------------------------------------------------------------------

namespace {

/// A thread that makes one call, and may be cancelled in it.
class Cancellable {
 public:
  Cancellable(const Call& call, mqd_t queue, void* (*body)(void*) = run) : call_(call), queue_(queue) {
    if (::pthread_create(&thread_, nullptr, body, this) != 0) give_up("no thread");
    while (id_ == 0) ::usleep(100);
  }
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;
  ~Cancellable() = default;

  void wait_until_it_waits() const { wait_until_sleeping(id_); }
  void cancel() const { ::pthread_cancel(thread_); }
  [[nodiscard]] bool joined_cancelled() const {
    void* result = nullptr;
    ::pthread_join(thread_, &result);
    return result == PTHREAD_CANCELED;
  }
  [[nodiscard]] bool cleaned_up() const { return cleaned_up_; }
  [[nodiscard]] bool came_back() const { return came_back_; }

  /// What the thread does unless told otherwise.
  static void* run(void* argument) {
    auto* const self = static_cast<Cancellable*>(argument);
    pthread_cleanup_push(clean_up, argument);
    self->id_ = thread_id();
    make(self->call_, self->queue_);
    pthread_cleanup_pop(0);
    return nullptr;
  }

  /// The same, with cancellation put off until the call is over.
  static void* run_disabled(void* argument) {
    auto* const self = static_cast<Cancellable*>(argument);
    pthread_cleanup_push(clean_up, argument);
    int old = 0;
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    self->id_ = thread_id();
    traced(self->call_.name, make(self->call_, self->queue_));
    ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    ::pthread_testcancel();
    pthread_cleanup_pop(0);
    return nullptr;
  }

  /// The same, with the cancellation there before the call.
  static void* run_cancelled(void* argument) {
    auto* const self = static_cast<Cancellable*>(argument);
    pthread_cleanup_push(clean_up, argument);
    self->id_ = thread_id();
    ::pthread_cancel(::pthread_self());
    make(self->call_, self->queue_);
    self->came_back_ = true;
    pthread_cleanup_pop(0);
    return nullptr;
  }

 private:
  static void clean_up(void* argument) { static_cast<Cancellable*>(argument)->cleaned_up_ = true; }

  const Call& call_;
  mqd_t queue_;
  pthread_t thread_{};
  std::atomic<pid_t> id_{0};
  bool cleaned_up_ = false;
  bool came_back_ = false;
};

}  // namespace

POSIX_TEST(signals, 20, "a thread cancelled while it waits: cleaned up, nothing taken, nothing left, the queue works") {
  for (const Call& call : kCalls) {
    const mqd_t queue = queue_for(call);
    const long before = depth(queue);
    const Cancellable thread(call, queue);
    thread.wait_until_it_waits();
    thread.cancel();
    const bool cancelled = thread.joined_cancelled();
    trace("%s: cancelled %s, cleaned up %s, depth unchanged: %s", call.name, cancelled ? "yes" : "no",
          thread.cleaned_up() ? "yes" : "no", depth(queue) == before ? "yes" : "no");
    let_go(call, queue);
    trace("depth changed by one: %s", std::abs(depth(queue) - before) == 1 ? "yes" : "no");
    remove_queue(queue);
  }
}

POSIX_TEST(signals, 21,
           "50 threads cancelled in mq_receive, one after the other: no message is lost, nothing is used up") {
  const mqd_t queue = open_queue();
  int wrong = 0;
  for (int count = 0; count < 50; ++count) {
    const Cancellable thread(kCalls[0], queue);
    thread.wait_until_it_waits();
    thread.cancel();
    if (!thread.joined_cancelled() || !thread.cleaned_up()) ++wrong;
    send_one(queue);
    if (depth(queue) != 1) ++wrong;
    take_one(queue);
  }
  traced("wrong", wrong);
}

POSIX_TEST(signals, 22, "20 threads that wait at the same time are cancelled, all but one: that gets the message") {
  const mqd_t queue = open_queue();
  std::atomic<int> received{0};
  std::atomic<pid_t> ids[20] = {};
  std::thread threads[20];
  for (int index = 0; index < 20; ++index) {
    threads[index] = std::thread([&, index] {
      ids[index] = thread_id();
      take_one(queue);
      ++received;
    });
  }
  for (const auto& id : ids) {
    while (id == 0) ::usleep(100);
  }
  for (const auto& id : ids) wait_until_sleeping(id);
  for (int index = 0; index < 20; ++index) {
    if (index == 13) continue;
    ::pthread_cancel(threads[index].native_handle());
    threads[index].join();
  }
  send_one(queue);
  threads[13].join();
  trace("received %d, depth %ld", received.load(), depth(queue));
}

POSIX_TEST(signals, 23, "cancellation disabled: the call goes on waiting and succeeds, the thread ends later") {
  for (const Call& call : kCalls) {
    const mqd_t queue = queue_for(call);
    const Cancellable thread(call, queue, Cancellable::run_disabled);
    thread.wait_until_it_waits();
    thread.cancel();
    thread.wait_until_it_waits();
    let_go(call, queue);
    trace("cancelled: %s", thread.joined_cancelled() ? "yes" : "no");
    remove_queue(queue);
  }
}

POSIX_TEST(signals, 24, "cancelled before the call: it ends the thread also when it need not wait, and does nothing") {
  for (const Call& call : kCalls) {
    const mqd_t queue = open_queue();
    send_one(queue);
    const Cancellable thread(call, queue, Cancellable::run_cancelled);
    const bool cancelled = thread.joined_cancelled();
    trace("%s: cancelled %s, came back %s, cleaned up %s, depth %ld", call.name, cancelled ? "yes" : "no",
          thread.came_back() ? "yes" : "no", thread.cleaned_up() ? "yes" : "no", depth(queue));
    remove_queue(queue);
  }
}

POSIX_TEST(signals, 25, "the calls that never wait are no cancellation points") {
  const mqd_t queue = open_queue();
  const char* const name = queue_name();
  bool came_back = false;
  std::thread thread([&] {
    ::pthread_cancel(::pthread_self());
    mq_attr attributes{};
    ::mq_getattr(queue, &attributes);
    ::mq_setattr(queue, &attributes, nullptr);
    ::mq_notify(queue, nullptr);
    const mqd_t second = ::mq_open(name, O_RDWR);
    sigevent event{};
    event.sigev_notify = SIGEV_NONE;
    ::mq_notify(second, &event);
    ::mq_close(second);
    ::mq_unlink(name);
    ::mq_open(name, O_RDWR | O_CREAT, 0600, nullptr);
    came_back = true;
    ::pthread_testcancel();
    came_back = false;
  });
  thread.join();
  trace("came back: %s", came_back ? "yes" : "no");
}

POSIX_TEST(signals, 26, "a descriptor of a cancelled thread's queue can be closed and opened again") {
  const mqd_t queue = open_queue();
  const Cancellable thread(kCalls[0], queue);
  thread.wait_until_it_waits();
  thread.cancel();
  trace("cancelled: %s", thread.joined_cancelled() ? "yes" : "no");
  traced("close", ::mq_close(queue));
  const mqd_t again = open_queue();
  traced("send", ::mq_send(again, "m", 1, 0));
  trace_receive(again);
}
