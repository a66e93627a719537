// mqxx-posix-bench WORKLOAD MILLISECONDS: measures one thing on whatever queues it is given, and prints whose they were
// ("kernel" or "mqxx") and the number. It knows libc and nothing else, so that the same file runs on the kernel's
// queues and preloaded. bench/posix/workloads.cpp runs it by turns and compares.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  kLargest = 8192,     // bytes
  kMessage = 64,       // bytes of a message where nothing else is said
  kPairsPerLook = 16,  // at the clock
  kWarmUp = 200,       // round trips
  kMostSamples = 1 << 20,
  kMqueueFileSystem = 0x19800202,  // MQUEUE_MAGIC of Linux
};

// How a consumer learns of messages.
enum waiting { kBlocking, kPoll, kPollOnce, kEpoll };

static char name_of_queue[64];
static char name_of_answers[64];

static void die(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// ---- Queues

static void write_file(const char* path, const char* text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, text, strlen(text)) < 0) (void)0;  // what it was for fails then, and says so
  close(file);
}

// The kernel refuses more than 10 messages unless told otherwise; in namespaces of his own anybody is root, and may
// tell it.
static void raise_limits(void) {
  char user[64], group[64];
  snprintf(user, sizeof user, "0 %d 1", (int)geteuid());
  snprintf(group, sizeof group, "0 %d 1", (int)getegid());
  if (unshare(CLONE_NEWIPC) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) != 0) return;
    write_file("/proc/self/uid_map", user);
    write_file("/proc/self/setgroups", "deny");  // or nobody but root may map groups
    write_file("/proc/self/gid_map", group);
  }
  write_file("/proc/sys/fs/mqueue/msg_max", "65536");
  write_file("/proc/sys/fs/mqueue/msgsize_max", "16777216");
}

static mqd_t create(const char* name, long capacity, long size) {
  struct mq_attr attributes = {.mq_maxmsg = capacity, .mq_msgsize = size};
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  if (queue == (mqd_t)-1 && errno == EINVAL) {
    raise_limits();
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  }
  if (queue == (mqd_t)-1) {
    fprintf(stderr, "mq_open of %ld x %ld bytes: %s\n", capacity, size, strerror(errno));
    exit(1);
  }
  return queue;
}

static const char* owner_of(mqd_t queue) {
  struct statfs system;
  return fstatfs(queue, &system) == 0 && system.f_type == kMqueueFileSystem ? "kernel" : "mqxx";
}

static void send_number(mqd_t queue, uint64_t number, size_t size) {
  char message[kLargest];
  if (size == kMessage) memset(message, 0x5a, kMessage);
  memcpy(message, &number, sizeof number);
  if (mq_send(queue, message, size, 0) != 0) die("mq_send");
}

static int receive_number(mqd_t queue, uint64_t* number, size_t size) {
  char message[kLargest];
  const ssize_t got = mq_receive(queue, message, size, NULL);
  if (got < 0) return -1;
  memcpy(number, message, sizeof *number);
  return 0;
}

static void expect_number(mqd_t queue, uint64_t wanted, size_t size) {
  uint64_t number = 0;
  if (receive_number(queue, &number, size) != 0) die("mq_receive");
  if (number == wanted) return;
  fputs("another message than was sent\n", stderr);
  exit(1);
}

// ---- Processes

static pid_t start(void) {
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

static void end(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) {
    fputs("the other process failed\n", stderr);
    exit(1);
  }
}

// The number-th processor that this process may use, or the last.
static void pin(int number) {
  cpu_set_t allowed, chosen;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  CPU_ZERO(&chosen);
  for (size_t cpu = 0; cpu < CPU_SETSIZE && number >= 0; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_ZERO(&chosen);
    CPU_SET(cpu, &chosen);
    --number;
  }
  if (number >= 0) {
    fputs("needs two processors\n", stderr);
    exit(1);
  }
  sched_setaffinity(0, sizeof chosen, &chosen);
}

// ---- Waiting

struct source {
  mqd_t queue;
  enum waiting waiting;
  int epoll;
};

static struct source source_of(mqd_t queue, enum waiting waiting) {
  struct source source = {.queue = queue, .waiting = waiting, .epoll = -1};
  if (waiting != kEpoll) return source;
  source.epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  if (source.epoll < 0 || epoll_ctl(source.epoll, EPOLL_CTL_ADD, queue, &event) != 0) die("epoll");
  return source;
}

static void wait_for_message(const struct source* source) {
  struct epoll_event event;
  struct pollfd polled = {.fd = source->queue, .events = POLLIN};
  switch (source->waiting) {
    case kBlocking: break;
    case kEpoll:
      if (epoll_wait(source->epoll, &event, 1, -1) != 1) die("epoll_wait");
      break;
    case kPoll:
    case kPollOnce:
      if (poll(&polled, 1, -1) != 1) die("poll");
      break;
  }
}

// ---- Workloads: each returns its number

static double pair(mqd_t queue, size_t size, int64_t duration) {
  uint64_t number = 0;
  for (int i = 0; i < 40; ++i) {  // all of the memory is touched once
    send_number(queue, ++number, size);
    expect_number(queue, number, size);
  }
  const uint64_t first = number;
  const int64_t started = now_ns();
  int64_t now = started;
  while (now < started + duration) {
    for (int i = 0; i < kPairsPerLook; ++i) {
      send_number(queue, ++number, size);
      expect_number(queue, number, size);
    }
    now = now_ns();
  }
  return (double)(now - started) / (double)(number - first);
}

