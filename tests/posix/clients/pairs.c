// pairs COUNT: sends and receives COUNT messages on a queue that is neither empty nor full, and calls getppid() before
// and after, so that a trace shows what was in between.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kCapacity = 10, kSize = 64, kHalf = 5 };

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void send_one(mqd_t queue, long number) {
  char message[kSize] = {0};
  memcpy(message, &number, sizeof number);
  if (mq_send(queue, message, sizeof message, 3) != 0) die("mq_send");
}

static void receive_one(mqd_t queue, long number) {
  char message[kSize];
  unsigned priority = 0;
  if (mq_receive(queue, message, sizeof message, &priority) != kSize) die("mq_receive");
  if (memcmp(message, &number, sizeof number) != 0 || priority != 3) {
    fputs("another message than was sent\n", stderr);
    exit(1);
  }
}

int main(int argc, char** argv) {
  const long count = argc > 1 ? atol(argv[1]) : 1000;
  char name[40];
  snprintf(name, sizeof name, "/mqxx-pairs-%d", (int)getpid());
  struct mq_attr attributes = {.mq_maxmsg = kCapacity, .mq_msgsize = kSize};
  const mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  if (queue == (mqd_t)-1) die("mq_open");
  mq_unlink(name);
  long sent = 0;
  long received = 0;
  for (int i = 0; i < kHalf; ++i) send_one(queue, sent++);
  for (int i = 0; i < 4 * kCapacity; ++i) {  // every slot was used once: memory is reserved at its first use
    send_one(queue, sent++);
    receive_one(queue, received++);
  }
  // Past libc, so that nobody answers from memory.
  syscall(SYS_getppid);
  for (long i = 0; i < count; ++i) {
    send_one(queue, sent++);
    receive_one(queue, received++);
  }
  syscall(SYS_getppid);
  return mq_close(queue) != 0;
}
