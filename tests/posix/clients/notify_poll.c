// notify_poll: a program that learns of messages in two ways at once, by a signal that it takes in sigwaitinfo, and by
// poll. The signal is taken once a burst: it registers
// again when the whole burst is there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kRounds = 50, kBurst = 7 };

static void die(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static void register_for(mqd_t queue) {
  const struct sigevent event = {
      .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = {.sival_int = 4711}};
  if (mq_notify(queue, &event) != 0) die("mq_notify");
}

static void send_bursts(mqd_t queue, int go) {
  char permission;
  for (int round = 0; round < kRounds; ++round) {
    if (read(go, &permission, 1) != 1) _exit(1);
    for (int i = 0; i < kBurst; ++i) {
      char text[16];
      const int size = snprintf(text, sizeof text, "%d.%d", round, i);
      if (mq_send(queue, text, (size_t)size, (unsigned)(i % 3)) != 0) _exit(2);
    }
  }
  _exit(0);
}

static int readiness(mqd_t queue) {
  struct pollfd polled = {.fd = queue, .events = POLLIN | POLLOUT};
  if (poll(&polled, 1, 0) < 0) die("poll");
  return polled.revents;
}

// Until the queue is empty: the sender may still be busy with the burst, so the count says when that is.
static void drain(mqd_t queue, int* count) {
  char buffer[16];
  unsigned priority = 0;
  while (*count < kBurst) {
    struct pollfd polled = {.fd = queue, .events = POLLIN};
    if (poll(&polled, 1, -1) != 1 || polled.revents != POLLIN) die("poll");
    while (mq_receive(queue, buffer, sizeof buffer, &priority) >= 0) ++*count;
    if (errno != EAGAIN) die("mq_receive");
  }
}

int main(void) {
  char name[40];
  snprintf(name, sizeof name, "/mqxx-poll-%d", (int)getpid());
  struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 16};
  const mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attributes);
  if (queue == (mqd_t)-1) die("mq_open");
  if (mq_unlink(name) != 0) die("mq_unlink");
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGRTMIN);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0) die("sigprocmask");
  int go[2];
  if (pipe(go) != 0) die("pipe");
  fflush(stdout);
  const pid_t sender = fork();
  if (sender < 0) die("fork");
  if (sender == 0) send_bursts(queue, go[0]);

  int right = 0;
  register_for(queue);
  for (int round = 0; round < kRounds; ++round) {
    if (readiness(queue) != POLLOUT) die("not empty");
    if (write(go[1], "", 1) != 1) die("write");
    siginfo_t info;
    if (sigwaitinfo(&signals, &info) != SIGRTMIN) die("sigwaitinfo");
    right += info.si_code == SI_MESGQ && info.si_pid == sender && info.si_uid == getuid() && info.si_int == 4711;
    int count = 0;
    drain(queue, &count);
    // Another registration stands only from here on: the burst may have had the queue empty in between.
    register_for(queue);
    if (count != kBurst) die("messages");
  }
  int status = 0;
  if (waitpid(sender, &status, 0) != sender) die("waitpid");
  printf("%d signals, the sender ended with %d\n", right, status);
  return mq_close(queue) != 0;
}
