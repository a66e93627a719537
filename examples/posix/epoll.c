// epoll: one loop that serves two queues, until a clock says that it took too long. Plain <mqueue.h>:
//
//   cc epoll.c -o epoll && ./epoll                                      on the kernel's queues
//   LD_PRELOAD=libmqxx-posix.so ./epoll                                 on those of mqxx
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kCapacity = 10, kSize = 64, kMessages = 1000 };

static void die(const char* what) {
  perror(what);
  exit(1);
}

struct source {
  const char* name;
  mqd_t queue;
  int count;
};

static void open_source(struct source* source, int epoll) {
  struct mq_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.mq_maxmsg = kCapacity;
  attributes.mq_msgsize = kSize;
  // On Linux, and here, a queue's descriptor is a file descriptor.
  source->queue = mq_open(source->name, O_RDONLY | O_CREAT | O_NONBLOCK, 0600, &attributes);
  if (source->queue == (mqd_t)-1) die("mq_open");
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = source}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, source->queue, &event) != 0) die("epoll_ctl");
}

// Takes what is there; the next round tells of what comes meanwhile.
static void take_all(struct source* source) {
  char message[kSize];
  while (mq_receive(source->queue, message, sizeof message, NULL) >= 0) ++source->count;
  if (errno != EAGAIN) die("mq_receive");
}

static void send_to(const char* name) {
  const mqd_t queue = mq_open(name, O_WRONLY);
  if (queue == (mqd_t)-1) die("mq_open");
  for (int i = 0; i < kMessages; ++i) {
    if (mq_send(queue, "a message", 9, 0) != 0) die("mq_send");
  }
  exit(0);
}

int main(void) {
  struct source sources[] = {{.name = "/example-epoll-orders"}, {.name = "/example-epoll-returns"}};
  pid_t senders[2];
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const struct itimerspec limit = {.it_value = {.tv_sec = 15}};
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
  if (epoll < 0 || clock < 0 || timerfd_settime(clock, 0, &limit, NULL) != 0) die("timerfd");
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, clock, &event) != 0) die("epoll_ctl");
  for (int i = 0; i < 2; ++i) open_source(&sources[i], epoll);
  for (int i = 0; i < 2; ++i) {
    senders[i] = fork();
    if (senders[i] < 0) die("fork");
    if (senders[i] == 0) send_to(sources[i].name);
  }

  while (sources[0].count < kMessages || sources[1].count < kMessages) {
    if (epoll_wait(epoll, &event, 1, -1) != 1) die("epoll_wait");
    if (event.data.ptr == NULL) {
      printf("gave up: %d and %d messages\n", sources[0].count, sources[1].count);
      break;
    }
    take_all(event.data.ptr);
  }
  for (int i = 0; i < 2; ++i) {
    printf("%s: %d messages\n", sources[i].name, sources[i].count);
    mq_close(sources[i].queue);
    mq_unlink(sources[i].name);
    kill(senders[i], SIGTERM);  // has ended already, unless we gave up
    waitpid(senders[i], NULL, 0);
  }
  return 0;
}
