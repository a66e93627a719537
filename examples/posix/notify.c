// notify: sleeps until a message comes to an empty queue, without a call that blocks on the queue. Plain <mqueue.h>:
//
//   cc notify.c -o notify && ./notify                                   on the kernel's queues
//   LD_PRELOAD=libmqxx-posix.so ./notify                                on those of mqxx
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char kName[] = "/example-notify";
enum { kCapacity = 10, kSize = 64 };

static void die(const char* what) {
  perror(what);
  exit(1);
}

// A registration is good for one message, and only for one that comes to an empty queue. So first register, then empty
// the queue: what comes in between is either taken here or signalled, and never missed.
static void arm(mqd_t queue) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  if (mq_notify(queue, &event) != 0) die("mq_notify");
}

// Takes everything; 1 when "stop" was among it.
static int drain(mqd_t queue) {
  char message[kSize];
  unsigned priority;
  for (;;) {
    const ssize_t size = mq_receive(queue, message, sizeof message, &priority);
    if (size < 0 && errno == EAGAIN) return 0;
    if (size < 0) die("mq_receive");
    if (size == 4 && memcmp(message, "stop", 4) == 0) return 1;
    printf("%.*s\n", (int)size, message);
  }
}

static void send_some(void) {
  const mqd_t queue = mq_open(kName, O_WRONLY);
  if (queue == (mqd_t)-1) die("mq_open");
  for (int i = 1; i <= 25; ++i) {  // more than fit: the sender waits for room
    char message[kSize];
    const int size = snprintf(message, sizeof message, "message %d", i);
    if (mq_send(queue, message, (size_t)size, 0) != 0) die("mq_send");
  }
  if (mq_send(queue, "stop", 4, 0) != 0) die("mq_send");
  mq_close(queue);
}

int main(void) {
  struct mq_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.mq_maxmsg = kCapacity;
  attributes.mq_msgsize = kSize;
  const mqd_t queue = mq_open(kName, O_RDONLY | O_CREAT | O_NONBLOCK, 0600, &attributes);
  if (queue == (mqd_t)-1) die("mq_open");

  // Blocked, the signal waits for sigwait() and interrupts nothing.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigprocmask(SIG_BLOCK, &signals, NULL);

  const pid_t sender = fork();
  if (sender < 0) die("fork");
  if (sender == 0) {
    send_some();
    return 0;
  }
  for (;;) {
    int signal_number;
    arm(queue);
    if (drain(queue)) break;
    sigwait(&signals, &signal_number);
  }
  waitpid(sender, NULL, 0);
  mq_close(queue);
  mq_unlink(kName);
  return 0;
}