static void produce(mqd_t queue, int64_t duration) {
  const int64_t until = now_ns() + duration;
  uint64_t number = 0;
  do {
    for (int i = 0; i < kPairsPerLook; ++i) send_number(queue, ++number, kMessage);
  } while (now_ns() < until);
  send_number(queue, 0, kMessage);
  _exit(0);
}

// Millions of messages a second, counted by the consumer.
static double flow(mqd_t queue, enum waiting waiting, int64_t duration) {
  const mqd_t ours = mq_open(name_of_queue, O_RDONLY | (waiting == kPoll || waiting == kEpoll ? O_NONBLOCK : 0));
  if (ours == (mqd_t)-1) die("mq_open");
  const struct source source = source_of(ours, waiting);
  const pid_t producer = start();
  if (producer == 0) produce(queue, duration);
  uint64_t expected = 1;
  int64_t started = 0;
  for (;;) {
    wait_for_message(&source);
    // Who waits by poll takes all that is there; with kPollOnce, and who blocks, one message.
    do {
      uint64_t number = 0;
      if (receive_number(ours, &number, kMessage) != 0) {
        if (errno == EAGAIN) break;
        die("mq_receive");
      }
      if (started == 0) started = now_ns();
      if (number == 0) {
        const double seconds = (double)(now_ns() - started) / 1e9;
        end(producer);
        return (double)expected / seconds / 1e6;
      }
      if (number != expected++) {
        fputs("a message is missing\n", stderr);
        exit(1);
      }
    } while (waiting == kPoll || waiting == kEpoll);
  }
}

static void answer(mqd_t questions, mqd_t answers, enum waiting waiting) {
  pin(1);
  const struct source source = source_of(questions, waiting);
  for (;;) {
    uint64_t number = 0;
    wait_for_message(&source);
    if (receive_number(questions, &number, kMessage) != 0) die("mq_receive");
    if (number == 0) _exit(0);
    send_number(answers, number, kMessage);
  }
}

static int by_value(const void* left, const void* right) {
  const uint32_t a = *(const uint32_t*)left, b = *(const uint32_t*)right;
  return (a > b) - (a < b);
}

// Microseconds, the median.
static double round_trip(mqd_t questions, enum waiting waiting, int64_t duration) {
  const mqd_t answers = create(name_of_answers, 10, kMessage);
  mq_unlink(name_of_answers);
  const pid_t other = start();
  if (other == 0) answer(questions, answers, waiting);
  pin(0);
  const struct source source = source_of(answers, waiting);
  uint32_t* samples = mmap(NULL, kMostSamples * sizeof *samples, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (samples == MAP_FAILED) die("mmap");
  size_t count = 0;
  uint64_t number = 0;
  int64_t until = 0, before = 0;
  while (count < kMostSamples) {
    send_number(questions, ++number, kMessage);
    wait_for_message(&source);
    expect_number(answers, number, kMessage);
    const int64_t now = now_ns();
    if (number == kWarmUp) until = now + duration;
    if (number > kWarmUp) {
      samples[count++] = (uint32_t)(now - before);
      if (now >= until) break;
    }
    before = now;
  }
  send_number(questions, 0, kMessage);
  end(other);
  qsort(samples, count, sizeof *samples, by_value);
  return (double)samples[count / 2] / 1e3;
}

// Microseconds for a call and its opposite.
static double opening(int flags, int64_t duration) {
  struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = kMessage};
  const char* name = (flags & O_CREAT) != 0 ? name_of_answers : name_of_queue;
  uint64_t count = 0;
  const int64_t started = now_ns();
  int64_t now = started;
  for (; now < started + duration; now = now_ns(), ++count) {
    const mqd_t queue = mq_open(name, O_RDWR | flags, 0600, &attributes);
    if (queue == (mqd_t)-1) die("mq_open");
    if ((flags & O_CREAT) != 0 && mq_unlink(name) != 0) die("mq_unlink");
    if (mq_close(queue) != 0) die("mq_close");
  }
  return (double)(now - started) / (double)count / 1e3;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fputs("usage: mqxx-posix-bench WORKLOAD MILLISECONDS\n", stderr);
    return 2;
  }
  const char* work = argv[1];
  const int64_t duration = atoll(argv[2]) * 1000000;
  snprintf(name_of_queue, sizeof name_of_queue, "/mqxx-posix-bench-%d", (int)getpid());
  snprintf(name_of_answers, sizeof name_of_answers, "/mqxx-posix-bench-%d-answers", (int)getpid());
  const int deep = strstr(work, "1000") != NULL, large = strstr(work, "8KiB") != NULL;
  const mqd_t queue = create(name_of_queue, deep ? 1000 : 10, large ? kLargest : kMessage);
  const enum waiting waiting = strstr(work, "epoll") != NULL      ? kEpoll
                               : strstr(work, "poll-one") != NULL ? kPollOnce
                               : strstr(work, "poll") != NULL     ? kPoll
                                                                  : kBlocking;
  double value = 0;
  if (strncmp(work, "pair", 4) == 0) value = pair(queue, large ? kLargest : kMessage, duration);
  if (strncmp(work, "flow", 4) == 0) value = flow(queue, waiting, duration);
  if (strncmp(work, "roundtrip", 9) == 0) value = round_trip(queue, waiting, duration);
  if (strcmp(work, "open-close") == 0) value = opening(0, duration);
  if (strcmp(work, "create-unlink") == 0) value = opening(O_CREAT | O_EXCL, duration);
  mq_unlink(name_of_queue);
  if (value <= 0) {
    fprintf(stderr, "no such workload: %s\n", work);
    return 2;
  }
  printf("%s %.6f\n", owner_of(queue), value);
  return mq_close(queue) != 0;
}
