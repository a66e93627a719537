// cancelled: makes each call in a thread whose cancellation is pending, and prints which of them end the thread. Only
// calls that may wait are cancellation points; the others must go on, whatever they do inside.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static char name[40];
static mqd_t queue;
static char buffer[16];
static int epoll;

static struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = sizeof buffer};

static int call_open(void) { return mq_open(name, O_RDWR); }
static int call_create(void) {
  char other[sizeof name + 2];
  snprintf(other, sizeof other, "%s-2", name);
  const mqd_t made = mq_open(other, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  return made < 0 ? -1 : mq_unlink(other);
}
static int call_missing(void) { return mq_open("/mqxx-no-such-queue", O_RDWR) == -1 ? 0 : -1; }
static int call_getattr(void) { return mq_getattr(queue, &attributes); }
static int call_setattr(void) {
  const struct mq_attr same = {.mq_flags = 0};
  return mq_setattr(queue, &same, NULL);
}
static int call_notify(void) {
  const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  return mq_notify(queue, &event) < 0 ? -1 : mq_notify(queue, NULL);
}
static int call_notify_none(void) {
  const struct sigevent event = {.sigev_notify = SIGEV_NONE};
  return mq_notify(queue, &event) < 0 ? -1 : mq_notify(queue, NULL);
}
static int call_dup(void) { return dup(queue); }
static int call_fcntl(void) { return fcntl(queue, F_GETFL); }
static int call_epoll_ctl(void) {
  struct epoll_event event = {.events = EPOLLIN};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event);
}
static int call_close(void) { return mq_close(dup(queue)); }
static int call_send(void) { return mq_send(queue, "x", 1, 0); }
static int call_timedsend(void) {
  const struct timespec past = {0, 0};
  return mq_timedsend(queue, "x", 1, 0, &past);
}
static int call_receive(void) { return (int)mq_receive(queue, buffer, sizeof buffer, NULL); }
static int call_poll(void) {
  struct pollfd polled = {.fd = queue, .events = POLLIN};
  return poll(&polled, 1, 0);
}

struct call {
  const char* name;
  int (*make)(void);
};

static const struct call kCalls[] = {
    {"mq_open", call_open},
    {"mq_open, new", call_create},
    {"mq_open, missing", call_missing},
    {"mq_getattr", call_getattr},
    {"mq_setattr", call_setattr},
    {"mq_notify", call_notify},
    {"mq_notify, none", call_notify_none},
    {"dup", call_dup},
    {"fcntl", call_fcntl},
    {"epoll_ctl", call_epoll_ctl},
    {"mq_close", call_close},
    {"mq_send", call_send},
    {"mq_timedsend", call_timedsend},
    {"mq_receive", call_receive},
    {"poll", call_poll},
};

static void* make_call(void* argument) {
  const struct call* call = argument;
  pthread_cancel(pthread_self());
  const int result = call->make();
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  printf("%s: goes on, %s\n", call->name, result >= 0 ? "well" : strerrorname_np(errno));
  return NULL;
}

int main(void) {
  snprintf(name, sizeof name, "/mqxx-cancelled-%d", (int)getpid());
  queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (queue == (mqd_t)-1 || epoll < 0 || mq_send(queue, "first", 5, 0) != 0) return 1;
  for (size_t i = 0; i < sizeof kCalls / sizeof *kCalls; ++i) {
    pthread_t thread;
    void* result = NULL;
    if (pthread_create(&thread, NULL, make_call, (void*)&kCalls[i]) != 0) return 1;
    if (pthread_join(thread, &result) != 0) return 1;
    if (result == PTHREAD_CANCELED) printf("%s: ends the thread\n", kCalls[i].name);
    fflush(stdout);
  }
  if (mq_getattr(queue, &attributes) != 0) return 1;
  printf("%ld message left\n", attributes.mq_curmsgs);
  return mq_unlink(name) != 0 || mq_close(queue) != 0;
}
