// What a case of the oracle is made of. The program runs twice, on the kernel's queues and with libmqxx-posix.so
// preloaded, and both runs must print the same trace. So cases use libc alone, and:
//   T1  a trace has facts (order, errno, sizes, priorities, yes or no), never process ids, names, addresses or times;
//   T2  "blocked" is waited for (wait_until_sleeping) and never guessed from a sleep;
//   T3  a case stays inside Linux's default limits, and leaves nothing behind but queues of queue_name().
#pragma once

#include <functional>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/types.h>
#include <time.h>

namespace mqxx::cases {

struct Case {
  const char* call;
  int number;
  const char* sentence;
  bool differs;  ///< the two traces must differ; docs/posix.md says why, first of all
  void (*body)();
};

/// What another process runs after `execl(program(), program(), "--part", NAME, nullptr)`; no case of its own.
struct Part {
  const char* name;
  void (*body)();
};

struct Registration {
  explicit Registration(const Case& entry);
  explicit Registration(const Part& entry);
};

// POSIX_TEST(mq_send, 7, "full queue with O_NONBLOCK: EAGAIN, nothing queued") { ... } is the case mq_send.7, and has
// a row in docs/posix.md. POSIX_DIFFERENCE is one in which the library deliberately does something else.
#define POSIX_TEST(call, number, sentence) MQXX_CASE(call, number, sentence, false)
#define POSIX_DIFFERENCE(call, number, sentence) MQXX_CASE(call, number, sentence, true)
#define MQXX_CASE(call, number, sentence, differs)                                    \
  static void call##_##number##_body();                                               \
  static const ::mqxx::cases::Registration call##_##number##_registration{            \
      ::mqxx::cases::Case{#call, number, sentence, differs, call##_##number##_body}}; \
  static void call##_##number##_body()
#define POSIX_PART(name)                                                                                 \
  static void name##_part();                                                                             \
  static const ::mqxx::cases::Registration name##_registration{::mqxx::cases::Part{#name, name##_part}}; \
  static void name##_part()

/// One line of the trace, written at once: children and signal handlers may call it. Leaves errno alone.
[[gnu::format(printf, 1, 2)]] void trace(const char* format, ...);

/// "EAGAIN"
const char* error_name(int error);

/// Traces "what -> value", or "what -> EAGAIN" when the value is -1; returns the value.
/// traced("send", mq_send(queue, "x", 1, 0));
long traced(const char* what, long value);

/// The same for a call that makes a descriptor, whose number is nobody's business: "what -> descriptor".
int traced_descriptor(const char* what, int descriptor);

/// Ends the case with a line that says what the case itself could not do. For a child, ends the child.
[[noreturn, gnu::format(printf, 1, 2)]] void give_up(const char* format, ...);

/// "/mqxx-test-RANDOM" + suffix: the same in all processes of one run, unique among runs, removed at its end.
const char* queue_name(const char* suffix = "");

/// A queue called queue_name(), created unless it is there; gives up when it cannot.
mqd_t open_queue(int flags = O_RDWR, long capacity = 4, long size = 16, mode_t mode = 0600);

/// The same under queue_name(suffix).
mqd_t open_named(const char* suffix, int flags = O_RDWR, long capacity = 4, long size = 16, mode_t mode = 0600);

/// mq_curmsgs
long depth(mqd_t queue);

/// Fills the queue with one-byte messages of priority 0.
void fill(mqd_t queue);

/// Traces "received <size> bytes, priority <p>: <text>" or "received -> EAGAIN"; messages are text here.
void trace_receive(mqd_t queue);

/// Waits until that process or thread sleeps, and not just for a moment; gives up after ten seconds.
void wait_until_sleeping(pid_t thread_or_process);

/// Where a child says that it has done what it is there for. A child that is only seen to sleep may be on its way.
class Meeting {
 public:
  Meeting();
  /// In the child: it is there, and stays until it is killed.
  [[noreturn]] void stay() const;
  /// In the parent: until the child is there.
  void wait() const;

 private:
  int event_;
};

pid_t thread_id();

/// Runs `body` in a child and waits: its exit status, or 1000 + the signal that ended it.
int in_child(const std::function<int()>& body);

/// Starts `body` in a child; finish() waits for it and says as in_child().
pid_t start_child(const std::function<int()>& body);
int finish(pid_t child);

/// CLOCK_REALTIME in so many milliseconds; negative is the past.
timespec from_now(long milliseconds);

/// Milliseconds of CLOCK_MONOTONIC, for "not earlier than".
long milliseconds();

/// A null pointer that the compiler cannot know to be one.
template <class Type>
Type* null_pointer() {
  static Type* volatile none = nullptr;
  return none;
}

/// Memory that nobody may read or write.
char* forbidden_memory();

/// The path of this program, for exec.
const char* program();

const Case* first_case();  ///< with last_case(): all of them, sorted by call and number
const Case* last_case();
void run_part(const char* name);
void remove_queues();  ///< every name that queue_name() gave out in this process

}  // namespace mqxx::cases

using namespace mqxx::cases;  // a case file is one of many small programs, and not a header
